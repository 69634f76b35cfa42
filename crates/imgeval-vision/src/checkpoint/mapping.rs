//! The bytes of one file, mapped into memory.

use std::{
    fs::File,
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use memmap2::Mmap;

/// One file of a checkpoint.
#[derive(Debug)]
pub(super) struct Mapping {
    path: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Mapping {
    pub(super) fn new(path: &Path, file: &File) -> io::Result<Self> {
        #[expect(unsafe_code, reason = "mapping a file")]
        // SAFETY: the map is private to this struct, read-only, and only lent as `&[u8]`, of which every value is
        // valid. What remains is the risk of every map: whoever changes the file while it is in use changes these
        // bytes, and whoever truncates it ends the process with SIGBUS. We replace weight files by renaming, never in
        // place, so only a foreign program could do that.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self { path: path.to_owned(), bytes: Bytes::Mapped(map) })
    }

    pub(super) fn from_bytes(path: PathBuf, bytes: Vec<u8>) -> Self {
        Self { path, bytes: Bytes::Owned(bytes) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }

    /// Lets the kernel drop these pages; whoever reads them again gets them from the file again.
    pub(super) fn release(&self, range: Range<usize>) {
        let Bytes::Mapped(map) = &self.bytes else { return };
        if range.is_empty() || range.end > map.len() {
            return;
        }
        #[cfg(unix)]
        #[expect(unsafe_code, reason = "madvise(MADV_DONTNEED)")]
        // SAFETY: on a read-only map of a file, dropped pages come back with the same content on the next access, so
        // slices that are still borrowed stay valid. The range lies inside the map.
        let result = unsafe {
            map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
        };
        #[cfg(unix)]
        // Only a hint: where the kernel refuses it, memory stays resident a little longer.
        result.ok();
    }
}
