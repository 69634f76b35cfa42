//! Output that replaces an older file whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek as _, Write},
    path::{Component, Path, PathBuf},
};

use crate::{NewFile, OwnFolder, open_special_for_writing};

/// Why output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("`{}` is a folder, not a file", path.display())]
    IsFolder { path: PathBuf },
    #[error("could not write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("could not create `{}`", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("could not create the folder of `{}`", path.display())]
    CreateParent { path: PathBuf, source: io::Error },
    #[error("could not create a temporary file")]
    Temporary(#[source] io::Error),
}

/// Collects output under a temporary name next to its destination; nothing is visible before [`Self::publish`].
///
/// A link that the user named is followed to its file, a link in a run is replaced. A pipe or device is written to at
/// the end.
pub struct OutputFile {
    destination: PathBuf,
    target: Target,
}

enum Target {
    File(BufWriter<NewFile>),
    /// Collected in a file without a name.
    Special(BufWriter<File>),
}

impl OutputFile {
    /// Where the user says; folders on the way are made.
    ///
    /// # Errors
    /// If it is a folder, or nothing can be made there.
    pub fn create(destination: &Path) -> Result<Self, OutputError> {
        let path = destination.to_owned();
        if destination.is_dir() {
            return Err(OutputError::IsFolder { path });
        }
        if let Some((run, inner)) = place_in_run(destination) {
            let own = OwnFolder::open(&run).and_then(|own| own.below(&inner));
            let (folder, name) = own.map_err(|source| OutputError::Write { path, source })?;
            return Self::within(&folder, name);
        }
        let destination = fs::canonicalize(destination).unwrap_or_else(|_| destination.to_owned());
        if destination.exists() && !destination.is_file() {
            let spool = tempfile::tempfile().map_err(OutputError::Temporary)?;
            return Ok(Self { destination, target: Target::Special(BufWriter::new(spool)) });
        }
        let (folder, file_name) =
            OwnFolder::of_file(&destination).map_err(|source| OutputError::CreateParent { path, source })?;
        Self::within(&folder, file_name)
    }

    /// In a folder that somebody else may have made: a link that has the name is replaced.
    fn within(folder: &OwnFolder, name: impl AsRef<std::ffi::OsStr>) -> Result<Self, OutputError> {
        let destination = folder.path().join(name.as_ref());
        let file = folder
            .new_file(name)
            .map_err(|source| OutputError::Write { path: destination.clone(), source })?;
        Ok(Self { destination, target: Target::File(BufWriter::new(file)) })
    }

    /// Puts the finished output in its place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn publish(self) -> Result<(), OutputError> {
        let path = self.destination.clone();
        let publish = || -> io::Result<()> {
            match self.target {
                Target::File(file) => file.into_inner().map_err(io::IntoInnerError::into_error)?.publish(),
                Target::Special(spool) => {
                    let mut spool = spool.into_inner().map_err(io::IntoInnerError::into_error)?;
                    spool.rewind()?;
                    io::copy(&mut spool, &mut open_special_for_writing(&self.destination)?).map(drop)
                }
            }
        };
        publish().map_err(|source| OutputError::Write { path, source })
    }
}

/// A folder for output, made where it is missing; below it no link is followed, in a run none on the way to it either.
///
/// # Errors
/// If it cannot be made.
pub fn output_folder(path: &Path) -> Result<OwnFolder, OutputError> {
    let opened = match place_in_run(path) {
        Some((run, inner)) => OwnFolder::open(&run)
            .and_then(|own| own.below(&inner))
            .and_then(|(folder, name)| folder.make_folder(name)),
        None => OwnFolder::make(path),
    };
    let folder = opened.map_err(|source| OutputError::Create { path: path.to_owned(), source })?;
    folder.sweep_once();
    Ok(folder)
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::File(file) => file.write(bytes),
            Target::Special(spool) => spool.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::File(file) => file.flush(),
            Target::Special(spool) => spool.flush(),
        }
    }
}

/// If the path leads into a run by its words, the run and the place in it: what lies there may be a link that somebody else
/// made.
fn place_in_run(destination: &Path) -> Option<(PathBuf, PathBuf)> {
    let path = std::path::absolute(destination).ok()?;
    let run = path.ancestors().skip(1).find(|folder| folder.join("run.toml").is_file())?;
    let inner = path.strip_prefix(run).ok()?;
    let is_plain = inner.components().all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| (run.to_owned(), inner.to_owned()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path) -> Result<(), OutputError> {
        let mut file = OutputFile::create(path)?;
        file.write_all(b"new").map_err(OutputError::Temporary)?;
        file.publish()
    }

    #[test]
    fn links_are_followed_where_the_user_put_them_and_replaced_in_runs() {
        let root = tempfile::tempdir().unwrap();
        let place = |name: &str| root.path().join(name);
        fs::create_dir_all(place("run/out")).unwrap();
        fs::create_dir(place("mine")).unwrap();
        fs::write(place("run/run.toml"), "").unwrap();
        for (link, target) in [
            ("link", "file"),
            ("run/link", "../victim"),
            ("run/out/link", "../../victim"),
            ("run/folder", "../mine"),
        ] {
            symlink(target, place(link)).unwrap();
        }
        fs::write(place("file"), "old").unwrap();
        fs::write(place("victim"), "precious").unwrap();
        for name in ["link", "run/link", "run/out/link", "run/new/file"] {
            write(&place(name)).unwrap();
            assert_eq!(fs::read(place(name)).unwrap(), b"new");
        }
        assert!(write(&place("run/folder/letter")).is_err());
        assert_eq!(fs::read(place("file")).unwrap(), b"new");
        assert_eq!(fs::read(place("victim")).unwrap(), b"precious");
        assert_eq!(fs::read_dir(place("mine")).unwrap().count(), 0);
    }
}
