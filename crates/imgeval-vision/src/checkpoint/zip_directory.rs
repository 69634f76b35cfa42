//! Where the entries of a zip archive lie, for archives that store without compressing, as PyTorch's do.
//!
//! Read are the end record, its ZIP64 counterpart and the central directory; of the local headers only the lengths that
//! say where the data starts. Source: PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3. Checksums are not
//! compared: that would read every page, and weight files have a SHA-256 of their own.

use std::{collections::HashMap, ops::Range};

/// A checkpoint has one entry a tensor and few more.
const MAX_ENTRIES: usize = 1 << 18;

const END_LENGTH: usize = 22;
const MAX_COMMENT: usize = u16::MAX as usize;
/// What 32-bit and 16-bit fields hold where the true value is in a ZIP64 record.
const IN_ZIP64_32: u64 = u32::MAX as u64;
const IN_ZIP64_16: u64 = u16::MAX as u64;

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    #[error("its directory is missing, so the file is cut off")]
    NoDirectory,
    #[error("its directory has an invalid entry at byte {position}")]
    Directory { position: usize },
    #[error("its directory has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    #[error("its directory has two entries `{name}`")]
    Twice { name: String },
    #[error("entry `{name}` is compressed")]
    Compressed { name: String },
    #[error("entry `{name}` reaches beyond the end of the file")]
    Outside { name: String },
    #[error("it has no entry `{name}`")]
    Missing { name: String },
}

/// The entries by name.
#[derive(Debug)]
pub(super) struct ZipDirectory<'a> {
    bytes: &'a [u8],
    entries: HashMap<&'a str, Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    header: u64,
    length: u64,
    is_plain: bool,
}

impl<'a> ZipDirectory<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ZipError> {
        let end = find_end(bytes).ok_or(ZipError::NoDirectory)?;
        let (count, start) = end_record(bytes, end).ok_or(ZipError::NoDirectory)?;
        if count > MAX_ENTRIES as u64 {
            return Err(ZipError::TooManyEntries);
        }
        let mut position = usize::try_from(start).map_err(|_| ZipError::NoDirectory)?;
        let mut entries = HashMap::new();
        for _ in 0..count {
            let (name, entry, next) =
                directory_entry(bytes, position).ok_or(ZipError::Directory { position })?;
            if entries.insert(name, entry).is_some() {
                return Err(ZipError::Twice { name: shown(name) });
            }
            position = next;
        }
        Ok(Self { bytes, entries })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// The bytes of an entry.
    pub(super) fn range(&self, name: &str) -> Result<Range<usize>, ZipError> {
        let entry = self.entries.get(name).ok_or_else(|| ZipError::Missing { name: shown(name) })?;
        if !entry.is_plain {
            return Err(ZipError::Compressed { name: shown(name) });
        }
        data_range(self.bytes, *entry).ok_or_else(|| ZipError::Outside { name: shown(name) })
    }
}

fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}

/// Little-endian number of `LENGTH` bytes.
fn number<const LENGTH: usize>(bytes: &[u8], position: usize) -> Option<u64> {
    let field = bytes.get(position..position.checked_add(LENGTH)?)?;
    Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn is_at(bytes: &[u8], position: usize, signature: &[u8; 4]) -> bool {
    bytes.get(position..).is_some_and(|rest| rest.starts_with(signature))
}

/// The last end record whose comment fits.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_LENGTH)?;
    (last.saturating_sub(MAX_COMMENT)..=last).rev().find(|position| is_at(bytes, *position, b"PK\x05\x06"))
}

/// Number of entries and where the directory starts.
fn end_record(bytes: &[u8], end: usize) -> Option<(u64, u64)> {
    let count = number::<2>(bytes, end + 10)?;
    let start = number::<4>(bytes, end + 16)?;
    if count != IN_ZIP64_16 && start != IN_ZIP64_32 {
        return Some((count, start));
    }
    let Some(locator) = end.checked_sub(20).filter(|position| is_at(bytes, *position, b"PK\x06\x07")) else {
        // An archive may really have 65,535 entries.
        return Some((count, start));
    };
    let record = usize::try_from(number::<8>(bytes, locator + 8)?).ok()?;
    if !is_at(bytes, record, b"PK\x06\x06") {
        return None;
    }
    Some((number::<8>(bytes, record.checked_add(32)?)?, number::<8>(bytes, record.checked_add(48)?)?))
}

/// Name, place and where the next entry starts.
fn directory_entry(bytes: &[u8], position: usize) -> Option<(&str, Entry, usize)> {
    if !is_at(bytes, position, b"PK\x01\x02") {
        return None;
    }
    let flags = number::<2>(bytes, position + 8)?;
    let method = number::<2>(bytes, position + 10)?;
    let mut packed = number::<4>(bytes, position + 20)?;
    let mut length = number::<4>(bytes, position + 24)?;
    let name_length = number::<2>(bytes, position + 28)? as usize;
    let extra_length = number::<2>(bytes, position + 30)? as usize;
    let comment_length = number::<2>(bytes, position + 32)? as usize;
    let mut header = number::<4>(bytes, position + 42)?;
    let name_at = position + 46;
    let extra_at = name_at + name_length;
    let name = std::str::from_utf8(bytes.get(name_at..extra_at)?).ok()?;
    let extra = bytes.get(extra_at..extra_at + extra_length)?;
    // Only the fields that did not fit are in the ZIP64 record, in this order.
    let mut wide = zip64_fields(extra);
    for field in [&mut length, &mut packed, &mut header] {
        if *field == IN_ZIP64_32 {
            *field = wide.next()?;
        }
    }
    // Bit 0: encrypted.
    let is_plain = method == 0 && flags & 1 == 0 && packed == length;
    Some((name, Entry { header, length, is_plain }, extra_at + extra_length + comment_length))
}

/// The 64-bit numbers of the ZIP64 record among the extra records.
fn zip64_fields(extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut position = 0;
    let mut record: &[u8] = &[];
    while let (Some(id), Some(length)) = (number::<2>(extra, position), number::<2>(extra, position + 2)) {
        let data = position + 4;
        position = data + length as usize;
        if id == 1 {
            record = extra.get(data..position).unwrap_or_default();
            break;
        }
    }
    record.as_chunks::<8>().0.iter().map(|field| u64::from_le_bytes(*field))
}

fn data_range(bytes: &[u8], entry: Entry) -> Option<Range<usize>> {
    let header = usize::try_from(entry.header).ok()?;
    if !is_at(bytes, header, b"PK\x03\x04") {
        return None;
    }
    let names = number::<2>(bytes, header + 26)? + number::<2>(bytes, header + 28)?;
    let start = header + 30 + names as usize;
    let end = start.checked_add(usize::try_from(entry.length).ok()?)?;
    (end <= bytes.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of one entry `a` with content `abc`, every size and place of which is in ZIP64 records.
    fn wide_archive() -> Vec<u8> {
        let wide =
            |numbers: &[u64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let mut bytes =
            [b"PK\x03\x04\x2d".as_slice(), &[0; 13], &[255; 8], &[1, 0, 20, 0], b"a", &[1, 0, 16, 0]]
                .concat();
        bytes.extend(wide(&[3, 3]));
        bytes.extend(b"abc");
        let directory = bytes.len() as u64;
        bytes.extend(
            [
                b"PK\x01\x02\x2d\0\x2d".as_slice(),
                &[0; 13],
                &[255; 8],
                &[1, 0, 37, 0],
                &[0; 10],
                &[255; 4],
                b"a",
            ]
            .concat(),
        );
        // A foreign record before the one that counts.
        bytes.extend([99, 0, 5, 0, 1, 2, 3, 4, 5, 1, 0, 24, 0]);
        bytes.extend(wide(&[3, 3, 0]));
        let record = bytes.len() as u64;
        bytes.extend(
            [b"PK\x06\x06".as_slice(), &wide(&[44]), &[0; 12], &wide(&[1, 1, record - directory, directory])]
                .concat(),
        );
        bytes.extend([b"PK\x06\x07".as_slice(), &[0; 4], &wide(&[record]), &[1, 0, 0, 0]].concat());
        bytes.extend([b"PK\x05\x06".as_slice(), &[0; 4], &[255; 12], &[3, 0], b"end"].concat());
        bytes
    }

    #[test]
    fn archives_beyond_four_gigabytes_are_understood() {
        let bytes = wide_archive();
        let directory = ZipDirectory::parse(&bytes).unwrap();
        assert_eq!(directory.names().collect::<Vec<_>>(), ["a"]);
        assert_eq!(&bytes[directory.range("a").unwrap()], b"abc");
        assert_eq!(directory.range("b"), Err(ZipError::Missing { name: "b".to_owned() }));
    }

    #[test]
    fn any_damage_is_survived() {
        let bytes = wide_archive();
        for place in 0..bytes.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[place] = byte;
                if let Ok(directory) = ZipDirectory::parse(&damaged) {
                    assert!(directory.range("a").map_or(0, |range| range.end) <= damaged.len());
                }
            }
        }
    }

    #[test]
    fn absurd_counts_are_refused() {
        let mut bytes = wide_archive();
        let record = bytes.windows(4).position(|window| window == b"PK\x06\x06").unwrap();
        bytes[record + 32..][..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(ZipDirectory::parse(&bytes).unwrap_err(), ZipError::TooManyEntries);
    }
}
