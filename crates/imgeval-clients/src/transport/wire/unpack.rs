//! Bodies that are compressed although `Accept-Encoding` did not ask for it.

use std::{borrow::Cow, io::Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::{Note, WireError};

/// As much as is read of a reply that is not compressed.
pub(super) const MAX_UNPACKED_BYTES: usize = 128 << 20;

/// Some gateways compress what the server behind them has compressed already.
const MAX_LAYERS: usize = 2;

/// Whether the body is compressed, judged by its first bytes: JSON begins with neither of them.
pub(crate) fn is_packed(body: &[u8]) -> bool {
    is_gzip(body) || is_zlib(body)
}

fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(b"\x1f\x8b\x08")
}

/// RFC 1950: method 8, and the first two bytes are a multiple of 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [0x78, flags, ..] if (0x7800 | u32::from(*flags)) % 31 == 0)
}

/// The body without compression; as it is where there is none.
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
    let note = matches!(unpacked, Cow::Owned(_)).then_some(Note::Unpacked);
    Ok((unpacked, note))
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
        write::{GzEncoder, ZlibEncoder},
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
        assert_eq!(unpack(b"{}"), Ok((Cow::Borrowed(b"{}".as_slice()), None)));
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
