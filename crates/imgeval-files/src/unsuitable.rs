//! Things that can exist where a file should be.

use std::{fs::FileType, io};

/// Why something is not used as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    #[error("it is a folder, not a file")]
    Folder,
    #[error("it is a pipe, not a regular file")]
    Pipe,
    #[error("it is a socket, not a regular file")]
    Socket,
    #[error("it is a device, not a regular file")]
    Device,
    #[error("it is a symbolic link, which is not followed here")]
    Link,
    #[error("it is not a folder")]
    NotAFolder,
    #[error("it has several names (hard links), so that writing to it would change a file elsewhere")]
    SeveralNames,
    #[error("it is larger than {limit} bytes")]
    TooLong { limit: u64 },
    #[error("file names cannot contain `/` or other parts of a path")]
    Name,
}

impl Unsuitable {
    /// What is inside an error of this crate.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// What this type of file is instead of a regular file; `None` for a regular file.
    #[must_use]
    pub fn from_type(found: FileType) -> Option<Self> {
        if found.is_file() {
            return None;
        }
        if found.is_dir() {
            return Some(Self::Folder);
        }
        if found.is_symlink() {
            return Some(Self::Link);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt as _;
            if found.is_fifo() {
                return Some(Self::Pipe);
            }
            if found.is_socket() {
                return Some(Self::Socket);
            }
        }
        Some(Self::Device)
    }
}

impl From<Unsuitable> for io::Error {
    fn from(found: Unsuitable) -> Self {
        let kind = match found {
            Unsuitable::Folder => io::ErrorKind::IsADirectory,
            Unsuitable::NotAFolder => io::ErrorKind::NotADirectory,
            Unsuitable::TooLong { .. } => io::ErrorKind::FileTooLarge,
            Unsuitable::Name => io::ErrorKind::InvalidFilename,
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, found)
    }
}
