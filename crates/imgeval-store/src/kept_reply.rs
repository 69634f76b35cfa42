//! Texts of replies, compressed.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

/// Longer texts of replies are cut, with a note, when they are stored.
pub const MAX_RAW_BYTES: usize = 64 << 20;

/// Room for the note.
const NOTE_BYTES: usize = 1024;

/// Longer texts are mostly base64, which effort makes hardly any smaller.
const FAST_ABOVE: usize = 1 << 20;

/// The whole reply to a call from which nothing usable, or not everything, was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReply {
    /// The HTTP status.
    pub status: u16,
    pub(crate) packed: Vec<u8>,
}

impl KeptReply {
    /// Compresses the text, at most [`MAX_RAW_BYTES`] of it. Takes a moment for a long one.
    #[must_use]
    pub fn pack(status: u16, text: &str) -> Self {
        Self { status, packed: pack(text) }
    }

    /// The text.
    ///
    /// # Errors
    /// If it was damaged, in a sentence.
    pub fn text(&self) -> Result<String, String> {
        unpack(&self.packed)
    }
}

pub(crate) fn pack(text: &str) -> Vec<u8> {
    pack_up_to(MAX_RAW_BYTES, text)
}

pub(crate) fn unpack(bytes: &[u8]) -> Result<String, String> {
    unpack_up_to(MAX_RAW_BYTES, bytes)
}

fn pack_up_to(limit: usize, text: &str) -> Vec<u8> {
    let level = if text.len() > FAST_ABOVE { Compression::fast() } else { Compression::default() };
    let mut encoder = ZlibEncoder::new(Vec::new(), level);
    let end = text.floor_char_boundary(limit);
    let mut written = encoder.write_all(&text.as_bytes()[..end]);
    if end < text.len() {
        let note = format!("\n[{} more bytes were not kept]", text.len() - end);
        written = written.and_then(|()| encoder.write_all(note.as_bytes()));
    }
    // Writing to memory does not fail; should it, an empty text must not cost the record that it belongs to.
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

fn unpack_up_to(limit: usize, bytes: &[u8]) -> Result<String, String> {
    let limit = (limit + NOTE_BYTES) as u64;
    if bytes.is_empty() {
        return Ok(String::new());
    }
    let mut text = Vec::new();
    let read = ZlibDecoder::new(bytes).take(limit + 1).read_to_end(&mut text);
    read.map_err(|error| format!("could not read the text of a reply: {error}"))?;
    if text.len() as u64 > limit {
        return Err(format!("the text of a reply has more than {limit} bytes"));
    }
    String::from_utf8(text).map_err(|_| "the text of a reply is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_and_their_size_is_bounded() {
        for text in ["", "{\"a\": \"ü\"}"] {
            assert_eq!(unpack(&pack(text)).unwrap(), text);
            assert_eq!(KeptReply::pack(200, text).text().unwrap(), text);
        }
        let limit = 2 << 20;
        let long = "ü".repeat(limit);
        let kept = unpack_up_to(limit, &pack_up_to(limit, &long)).unwrap();
        assert!(kept.len() < limit + NOTE_BYTES && kept.ends_with("[2097152 more bytes were not kept]"));
        let mut bomb = ZlibEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&vec![b'a'; limit + 4096]).unwrap();
        assert!(unpack_up_to(limit, &bomb.finish().unwrap()).is_err());
        assert!(unpack(b"no zlib").is_err());
    }
}
