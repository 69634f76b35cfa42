//! Text files that people write by hand: settings, keys, cases, prompts, protocols. All are read here, because editors differ:
//! a byte order mark in front is taken off, and a file in another encoding is refused with the name of it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{Unsuitable, read_regular};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Settings, keys and the like; nobody writes more by hand.
pub const MAX_SETTINGS_BYTES: u64 = 4 << 20;

/// Why a text that somebody wrote by hand cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("could not read {what} `{}`: {found}", path.display())]
    Unsuitable { what: &'static str, path: PathBuf, found: Unsuitable },
    #[error("could not read {what} `{}`: {problem}", path.display())]
    Encoding { what: &'static str, path: PathBuf, problem: EncodingProblem },
    #[error("could not read {what} `{}`", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
}

/// What is wrong with the bytes of a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodingProblem {
    #[error("it is UTF-16; save it as UTF-8")]
    Utf16,
    #[error("line {line} is not UTF-8; save the file as UTF-8")]
    NotUtf8 { line: usize },
}

/// Reads a file that a person wrote, described as `what` in errors, such as "the settings".
///
/// # Errors
/// If it cannot be read, is longer than `max_bytes` or is not UTF-8.
pub fn read_hand_written(path: &Path, max_bytes: u64, what: &'static str) -> Result<String, TextError> {
    let bytes = read_regular(path, max_bytes).map_err(|source| {
        let path = path.to_owned();
        match Unsuitable::of(&source) {
            Some(found) => TextError::Unsuitable { what, path, found },
            None => TextError::Io { what, path, source },
        }
    })?;
    text_of(bytes).map_err(|problem| TextError::Encoding { what, path: path.to_owned(), problem })
}

/// The text without a byte order mark, or what is wrong with it.
fn text_of(mut bytes: Vec<u8>) -> Result<String, EncodingProblem> {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(EncodingProblem::Utf16);
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        EncodingProblem::NotUtf8 { line: 1 + before.iter().filter(|byte| **byte == b'\n').count() }
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
        let refused = |bytes: &[u8]| text_of(bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(refused(b"\xff\xfea\0"), "it is UTF-16; save it as UTF-8");
        assert_eq!(refused(b"\xfe\xff\0a"), "it is UTF-16; save it as UTF-8");
        assert_eq!(refused(b"a\nb\n\xe9"), "line 3 is not UTF-8; save the file as UTF-8");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, "01234567890").unwrap();
        let error = read_hand_written(&path, 10, "the settings").unwrap_err();
        let shown = path.display();
        assert_eq!(
            error.to_string(),
            format!("could not read the settings `{shown}`: it is larger than 10 bytes")
        );
        let error = read_hand_written(Path::new("/nowhere/x.toml"), 10, "the settings").unwrap_err();
        assert_eq!(error.to_string(), "could not read the settings `/nowhere/x.toml`");
    }
}
