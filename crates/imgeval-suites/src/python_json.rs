//! JSON text as Python's `json.dumps` writes it by default, for files that must equal official ones byte for byte:
//! `", "` and `": "` between parts, everything but printable ASCII escaped, floats by Python's `repr`.

use std::fmt::Write;

use serde_json::{Number, Value};

/// `json.dumps(value)`.
#[must_use]
pub fn to_python_json(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => text.push_str(&render_number(number)),
        Value::String(string) => write_string(text, string),
        Value::Array(items) => write_joined(text, ('[', ']'), items, write_value),
        Value::Object(members) => write_joined(text, ('{', '}'), members, |text, (key, member)| {
            write_string(text, key);
            text.push_str(": ");
            write_value(text, member);
        }),
    }
}

fn write_joined<T>(
    text: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    mut write_item: impl FnMut(&mut String, T),
) {
    text.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        write_item(text, item);
    }
    text.push(close);
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            _ => write_utf16_escapes(text, character),
        }
    }
    text.push('"');
}

fn write_utf16_escapes(text: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        write!(text, "\\u{unit:04x}").ok();
    }
}

pub(crate) fn render_number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => render_float(float),
        _ => number.to_string(),
    }
}

/// Python's `repr` of a finite float: the fewest digits that read back the same, with an exponent below 1e-4 and from
/// 1e16 on, and never without a point or an exponent.
fn render_float(float: f64) -> String {
    let shortest = format!("{float:e}");
    let Some((digits, Ok(exponent))) = shortest.split_once('e').map(|(digits, text)| (digits, text.parse()))
    else {
        return shortest;
    };
    let n_decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    match exponent {
        -4..16 => {
            let n_decimals = n_decimals.saturating_add_signed(-exponent).max(1);
            if_same(float, format!("{float:.n_decimals$}")).unwrap_or_else(|| format!("{float:?}"))
        }
        _ => pad_exponent(&if_same(float, format!("{float:.n_decimals$e}")).unwrap_or(shortest)),
    }
}

/// `text`, if it reads back as `float`.
///
/// Where two texts of the same length read back alike and are equally close, Rust's shortest form takes the larger
/// and Python the even one, and so does Rust when told the number of digits. At powers of two, though, the closest
/// text of that length may read back as the float below.
fn if_same(float: f64, text: String) -> Option<String> {
    (text.parse() == Ok(float)).then_some(text)
}

/// `1e-5` as `1e-05` and `1e16` as `1e+16`.
fn pad_exponent(scientific: &str) -> String {
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scripts/reference/geneval_prompts.py (Python 3.11.7).
    const FIXTURE: &str = include_str!("../tests/fixtures/numpy_prompts.json");

    #[test]
    fn texts_are_those_of_python() {
        let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
        let rows = fixture["json"].as_array().unwrap();
        assert!(rows.len() > 40, "{}", rows.len());
        for row in rows {
            assert_eq!(to_python_json(&row["value"]), row["text"].as_str().unwrap());
        }
    }

    #[test]
    fn floats_switch_to_exponents_where_python_does() {
        let check = |float: f64, expected: &str| assert_eq!(to_python_json(&Value::from(float)), expected);
        check(0.0001, "0.0001");
        check(0.00009999999999999999, "9.999999999999999e-05");
        check(1e-5, "1e-05");
        check(9999999999999998.0, "9999999999999998.0");
        check(1e16, "1e+16");
        check(-1.5e300, "-1.5e+300");
        check(f64::from_bits(1), "5e-324");
        check(-0.0, "-0.0");
    }

    #[test]
    fn ties_between_shortest_floats_go_to_the_even_digit() {
        let check = |float: f64, expected: &str| assert_eq!(to_python_json(&Value::from(float)), expected);
        check(717_680_571_802_231.0 + 0.25, "717680571802231.2");
        check(717_680_571_802_231.0 + 0.75, "717680571802231.8");
        check(0.5_f64.powi(25), "2.9802322387695312e-08");
        // The closest 16 digits to this power of two, 5.684341886080801e-14, read back as the float below it.
        check(0.5_f64.powi(44), "5.684341886080802e-14");
    }
}
