//! The same over paths, where no handle of a folder can be had. What lies under a name is asked before each step, so a link
//! that is there is never followed; one that appears between two steps could be. Other names of a file (hard links) are not seen.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{Unsuitable, facts::Facts};

#[derive(Debug)]
pub(crate) struct Handle(PathBuf);

pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a pipe or device that the user named for output. Nothing is made or cut short.
///
/// # Errors
/// If it cannot be opened.
pub fn open_special_for_writing(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

pub(crate) fn facts_of(file: &File) -> io::Result<Facts> {
    Ok(facts_from(&file.metadata()?))
}

fn facts_from(found: &fs::Metadata) -> Facts {
    Facts {
        unsuitable: Unsuitable::from_type(found.file_type()),
        length: found.len(),
        n_names: 1,
        identity: None,
    }
}

impl Handle {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_dir() {
            return Err(Unsuitable::NotAFolder.into());
        }
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.facts(name)?.map(|facts| facts.unsuitable) {
            Some(Some(Unsuitable::Folder)) => Ok(Self(self.0.join(name))),
            Some(_) => Err(Unsuitable::NotAFolder.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(crate) fn open_to_read(&self, name: &OsStr) -> io::Result<File> {
        self.refuse_special(name)?;
        File::open(self.0.join(name))
    }

    pub(crate) fn open_to_lock(&self, name: &OsStr) -> io::Result<File> {
        self.refuse_special(name)?;
        File::options().read(true).write(true).create(true).truncate(false).open(self.0.join(name))
    }

    pub(crate) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(self.0.join(name))
    }

    fn refuse_special(&self, name: &OsStr) -> io::Result<()> {
        match self.facts(name)?.and_then(|facts| facts.unsuitable) {
            Some(found) => Err(found.into()),
            None => Ok(()),
        }
    }

    pub(crate) fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::create_dir(self.0.join(name))
    }

    pub(crate) fn facts(&self, name: &OsStr) -> io::Result<Option<Facts>> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(found) => Ok(Some(facts_from(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(crate) fn link(&self, from: &Path, name: &OsStr) -> io::Result<()> {
        fs::hard_link(from, self.0.join(name))
    }

    pub(crate) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(crate) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_dir(self.0.join(name))
    }

    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let names = fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// Folders cannot be opened here.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
