//! Text files that people write by hand: settings, keys, cases, prompts, protocols. All are read here, because editors differ:
//! a byte order mark in front is taken off, and a file in another encoding is refused with the name of it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use crate::failure::CommandError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Settings, keys and the like; nobody writes more by hand.
pub(crate) const MAX_SETTINGS_BYTES: u64 = 4 << 20;

/// The text of a file that should be `what`, such as "the settings".
///
/// # Errors
/// If it cannot be read, is longer than `max_bytes` or is not UTF-8.
pub(crate) fn read_text(path: &Path, max_bytes: u64, what: &str) -> Result<String> {
    let bytes =
        read_bytes(path, max_bytes).with_context(|| format!("could not read {what} `{}`", path.display()))?;
    text_of(bytes, max_bytes).map_err(|problem| {
        CommandError::usage(format!("could not read {what} `{}`: {problem}", path.display())).into()
    })
}

/// One byte more than allowed where the file is longer.
fn read_bytes(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text without a byte order mark, or what is wrong with it.
fn text_of(mut bytes: Vec<u8>, max_bytes: u64) -> Result<String, String> {
    if bytes.len() as u64 > max_bytes {
        return Err(format!("it is longer than {max_bytes} bytes"));
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("it is UTF-16; save it as UTF-8".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("line {line} is not UTF-8; save the file as UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_taken_off_once() {
        let check = |bytes: &[u8], text: &str| assert_eq!(text_of(bytes.to_vec(), 100).unwrap(), text);
        check(b"a = 1\r\n", "a = 1\r\n");
        check(b"\xef\xbb\xbfa = 1\r\n", "a = 1\r\n");
        check(b"\xef\xbb\xbf", "");
        check(b"", "");
        // Elsewhere it is a character like others.
        check("a\u{feff}".as_bytes(), "a\u{feff}");
    }

    #[test]
    fn other_encodings_are_named() {
        let refused = |bytes: &[u8]| text_of(bytes.to_vec(), 10).unwrap_err();
        assert_eq!(refused(b"\xff\xfea\0"), "it is UTF-16; save it as UTF-8");
        assert_eq!(refused(b"\xfe\xff\0a"), "it is UTF-16; save it as UTF-8");
        assert_eq!(refused(b"a\nb\n\xe9"), "line 3 is not UTF-8; save the file as UTF-8");
        assert_eq!(refused(b"01234567890"), "it is longer than 10 bytes");
    }

    #[test]
    fn a_missing_file_is_told_with_what_it_should_be() {
        let error = read_text(Path::new("/nowhere/x.toml"), 10, "the settings").unwrap_err();
        assert_eq!(error.to_string(), "could not read the settings `/nowhere/x.toml`");
    }
}
