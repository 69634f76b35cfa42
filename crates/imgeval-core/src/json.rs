//! Reading JSON that came from outside. A few megabytes of text can hold values that take gigabytes of memory; serde_json bounds
//! how deep they nest (128), this how many there are.

use serde::{Deserialize, de::Error as _};

/// Values and names of members in one document. Long honest ones have some hundred thousand; in memory a value takes up to a few
/// hundred bytes.
pub const MAX_JSON_VALUES: usize = 1_000_000;

/// Like `serde_json::from_str`, for at most [`MAX_JSON_VALUES`] values.
///
/// # Errors
/// If there are more, or the text does not have the expected form.
pub fn from_json_str<'text, T: Deserialize<'text>>(text: &'text str) -> Result<T, serde_json::Error> {
    check(text.as_bytes())?;
    serde_json::from_str(text)
}

/// As `serde_json::from_slice`, for at most [`MAX_JSON_VALUES`] values.
///
/// # Errors
/// As [`from_json_str`].
pub fn from_json_slice<'text, T: Deserialize<'text>>(text: &'text [u8]) -> Result<T, serde_json::Error> {
    check(text)?;
    serde_json::from_slice(text)
}

/// Whether a text holds no more values than are read; for JSON that others parse.
#[must_use]
pub fn is_bounded_json(text: &[u8]) -> bool {
    count_values(text) <= MAX_JSON_VALUES
}

fn check(text: &[u8]) -> Result<(), serde_json::Error> {
    if is_bounded_json(text) {
        Ok(())
    } else {
        Err(serde_json::Error::custom(format!("more than {MAX_JSON_VALUES} values")))
    }
}

/// At least as many as any parser makes of the text before it ends or finds an error: each value and each name is the first, or
/// stands behind one of four signs outside strings.
fn count_values(text: &[u8]) -> usize {
    let (mut count, mut is_string, mut is_escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'[' | b'{' | b',' | b':' if !is_string => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn strings_count_once_whatever_they_hold() {
        assert_eq!(count_values(br#"["a,b:[{","c\"],[",1]"#), 4);
        assert_eq!(count_values(br#"{"a":{"b":[]},"c":2}"#), 8);
        assert_eq!(count_values(b"7"), 1);
    }

    #[test]
    fn more_values_than_the_bound_are_refused_before_they_are_made() {
        let list = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        let read = from_json_str::<Value>(&list(MAX_JSON_VALUES - 1)).unwrap();
        assert_eq!(read.as_array().map(Vec::len), Some(MAX_JSON_VALUES - 1));
        let error = from_json_slice::<Value>(list(MAX_JSON_VALUES).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "more than 1000000 values");
        for broken in ["{},".repeat(MAX_JSON_VALUES), format!("[{}", "{\"\":".repeat(MAX_JSON_VALUES))] {
            assert!(from_json_str::<Value>(&broken).unwrap_err().to_string().starts_with("more than"));
        }
    }
}
