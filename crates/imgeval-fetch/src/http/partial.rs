//! An unfinished file.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use imgeval_core::to_hex;
use imgeval_files::{Lock, OwnFolder};
use sha2::{Digest as _, Sha256};

use super::error::DownloadError;

/// An unfinished file, locked while it grows, with the hash of its current content.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    bytes: u64,
    hasher: Sha256,
}

/// A download that is complete on disk, synced.
pub(crate) struct Downloaded {
    pub(crate) bytes: u64,
    /// Lower-case hexadecimal.
    pub(crate) sha256: String,
    /// Keeps other processes off the unfinished file until it has its name.
    _lock: File,
}

impl Partial {
    pub(super) fn open(path: &Path) -> Result<Self, DownloadError> {
        let failed = |source| write_error(path, source);
        let (folder, name) = OwnFolder::of_file(path).map_err(failed)?;
        let Lock::Taken(mut file) = folder.lock(name).map_err(failed)? else {
            return Err(DownloadError::Busy { path: path.to_owned() });
        };
        let mut hasher = Sha256::new();
        let mut bytes = 0;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    bytes += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Self { path: path.to_owned(), file, bytes, hasher })
    }

    /// Number of bytes downloaded so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(|source| write_error(&self.path, source))?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn restart(&mut self) -> Result<(), DownloadError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|source| write_error(&self.path, source))?;
        self.hasher = Sha256::new();
        self.bytes = 0;
        Ok(())
    }

    /// Better before than after a gigabyte.
    pub(super) fn check_space(&self, total: Option<u64>) -> Result<(), DownloadError> {
        let needed = total.unwrap_or(0).saturating_sub(self.bytes);
        match free_space(&self.path) {
            Some(free) if free < needed => {
                Err(DownloadError::NoSpace { path: self.path.clone(), needed, free })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Result<Downloaded, DownloadError> {
        self.file.sync_all().map_err(|source| write_error(&self.path, source))?;
        let sha256 = to_hex(&self.hasher.finalize());
        Ok(Downloaded { bytes: self.bytes, sha256, _lock: self.file })
    }
}

fn write_error(path: &Path, source: io::Error) -> DownloadError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DownloadError::DiskFull { path },
        _ => DownloadError::Write { path, source },
    }
}

#[cfg(unix)]
fn free_space(path: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(path).ok()?;
    facts.f_bavail.checked_mul(facts.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

// Two attributes, because Clippy knows a test module only by a plain `cfg(test)`.
#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_file_is_one_process_s_and_never_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("x"), folder.path().join("y"));
        let partial = Partial::open(&path).ok().unwrap();
        assert!(matches!(Partial::open(&path), Err(DownloadError::Busy { .. })));
        drop(partial);
        std::fs::write(&other, "precious").unwrap();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let mut partial = Partial::open(&path).ok().unwrap();
        partial.append(b"x").ok().unwrap();
        partial.restart().ok().unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"precious");
    }
}
