//! Reading files that may be anything.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::Path,
};

use crate::{Unsuitable, platform};

/// Opens a regular file for reading. Links are followed.
///
/// # Errors
/// If it cannot be opened, or is a folder, pipe, socket or device ([`Unsuitable`]).
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Asked before opening, because a device may do something when it is opened. What is opened is asked again.
    check_regular(&fs::metadata(path)?)?;
    let file = platform::open_without_waiting(path)?;
    check_regular(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`], and if it is longer or cannot be read.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_opened(open_regular(path)?, limit)
}

/// The text of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`read_regular`], and if it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    text_of(read_regular(path, limit)?)
}

pub(crate) fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

pub(crate) fn read_opened(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    if length > limit {
        return Err(Unsuitable::TooLong { limit }.into());
    }
    // Files of the kernel have length 0 and content all the same; others may grow.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Unsuitable::TooLong { limit }.into());
    }
    Ok(bytes)
}

pub(crate) fn check_regular(metadata: &Metadata) -> io::Result<()> {
    match Unsuitable::from_type(metadata.file_type()) {
        Some(found) => Err(found.into()),
        None => Ok(()),
    }
}
