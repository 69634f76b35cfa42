//! What a file holds, from its first bytes.

use imgeval_core::json::is_bounded_json;

use super::{error::CheckpointError, mapping::Mapping};

/// The magic number 0x1950a86a20f9469cfc6c of PyTorch's format before 1.6, as every pickle protocol from 2 on writes it,
/// and the end of its pickle.
const LEGACY_NUMBER: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// Longest header of a safetensors file that is read: some 100,000 tensors.
const MAX_HEADER: u64 = 32 << 20;

/// What the first bytes promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Safetensors,
    Zip,
    /// PyTorch's plain format; so many bytes are the pickle of its magic number.
    Legacy {
        magic: usize,
    },
}

pub(super) fn sniff(file: &Mapping) -> Result<Content, CheckpointError> {
    let bytes = file.bytes();
    let path = || file.path().to_owned();
    if bytes.is_empty() {
        return Err(CheckpointError::Empty { path: path() });
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Content::Zip);
    }
    let after_protocol = pickle_start(bytes);
    if let Some((magic, rest)) = after_protocol
        && rest.starts_with(LEGACY_NUMBER)
    {
        return Ok(Content::Legacy { magic: magic + LEGACY_NUMBER.len() });
    }
    if let Some((header, b'{')) = safetensors_start(bytes) {
        let is_bounded = || {
            let text = bytes[8..].get(..usize::try_from(header).unwrap_or(usize::MAX));
            text.is_none_or(is_bounded_json)
        };
        if header > MAX_HEADER || !is_bounded() {
            return Err(CheckpointError::Unknown { path: path() });
        }
        return if bytes.len() as u64 - 8 < header {
            let what = format!("{} bytes, the header alone has {header}", bytes.len());
            Err(CheckpointError::Truncated { path: path(), what })
        } else {
            Ok(Content::Safetensors)
        };
    }
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Err(CheckpointError::LfsPointer { path: path() });
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Err(CheckpointError::Outdated { path: path() });
    }
    if let Some(start) = text_start(bytes) {
        return Err(CheckpointError::Text { path: path(), start });
    }
    let is_cut = after_protocol.is_some_and(|(_, rest)| LEGACY_NUMBER.starts_with(rest));
    if is_cut || b"PK\x03\x04".starts_with(bytes) {
        let what = format!("{} bytes", bytes.len());
        return Err(CheckpointError::Truncated { path: path(), what });
    }
    if after_protocol.is_some() {
        return Err(CheckpointError::PlainPickle { path: path() });
    }
    Err(CheckpointError::Unknown { path: path() })
}

/// How long the opening of a pickle of protocol 2 to 5 is, and what follows it; protocols 4 and 5 add a frame.
fn pickle_start(bytes: &[u8]) -> Option<(usize, &[u8])> {
    const FRAME: usize = 9;
    let [0x80, 2..=5, rest @ ..] = bytes else { return None };
    match rest {
        [0x95, ..] => Some((2 + FRAME, rest.get(FRAME..).unwrap_or_default())),
        _ => Some((2, rest)),
    }
}

/// Length of the header and its first byte.
fn safetensors_start(bytes: &[u8]) -> Option<(u64, u8)> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*length), *rest.first()?))
}

/// The first line of something that looks like a text, shortened.
fn text_start(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The cut may go through a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return None;
    }
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    Some(line.chars().take(40).collect())
}
