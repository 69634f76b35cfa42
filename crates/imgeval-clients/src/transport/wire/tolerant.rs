//! The tolerant parser: JSON, and what servers write instead of it.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::{Note, WireError, counted::ValuesLeft};

/// As serde_json's own limit.
pub(super) const MAX_DEPTH: usize = 128;

/// The value at the start of `bytes`, and where it ends.
pub(super) fn parse_tolerantly(
    bytes: &[u8],
    left: &ValuesLeft,
    notes: &mut BTreeSet<Note>,
) -> Result<(Value, usize), WireError> {
    let mut parser = Parser { bytes, at: 0, left, notes };
    let value = parser.value(0)?;
    Ok((value, parser.at))
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    left: &'a ValuesLeft,
    notes: &'a mut BTreeSet<Note>,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, WireError> {
        if depth > MAX_DEPTH {
            return Err(WireError::TooDeep);
        }
        self.count()?;
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Value::String),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' if self.rest().starts_with(b"null") => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    fn count(&self) -> Result<(), WireError> {
        if self.left.take() { Ok(()) } else { Err(WireError::TooManyValues) }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn wrong<T>(&self) -> Result<T, WireError> {
        Err(WireError::NotJson { at: self.at })
    }

    /// The next byte that is no blank, which stays to be read.
    fn peek(&mut self) -> Result<u8, WireError> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied().ok_or(WireError::BrokenOff)
    }

    fn expect(&mut self, byte: u8) -> Result<(), WireError> {
        if self.peek()? != byte {
            return self.wrong();
        }
        self.at += 1;
        Ok(())
    }

    /// Whether another item follows after a comma, or `end` ends the list.
    fn goes_on(&mut self, end: u8) -> Result<bool, WireError> {
        let found = self.peek()?;
        if found != b',' && found != end {
            return self.wrong();
        }
        self.at += 1;
        Ok(found == b',')
    }

    fn array(&mut self, depth: usize) -> Result<Value, WireError> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.goes_on(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, WireError> {
        self.at += 1;
        let mut fields = Map::new();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(Value::Object(fields));
        }
        loop {
            if self.peek()? != b'"' {
                return self.wrong();
            }
            self.count()?;
            let name = self.string()?;
            self.expect(b':')?;
            fields.insert(name, self.value(depth + 1)?);
            if !self.goes_on(b'}')? {
                return Ok(Value::Object(fields));
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, WireError> {
        if !self.rest().starts_with(word.as_bytes()) {
            let is_cut = word.as_bytes().starts_with(self.rest());
            return if is_cut { Err(WireError::BrokenOff) } else { self.wrong() };
        }
        self.at += word.len();
        Ok(value)
    }

    /// A number; null for those that JSON lacks.
    fn number(&mut self) -> Result<Value, WireError> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = self.rest().iter().position(|byte| !is_part(byte)).unwrap_or(self.rest().len());
        let Ok(text) = str::from_utf8(&self.rest()[..length]) else { return self.wrong() };
        let name = text.trim_start_matches(['+', '-']);
        let is_named = ["nan", "inf", "infinity"].iter().any(|known| name.eq_ignore_ascii_case(known));
        let value = match serde_json::from_str::<Number>(text) {
            Ok(number) => Value::Number(number),
            // Such as 1e999.
            Err(_) if is_named || text.parse().is_ok_and(f64::is_infinite) => {
                self.notes.insert(Note::NotFinite);
                Value::Null
            }
            Err(_) => return self.wrong(),
        };
        self.at += length;
        Ok(value)
    }

    fn string(&mut self) -> Result<String, WireError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let is_special = |byte: &u8| matches!(byte, b'"' | b'\\') || *byte < 0x20;
            let length = self.rest().iter().position(is_special).ok_or(WireError::BrokenOff)?;
            let plain = String::from_utf8_lossy(&self.bytes[self.at..self.at + length]);
            if matches!(plain, std::borrow::Cow::Owned(_)) {
                self.notes.insert(Note::ReplacedText);
            }
            text.push_str(&plain);
            self.at += length;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => self.escape(&mut text)?,
                control => {
                    self.notes.insert(Note::ControlCharacters);
                    text.push(char::from(control));
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), WireError> {
        let escaped = *self.bytes.get(self.at + 1).ok_or(WireError::BrokenOff)?;
        let character = match escaped {
            b'"' | b'\\' | b'/' => char::from(escaped),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(text),
            _ => {
                // Only the backslash is taken here: what follows it may be any character.
                self.notes.insert(Note::UnknownEscape);
                text.push('\\');
                self.at += 1;
                return Ok(());
            }
        };
        text.push(character);
        self.at += 2;
        Ok(())
    }

    /// `\uXXXX`, or a pair of them. Half of a pair is replaced.
    fn unicode(&mut self, text: &mut String) -> Result<(), WireError> {
        let Some(first) = self.code_unit(self.at) else {
            self.notes.insert(Note::UnknownEscape);
            text.push('\\');
            self.at += 1;
            return Ok(());
        };
        self.at += 6;
        if let Some(character) = char::from_u32(first.into()) {
            text.push(character);
            return Ok(());
        }
        let second = self.code_unit(self.at).unwrap_or_default();
        if let Some(Ok(character)) = char::decode_utf16([first, second]).next() {
            text.push(character);
            self.at += 6;
        } else {
            self.notes.insert(Note::ReplacedText);
            text.push(char::REPLACEMENT_CHARACTER);
        }
        Ok(())
    }

    fn code_unit(&self, at: usize) -> Option<u16> {
        let digits = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        u16::from_str_radix(str::from_utf8(digits).ok().filter(|_| is_hex)?, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(bytes: impl AsRef<[u8]>, expected: Value, expected_notes: &[Note]) {
        let mut notes = BTreeSet::new();
        let (value, end) = parse_tolerantly(bytes.as_ref(), &ValuesLeft::of(1000), &mut notes).unwrap();
        assert_eq!((value, end), (expected, bytes.as_ref().len()), "{}", bytes.as_ref().escape_ascii());
        assert_eq!(Vec::from_iter(notes), expected_notes);
    }

    fn fails(bytes: impl AsRef<[u8]>, expected: WireError) {
        let read = parse_tolerantly(bytes.as_ref(), &ValuesLeft::of(1000), &mut BTreeSet::new());
        assert_eq!(read, Err(expected), "{}", bytes.as_ref().escape_ascii());
    }

    #[test]
    fn valid_json_is_read_as_the_strict_parser_reads_it() {
        for text in [
            r#"{"a": [1, -2.5, 1e3, true, false, null, "x\n\"\u00e9\ud83d\ude00\/"], "b": {}, "c": []}"#,
            r#"[18446744073709551615, -9223372036854775808, 0.1]"#,
            "\"\"",
            " 7",
            r#"{"a": 1, "b": 2, "a": 3}"#,
        ] {
            check(text, serde_json::from_str(text).unwrap(), &[]);
        }
    }

    #[test]
    fn what_json_lacks_is_replaced_and_noted() {
        for (text, expected) in [
            (r#""a \ud83d""#, "a \u{fffd}"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ude00\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
        ] {
            check(text, json!(expected), &[Note::ReplacedText]);
        }
        check(b"\"\xff caf\xe9\"", json!("\u{fffd} caf\u{fffd}"), &[Note::ReplacedText]);
        check(b"{\"\xc3\": \"\xe2\x82\"}", json!({"\u{fffd}": "\u{fffd}"}), &[Note::ReplacedText]);
        check(
            "[NaN, Infinity, -Infinity, nan, -inf, 1e999]",
            json!([null, null, null, null, null, null]),
            &[Note::NotFinite],
        );
        check("\"a\nb\tc\"", json!("a\nb\tc"), &[Note::ControlCharacters]);
        check(r#""\d+ \é \u12""#, json!("\\d+ \\é \\u12"), &[Note::UnknownEscape]);
    }

    #[test]
    fn what_is_no_json_is_a_typed_error() {
        for text in ["", "  ", "{", "[1", "[1,", "\"abc", "{\"a\"", "{\"a\":", "\"\\", "tru"] {
            fails(text, WireError::BrokenOff);
        }
        for (text, at) in
            [("<html>", 0), ("{1: 2}", 1), ("[1 2]", 3), ("[01]", 1), ("nope", 0), ("{\"a\" 1}", 5)]
        {
            fails(text, WireError::NotJson { at });
        }
        fails("[".repeat(200), WireError::TooDeep);
    }
}
