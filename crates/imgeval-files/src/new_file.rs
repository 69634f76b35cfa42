//! Files that appear whole or not at all.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::Arc,
};

use crate::platform::Handle;

const MAX_TRIES: usize = 1000;

/// How names of unfinished files begin.
pub const UNFINISHED: &str = ".writing-";

/// A file in the making, under a temporary name in the folder where it will be; removed unless it is published.
#[derive(Debug)]
pub struct NewFile {
    folder: Arc<Handle>,
    temporary: OsString,
    name: OsString,
    file: File,
    is_published: bool,
}

impl NewFile {
    pub(crate) fn create(folder: &Arc<Handle>, name: &OsStr) -> io::Result<Self> {
        for _ in 0..MAX_TRIES {
            let temporary = temporary_name();
            match folder.create_new(&temporary) {
                Ok(file) => {
                    // Other processes remove only unfinished files that nobody has locked.
                    file.try_lock().ok();
                    let folder = Arc::clone(folder);
                    return Ok(Self { folder, temporary, name: name.to_owned(), file, is_published: false });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Gives the file its name, once its bytes are on the disk. What had the name before is replaced: of a link the link, not
    /// the file that it leads to.
    ///
    /// # Errors
    /// If the disk is full or failing, or a folder has the name.
    pub fn publish(self) -> io::Result<()> {
        self.file.sync_all()?;
        self.publish_unsynced().map(drop)
    }

    /// As [`Self::publish`], for files that can be made again after a power cut; gives the file.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub fn publish_unsynced(mut self) -> io::Result<File> {
        let file = self.file.try_clone()?;
        self.folder.rename(&self.temporary, &self.name)?;
        self.is_published = true;
        Ok(file)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

/// Nobody else's, with near certainty.
pub(crate) fn temporary_name() -> OsString {
    let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
    format!("{UNFINISHED}{random}").into()
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_published {
            self.folder.remove_file(&self.temporary).ok();
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for NewFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for NewFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}
