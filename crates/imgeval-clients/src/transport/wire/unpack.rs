//! Bodies that are compressed although `Accept-Encoding` did not ask for it.

use std::{borrow::Cow, io::Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::{Note, WireError, events::skip_front};

/// As much as is read of a reply that is not compressed.
pub(super) const MAX_UNPACKED_BYTES: usize = 128 << 20;

/// As much of a body tells whether it is text.
const START_BYTES: usize = 512;

/// Some gateways compress what the server behind them has compressed already.
const MAX_LAYERS: usize = 2;

/// Whether the body is compressed, judged by its first bytes: JSON begins with neither of them.
pub(crate) fn is_packed(body: &[u8]) -> bool {
    is_gzip(body) || is_zlib(body) || may_be_bare_deflate(body)
}

/// RFC 1951 without zlib's frame, which some send as `deflate`. It has no signature: it is what is neither text nor a mark of order.
fn may_be_bare_deflate(body: &[u8]) -> bool {
    let is_marked =
        matches!(body, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0xef, 0xbb, ..] | [b'{' | b'[', ..]);
    let start = &body[..body.len().min(START_BYTES)];
    let is_text = str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    !is_marked && !is_text
}

fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(b"\x1f\x8b\x08")
}

/// RFC 1950: method 8, and the first two bytes are a multiple of 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [0x78, flags, ..] if (0x7800 | u32::from(*flags)) % 31 == 0)
}

/// The body without compression, as UTF-8 if its byte order mark says that it is UTF-16; as it is where there is neither.
///
/// # Errors
/// If the compressed bytes are damaged or unpack to more than a reply may have.
pub(crate) fn unpack(body: &[u8]) -> Result<(Cow<'_, [u8]>, Option<Note>), WireError> {
    let mut unpacked = Cow::Borrowed(body);
    for _ in 0..MAX_LAYERS {
        if is_gzip(&unpacked) {
            unpacked = Cow::Owned(read_bounded(MultiGzDecoder::new(&*unpacked), MAX_UNPACKED_BYTES)?);
        } else if is_zlib(&unpacked) {
            unpacked = Cow::Owned(read_bounded(ZlibDecoder::new(&*unpacked), MAX_UNPACKED_BYTES)?);
        } else {
            break;
        }
    }
    if may_be_bare_deflate(&unpacked)
        && let Ok(inflated) = read_bounded(DeflateDecoder::new(&*unpacked), MAX_UNPACKED_BYTES)
        && matches!(skip_front(&inflated).first(), Some(b'{' | b'[' | b'd'))
    {
        unpacked = Cow::Owned(inflated);
    }
    let note = matches!(unpacked, Cow::Owned(_)).then_some(Note::Unpacked);
    Ok((from_utf16(unpacked), note))
}

fn from_utf16(body: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let to_unit = match &*body {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return body,
    };
    let units = body[2..].chunks_exact(2).map(|pair| to_unit([pair[0], pair[1]]));
    let characters = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    Cow::Owned(characters.collect::<String>().into_bytes())
}

fn read_bounded(decoder: impl Read, most: usize) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::new();
    let mut bounded = decoder.take(most as u64 + 1);
    bounded.read_to_end(&mut bytes).map_err(|error| WireError::Packed { reason: error.to_string() })?;
    if bytes.len() > most { Err(WireError::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        read::GzDecoder,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_bodies_are_unpacked_once_or_twice() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(b"{\"a\": 1}").unwrap();
        for body in [gzip(b"{\"a\": 1}"), gzip(&gzip(b"{\"a\": 1}")), zlib.finish().unwrap()] {
            let (unpacked, note) = unpack(&body).unwrap();
            assert_eq!((&*unpacked, note), (b"{\"a\": 1}".as_slice(), Some(Note::Unpacked)));
        }
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::best());
        bare.write_all("{\"a\": \"some longer text, so that it is not stored as it is\"}".as_bytes())
            .unwrap();
        let (unpacked, note) =
            unpack(&bare.finish().unwrap()).map(|(body, note)| (body.into_owned(), note)).unwrap();
        assert!(unpacked.starts_with(b"{\"a\": \"some") && note == Some(Note::Unpacked));
        for garbage in
            [b"\x15\xa5\xff\xfe\x80".as_slice(), b"caf\xe9", b"\xef\xbb\xbf{}", b"{\"a\": \"\xff\"}"]
        {
            assert_eq!(unpack(garbage), Ok((Cow::Borrowed(garbage), None)));
        }
        assert_eq!(unpack(b"{}"), Ok((Cow::Borrowed(b"{}".as_slice()), None)));
    }

    #[test]
    fn utf16_is_read_where_its_mark_says_so() {
        let text = "{\"a\": \"é😀\"}";
        let units: Vec<u16> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).collect();
        for bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            let body: Vec<u8> = units.iter().flat_map(|unit| bytes(*unit)).collect();
            assert_eq!(unpack(&body), Ok((Cow::Owned(text.as_bytes().to_vec()), None)));
            assert_eq!(
                unpack(&gzip(&body)),
                Ok((Cow::Owned(text.as_bytes().to_vec()), Some(Note::Unpacked)))
            );
        }
        let half = [0xff, 0xfe, b'"', 0, 0x3d, 0xd8, b'"', 0];
        assert_eq!(unpack(&half), Ok((Cow::Owned("\"\u{fffd}\"".as_bytes().to_vec()), None)));
    }

    #[test]
    fn a_damaged_or_endless_body_is_a_typed_error() {
        let body = gzip(b"{\"a\": 1}");
        assert!(matches!(unpack(&body[..body.len() - 4]), Err(WireError::Packed { .. })));
        let endless = || GzDecoder::new(std::io::Cursor::new(gzip(&[b' '; 100])));
        assert_eq!(read_bounded(endless(), 99), Err(WireError::TooLarge));
        assert_eq!(read_bounded(endless(), 100).map(|bytes| bytes.len()), Ok(100));
    }
}
