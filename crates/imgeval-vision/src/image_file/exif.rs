//! The orientation in a file's EXIF data, by the rules that OpenCV's `imread` follows.
//!
//! Source: Exif 2.32 (CIPA DC-008), 4.6.2 and tag 0x0112. Real files name types that the specification does not
//! allow for this tag, such as LONG. OpenCV takes the first two bytes of the value whatever the type says, and so
//! does this reader: what it turns must be what the official evaluator turns.

use image::metadata::Orientation;

const ORIENTATION: u16 = 0x0112;

/// Texts that OpenCV reads on its way: description, make, model, software, date, copyright.
const TEXTS: [u16; 6] = [0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x8298];

/// Fractions that it reads, with how many: resolutions, white point and primaries, coefficients, reference levels.
const FRACTIONS: [(u16, usize); 6] =
    [(0x011A, 1), (0x011B, 1), (0x013E, 2), (0x013F, 6), (0x0211, 3), (0x0214, 6)];

/// The value of the orientation tag in a TIFF structure, which may be none of the eight orientations. `None` if the
/// structure has no such tag, or is damaged before it: an entry that OpenCV reads points outside.
pub(super) fn orientation_value(tiff: &[u8]) -> Option<u16> {
    // OpenCV takes whatever is not `II` for big-endian.
    let is_little_endian = tiff.get(..2)? == b"II";
    let short = |offset: usize| {
        let bytes = *tiff.get(offset..)?.first_chunk()?;
        Some(if is_little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |offset: usize| {
        let bytes = *tiff.get(offset..)?.first_chunk()?;
        let value = if is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        usize::try_from(value).ok()
    };
    let is_inside = |start: usize, length: usize| Some(start.checked_add(length)? <= tiff.len());
    if short(2)? != 42 {
        return None;
    }
    let directory = long(4)?;
    let count = usize::from(short(directory)?);
    for index in 0..count {
        let entry = directory.checked_add(2 + 12 * index)?;
        let tag = short(entry)?;
        if tag == ORIENTATION {
            return short(entry + 8);
        }
        let is_whole = if TEXTS.contains(&tag) {
            let length = long(entry + 4)?;
            // Up to four bytes stand in the entry itself.
            length <= 4 || is_inside(long(entry + 8)?, length)?
        } else if let Some((_, fractions)) = FRACTIONS.iter().find(|(known, _)| *known == tag) {
            is_inside(long(entry + 8)?, 8 * fractions)?
        } else {
            true
        };
        if !is_whole {
            return None;
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

    /// A directory of this entry and the orientation 6 behind it.
    fn behind(tag: u16, count: u32, offset: u32) -> Option<u16> {
        let mut bytes = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for (tag, count, value) in [(tag, count, offset), (ORIENTATION, 1, 6)] {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(3_u16.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.resize(64, 0);
        orientation_value(&bytes)
    }

    /// Checked with OpenCV 5.0.0.
    #[test]
    fn an_entry_whose_data_lie_outside_ends_the_directory_if_opencv_reads_it() {
        for (tag, count, offset) in [(0x010F, 20, 44), (0x0131, 4, 9_999), (0x011A, 9, 56), (0x0214, 1, 16)] {
            assert_eq!(behind(tag, count, offset), Some(6), "{tag:#x}");
        }
        for (tag, count, offset) in [
            (0x010F, 20, 45),
            (0x010E, u32::MAX, 0),
            (0x0132, 5, u32::MAX),
            (0x8298, 0x0100_0004, 26),
            (0x011A, 1, 57),
            (0x013E, 1, 49),
            (0x0214, 1, 17),
        ] {
            assert_eq!(behind(tag, count, offset), None, "{tag:#x}");
        }
        // It does not look at these.
        for tag in [0x0100, 0x013B, 0x8769, 0x8825] {
            assert_eq!(behind(tag, u32::MAX, u32::MAX), Some(6), "{tag:#x}");
        }
    }

    #[test]
    fn every_order_but_that_of_intel_is_big_endian() {
        let mut bytes = big_endian(3, [0, 6, 0, 0]);
        for order in [b"MM", b"IM", b"Ii", b"\0\0"] {
            bytes[..2].copy_from_slice(order);
            assert_eq!(orientation_value(&bytes), Some(6));
        }
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
