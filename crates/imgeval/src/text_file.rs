//! Text files that people write by hand: settings, keys, cases, prompts, protocols. All are read here, because editors differ:
//! a byte order mark in front is taken off, and a file in another encoding is refused with the name of it.

use std::path::Path;

use anyhow::Result;
use imgeval_files::{Unsuitable, read_regular};

use crate::failure::CommandError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Settings, keys and the like; nobody writes more by hand.
pub(crate) const MAX_SETTINGS_BYTES: u64 = 4 << 20;

/// The text of a file that should be `what`, such as "the settings".
///
/// # Errors
/// If it cannot be read, is longer than `max_bytes` or is not UTF-8.
pub(crate) fn read_text(path: &Path, max_bytes: u64, what: &str) -> Result<String> {
    let refuse = |problem: String| {
        CommandError::usage(format!("could not read {what} `{}`: {problem}", path.display()))
    };
    let bytes = match read_regular(path, max_bytes) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Err(match Unsuitable::of(&error) {
                Some(found @ Unsuitable::Pipe) => refuse(found.to_string()).with_hint(NO_PIPES).into(),
                Some(found) => refuse(found.to_string()).into(),
                None => {
                    anyhow::Error::new(error).context(format!("could not read {what} `{}`", path.display()))
                }
            });
        }
    };
    Ok(text_of(bytes).map_err(refuse)?)
}

/// Also for `<(...)` of a shell, which is a pipe: nothing tells whether anybody will ever write to it.
pub(crate) const NO_PIPES: &str =
    "pipes, such as `<(...)` and /dev/stdin, are not read; write the text to a file and name that file";

/// The text without a byte order mark, or what is wrong with it.
fn text_of(mut bytes: Vec<u8>) -> Result<String, String> {
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
        let check = |bytes: &[u8], text: &str| assert_eq!(text_of(bytes.to_vec()).unwrap(), text);
        check(b"a = 1\r\n", "a = 1\r\n");
        check(b"\xef\xbb\xbfa = 1\r\n", "a = 1\r\n");
        check(b"\xef\xbb\xbf", "");
        check(b"", "");
        // Elsewhere it is a character like others.
        check("a\u{feff}".as_bytes(), "a\u{feff}");
    }

    #[test]
    fn other_encodings_are_named() {
        let refused = |bytes: &[u8]| text_of(bytes.to_vec()).unwrap_err();
        assert_eq!(refused(b"\xff\xfea\0"), "it is UTF-16; save it as UTF-8");
        assert_eq!(refused(b"\xfe\xff\0a"), "it is UTF-16; save it as UTF-8");
        assert_eq!(refused(b"a\nb\n\xe9"), "line 3 is not UTF-8; save the file as UTF-8");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, "01234567890").unwrap();
        let error = read_text(&path, 10, "the settings").unwrap_err();
        let shown = path.display();
        assert_eq!(
            error.to_string(),
            format!("could not read the settings `{shown}`: it is longer than 10 bytes")
        );
        let error = read_text(Path::new("/nowhere/x.toml"), 10, "the settings").unwrap_err();
        assert_eq!(error.to_string(), "could not read the settings `/nowhere/x.toml`");
    }
}
