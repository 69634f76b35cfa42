//! Files relative to a handle of their folder, so that no part of a path can be exchanged meanwhile.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::MetadataExt as _,
    },
    path::Path,
};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

use crate::{Unsuitable, facts::Facts};

/// For everybody to read, as far as the process's mask allows it.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);

#[derive(Debug)]
pub(crate) struct Handle(File);

/// Opening a pipe for reading would wait for its other end.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    File::options().read(true).custom_flags(flags).open(path)
}

/// Opens a pipe or device that the user named for output. Nothing is made or cut short.
///
/// # Errors
/// If it cannot be opened, such as a pipe that nobody reads.
pub fn open_special_for_writing(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().write(true).custom_flags(flags).open(path)?;
    // Once it is open, a slow reader is waited for.
    rustix::fs::fcntl_setfl(&file, rustix::fs::fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

pub(crate) fn facts_of(file: &File) -> io::Result<Facts> {
    let found = file.metadata()?;
    Ok(Facts {
        unsuitable: Unsuitable::from_type(found.file_type()),
        length: found.len(),
        n_names: found.nlink(),
        identity: Some((found.dev(), found.ino())),
    })
}

impl Handle {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(CWD, path, flags, Mode::empty())?.into()))
    }

    pub(crate) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(Self(rustix::fs::openat(&self.0, name, flags, Mode::empty())?.into()))
    }

    pub(crate) fn open_to_read(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens the file for reading and writing, or makes it.
    pub(crate) fn open_to_lock(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE)
    }

    pub(crate) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn open_file(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(rustix::fs::openat(&self.0, name, flags, FILE_MODE)?.into())
    }

    pub(crate) fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.0, name, FOLDER_MODE)?)
    }

    /// `None` if nothing is there. A link is a link.
    pub(crate) fn facts(&self, name: &OsStr) -> io::Result<Option<Facts>> {
        let found = match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            found => found?,
        };
        let unsuitable = match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => None,
            FileType::Directory => Some(Unsuitable::Folder),
            FileType::Symlink => Some(Unsuitable::Link),
            FileType::Fifo => Some(Unsuitable::Pipe),
            FileType::Socket => Some(Unsuitable::Socket),
            _ => Some(Unsuitable::Device),
        };
        #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "types differ by platform")]
        Ok(Some(Facts {
            unsuitable,
            length: u64::try_from(found.st_size).unwrap_or_default(),
            n_names: found.st_nlink as u64,
            identity: Some((found.st_dev as u64, found.st_ino as u64)),
        }))
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Gives `name` to the file at `from` as well; of a link to the link itself.
    pub(crate) fn link(&self, from: &Path, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::linkat(CWD, from, &self.0, name, AtFlags::empty())?)
    }

    pub(crate) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    pub(crate) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        Ok(names)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}
