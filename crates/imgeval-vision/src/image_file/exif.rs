//! The orientation in a file's EXIF data, by the rules that OpenCV's `imread` follows.
//!
//! Source: Exif 2.32 (CIPA DC-008), 4.6.2 and tag 0x0112. Real files name types that the specification does not
//! allow for this tag, such as LONG. OpenCV takes the first two bytes of the value whatever the type says, and so
//! does this reader: what it turns must be what the official evaluator turns.

use image::metadata::Orientation;

const ORIENTATION: u16 = 0x0112;

/// The value of the orientation tag in a TIFF structure, which may be none of the eight orientations. `None` if the
/// structure has no such tag, or is damaged before it.
pub(super) fn orientation_value(tiff: &[u8]) -> Option<u16> {
    let is_little_endian = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |offset: usize| {
        let bytes = *tiff.get(offset..)?.first_chunk()?;
        Some(if is_little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |offset: usize| {
        let bytes = *tiff.get(offset..)?.first_chunk()?;
        Some(if is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    if short(2)? != 42 {
        return None;
    }
    let directory = usize::try_from(long(4)?).ok()?;
    let count = usize::from(short(directory)?);
    for index in 0..count {
        let entry = directory.checked_add(2 + 12 * index)?;
        if short(entry)? == ORIENTATION {
            return short(entry + 8);
        }
    }
    None
}

/// What a value asks for; values without a meaning ask for nothing.
pub(super) fn orientation(value: Option<u16>) -> Orientation {
    value
        .and_then(|value| u8::try_from(value).ok())
        .and_then(Orientation::from_exif)
        .unwrap_or(Orientation::NoTransforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One directory at `offset` with a foreign tag before the orientation.
    fn little_endian(kind: u16, value: [u8; 4], offset: u32) -> Vec<u8> {
        let mut bytes = [&b"II*\0"[..], &offset.to_le_bytes()].concat();
        bytes.resize(offset as usize, 0);
        bytes.extend(2_u16.to_le_bytes());
        bytes.extend([0x00, 0x01, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0]);
        bytes.extend(ORIENTATION.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(value);
        bytes
    }

    fn big_endian(kind: u16, value: [u8; 4]) -> Vec<u8> {
        let mut bytes = b"MM\0*\0\0\0\x08\0\x01\x01\x12".to_vec();
        bytes.extend(kind.to_be_bytes());
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(value);
        bytes
    }

    #[test]
    fn two_bytes_are_the_value_whatever_the_type() {
        for kind in [1, 3, 4, 7, 9] {
            assert_eq!(orientation_value(&little_endian(kind, [6, 0, 0, 0], 8)), Some(6));
            assert_eq!(orientation_value(&little_endian(kind, [8, 0, 0, 0], 31)), Some(8));
        }
        assert_eq!(orientation_value(&big_endian(3, [0, 6, 0, 0])), Some(6));
        // Checked with OpenCV 5.0.0, which does not turn such a file either.
        assert_eq!(orientation(orientation_value(&big_endian(4, [0, 0, 0, 6]))), Orientation::NoTransforms);
    }

    #[test]
    fn values_without_a_meaning_turn_nothing() {
        for value in [Some(0), Some(1), Some(9), Some(0x0106), None] {
            assert_eq!(orientation(value), Orientation::NoTransforms);
        }
        assert_eq!(orientation(Some(6)), Orientation::Rotate90);
    }

    #[test]
    fn damaged_structures_have_no_orientation() {
        let whole = little_endian(3, [6, 0, 0, 0], 8);
        for length in 0..whole.len() - 2 {
            assert_eq!(orientation_value(&whole[..length]), None);
        }
        assert_eq!(orientation_value(b"II+\0\x08\0\0\0"), None);
        assert_eq!(orientation_value(b"II*\0\xff\xff\xff\xff"), None);
    }
}
