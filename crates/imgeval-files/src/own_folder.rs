//! A folder to write to, any part of which someone else may have created.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::{
    NewFile, Unsuitable,
    new_file::temporary_name,
    platform::{Handle, facts_of},
    read::{check_regular, read_opened},
};

/// So often a lock file may be exchanged while it is being taken.
const MAX_TRIES: usize = 16;

/// A folder, held open. The path that led to it may have had links; below it none is followed.
#[derive(Debug, Clone)]
pub struct OwnFolder {
    handle: Arc<Handle>,
    path: PathBuf,
}

/// What came of trying to take a lock. The lock is held as long as the file is open.
#[derive(Debug)]
pub enum Lock {
    Taken(File),
    /// Another process holds it; what it wrote into the file can be read.
    Held(File),
}

impl OwnFolder {
    /// Opens an existing folder.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { handle: Arc::new(Handle::open(path)?), path: path.to_owned() })
    }

    /// Opens a folder, made with all folders above it where they are missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn make(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Self::open(path)
    }

    /// The folder of a file that will be written, made where it is missing and swept once, and the file's name.
    ///
    /// # Errors
    /// If the folder cannot be made, or the path ends without a name.
    pub fn of_file(path: &Path) -> io::Result<(Self, &OsStr)> {
        let name = path.file_name().ok_or(Unsuitable::Folder)?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = Self::make(folder)?;
        folder.sweep_once();
        Ok((folder, name))
    }

    /// The path that led here.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a subfolder.
    ///
    /// # Errors
    /// If it does not exist, or the name belongs to a link or file.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = plain(name.as_ref())?;
        let opened = self.handle.folder(name).map_err(|error| match self.handle.facts(name) {
            Ok(Some(facts)) if facts.unsuitable == Some(Unsuitable::Link) => Unsuitable::Link.into(),
            Ok(Some(facts)) if facts.unsuitable != Some(Unsuitable::Folder) => Unsuitable::NotAFolder.into(),
            _ => error,
        });
        Ok(Self { handle: Arc::new(opened?), path: self.path.join(name) })
    }

    /// A folder in this one, made if nothing has its name.
    ///
    /// # Errors
    /// If it cannot be made, or a link or file has its name.
    pub fn make_folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = plain(name.as_ref())?;
        match self.handle.make_folder(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.folder(name),
        }
    }

    /// The folder of a file below this one, made where it is missing, and the file's name.
    ///
    /// # Errors
    /// If a link or file has the name of a folder on the way, or the path does not lead down.
    pub fn below<'a>(&self, path: &'a Path) -> io::Result<(Self, &'a OsStr)> {
        let name = path.file_name().ok_or(Unsuitable::Name)?;
        let mut folder = self.clone();
        for part in path.parent().unwrap_or(Path::new("")).components() {
            folder = folder.make_folder(part)?;
        }
        Ok((folder, name))
    }

    /// Begins a file that appears under this name when it is published.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new_file(&self, name: impl AsRef<OsStr>) -> io::Result<NewFile> {
        NewFile::create(&self.handle, plain(name.as_ref())?)
    }

    /// Writes a file whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written, or a folder has its name.
    pub fn write_whole(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.new_file(name)?;
        file.write_all(bytes)?;
        file.publish()
    }

    /// As [`Self::write_whole`], for files that can be made again after a power cut.
    ///
    /// # Errors
    /// As [`Self::write_whole`].
    pub fn write_unsynced(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.new_file(name)?;
        file.write_all(bytes)?;
        file.publish_unsynced().map(drop)
    }

    /// Makes a file that was not there; a link counts as there.
    ///
    /// # Errors
    /// If it is there or cannot be made.
    pub fn create_new(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.handle.create_new(plain(name.as_ref())?)
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// If it is missing, a link, or no regular file.
    pub fn open_regular(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = plain(name.as_ref())?;
        if let Some(found) = self.handle.facts(name)?.and_then(|facts| facts.unsuitable) {
            return Err(found.into());
        }
        let file = self.handle.open_to_read(name)?;
        check_regular(&file.metadata()?)?;
        Ok(file)
    }

    /// The bytes of a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Self::open_regular`], and if it is longer or cannot be read.
    pub fn read(&self, name: impl AsRef<OsStr>, limit: u64) -> io::Result<Vec<u8>> {
        read_opened(self.open_regular(name)?, limit)
    }

    /// The length of the regular file with this name; `None` if it does not exist.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn length(&self, name: impl AsRef<OsStr>) -> io::Result<Option<u64>> {
        let facts = self.handle.facts(plain(name.as_ref())?)?;
        Ok(facts.filter(|facts| facts.unsuitable.is_none()).map(|facts| facts.length))
    }

    /// Ensures that the file with this name does not exist or may be written in place.
    ///
    /// # Errors
    /// If it is a link, not a regular file, or has several names.
    pub fn check_writable_in_place(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let Some(facts) = self.handle.facts(plain(name.as_ref())?)? else { return Ok(()) };
        let several = (facts.n_names > 1).then_some(Unsuitable::SeveralNames);
        facts.unsuitable.or(several).map_or(Ok(()), |found| Err(found.into()))
    }

    /// Takes the lock whose file has this name. A link or special file there, and a file that has other names too, is
    /// replaced by a new file.
    ///
    /// # Errors
    /// If it cannot be made or locked.
    pub fn lock(&self, name: impl AsRef<OsStr>) -> io::Result<Lock> {
        let name = plain(name.as_ref())?;
        for _ in 0..MAX_TRIES {
            match self.handle.facts(name)?.and_then(|facts| facts.unsuitable) {
                None => {}
                Some(Unsuitable::Folder) => return Err(Unsuitable::Folder.into()),
                // Nobody can hold a lock through it.
                Some(_) => self.remove(name)?,
            }
            let file = self.handle.open_to_lock(name)?;
            match try_lock(file)? {
                Lock::Held(file) => return Ok(Lock::Held(file)),
                Lock::Taken(file) => {
                    let facts = facts_of(&file)?;
                    if facts.unsuitable.is_some() {
                        continue;
                    }
                    // Whoever waits for the old file finds that it has lost its name.
                    let file = if facts.n_names > 1 { self.replace_lock(name)? } else { file };
                    let locked = facts_of(&file)?.identity;
                    if self.handle.facts(name)?.is_some_and(|named| named.identity == locked) {
                        return Ok(Lock::Taken(file));
                    }
                }
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// A new file, locked before it has the name.
    fn replace_lock(&self, name: &OsStr) -> io::Result<File> {
        let new = NewFile::create(&self.handle, name)?;
        new.file().try_lock().map_err(io::Error::from)?;
        new.publish_unsynced()
    }

    /// Gives a name to the regular file at `from` as well (a hard link), instead of what had it.
    ///
    /// # Errors
    /// If the disk does not allow it, or `from` is no regular file.
    pub fn link_file(&self, from: &Path, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = plain(name.as_ref())?;
        // A link to a link would be the link itself, which may point elsewhere when the folder is moved.
        check_regular(&fs::symlink_metadata(from)?)?;
        let temporary = temporary_name();
        self.handle.link(from, &temporary)?;
        let renamed = self.handle.rename(&temporary, name);
        // Of two names for one file the renaming leaves both.
        self.handle.remove_file(&temporary).ok();
        renamed
    }

    /// Removes a file, or a link and not what it leads to. Succeeds if nothing is there.
    ///
    /// # Errors
    /// If it cannot be removed, or is a folder.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        match self.handle.remove_file(plain(name.as_ref())?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// If it is not empty or cannot be removed.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        self.handle.remove_folder(plain(name.as_ref())?)
    }

    /// The names in this folder, sorted.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        self.handle.names()
    }

    /// Makes sure that a power cut loses no name of this folder.
    ///
    /// # Errors
    /// If the disk is failing.
    pub fn sync(&self) -> io::Result<()> {
        self.handle.sync()
    }
}

/// Writes the file at `path` whole or not at all; its folder is made where it is missing, and a link at `path` is replaced.
///
/// # Errors
/// If it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, name) = OwnFolder::of_file(path)?;
    folder.write_whole(name, bytes)
}

fn try_lock(file: File) -> io::Result<Lock> {
    match file.try_lock() {
        Ok(()) => Ok(Lock::Taken(file)),
        Err(TryLockError::WouldBlock) => Ok(Lock::Held(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A name that cannot lead out of its folder.
fn plain(name: &OsStr) -> io::Result<&OsStr> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(Unsuitable::Name.into()),
    }
}
