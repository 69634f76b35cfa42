//! Python's `repr` of texts, and of lists and dicts that come from JSON: what a script sends that puts such a value into
//! its text as it is.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::python_json::render_number;

/// What `str.isprintable` refuses, apart from the blank. A character that became one after Python's tables were made is
/// printed here and escaped there.
static NOT_PRINTABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{C}\p{Z}]").ok());

fn is_printable(character: char) -> bool {
    let mut bytes = [0; 4];
    let text = character.encode_utf8(&mut bytes);
    character == ' ' || !NOT_PRINTABLE.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// `repr` of a text: single quotes unless it has one and no double quote.
#[must_use]
pub fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut repr = String::from(quote);
    for character in text.chars() {
        let code = u32::from(character);
        match character {
            '\\' => repr.push_str("\\\\"),
            '\n' => repr.push_str("\\n"),
            '\r' => repr.push_str("\\r"),
            '\t' => repr.push_str("\\t"),
            _ if character == quote => repr.extend(['\\', quote]),
            _ if is_printable(character) => repr.push(character),
            _ if code < 0x100 => repr.push_str(&format!("\\x{code:02x}")),
            _ if code < 0x1_0000 => repr.push_str(&format!("\\u{code:04x}")),
            _ => repr.push_str(&format!("\\U{code:08x}")),
        }
    }
    repr.push(quote);
    repr
}

/// `repr` of a value that Python's `json` read: `None`, `True`, keys in the order of the file.
#[must_use]
pub fn repr_json(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => render_number(number),
        Value::String(text) => repr_text(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(repr_json).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", repr_text(key), repr_json(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // Reference: Python 3.11's `repr` and `json.loads`.
    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (text, repr) in [
            ("a", "'a'"),
            ("b's", "\"b's\""),
            ("\"", "'\"'"),
            ("'\"", "'\\'\"'"),
            ("a\\b\n\t\r", r"'a\\b\n\t\r'"),
            ("\u{0}\u{1b}\u{7f}\u{a0}\u{ad}\u{e9}", "'\\x00\\x1b\\x7f\\xa0\\xad\u{e9}'"),
            ("\u{200b}\u{2028}\u{3000}\u{feff}\u{e000}", r"'\u200b\u2028\u3000\ufeff\ue000'"),
            ("\u{1f600}\u{fe0f}\u{e0001}", "'\u{1f600}\u{fe0f}\\U000e0001'"),
            ("{x} %s \u{300c}\u{4e2d}", "'{x} %s \u{300c}\u{4e2d}'"),
        ] {
            assert_eq!(repr_text(text), repr, "{text}");
        }
    }

    #[test]
    fn lists_and_dicts_are_written_as_python_writes_them() {
        assert_eq!(repr_json(&json!(["a", "b's", "say \"it's\""])), r#"['a', "b's", 'say "it\'s"']"#);
        let criteria: Value =
            serde_json::from_str(r#"{"z": null, "a": [true, false, 1, 1.0, 1e22, -0.5], "e": {}, "l": []}"#)
                .unwrap();
        assert_eq!(
            repr_json(&criteria),
            "{'z': None, 'a': [True, False, 1, 1.0, 1e+22, -0.5], 'e': {}, 'l': []}"
        );
    }
}
