//! Where a suite's files are taken from: a folder or a zip archive of the user's. Nothing in it is trusted: names are
//! compared, never followed, and sizes are bounded.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read as _},
    path::{Component, Path, PathBuf},
};

use imgeval_files::{Unsuitable, open_regular, read_regular};
use tempfile::TempDir;
use zip::ZipArchive;

use super::error::FetchError;

/// No file of a suite is longer.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Nor is any suite longer than this, unpacked.
const MAX_TOTAL_BYTES: u64 = 1 << 30;
/// Nor does any suite have more files.
const MAX_FILES: usize = 100_000;
/// Folders below each other that are looked into.
const MAX_DEPTH: usize = 8;

pub(super) enum Bundle {
    Folder {
        root: PathBuf,
        files: Vec<PathBuf>,
    },
    Archive {
        path: PathBuf,
        archive: Box<ZipArchive<BufReader<File>>>,
        /// Where each file lies in the archive, by its name with `/` between folders.
        places: BTreeMap<String, usize>,
    },
}

impl Bundle {
    pub(super) fn open(path: &Path) -> Result<Self, FetchError> {
        let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        if metadata.is_dir() {
            let mut files = Vec::new();
            list_files(path, 0, &mut files)?;
            files.sort();
            return Ok(Self::Folder { root: path.to_owned(), files });
        }
        let file = open_regular(path).map_err(|source| unreadable(path, source))?;
        let archive = ZipArchive::new(BufReader::new(file))
            .map_err(|source| FetchError::NotAnArchive { path: path.to_owned(), source })?;
        if archive.len() > MAX_FILES {
            return Err(FetchError::TooManyFiles { path: path.to_owned() });
        }
        let places =
            places_of(&archive).map_err(|name| FetchError::SameName { path: path.to_owned(), name })?;
        Ok(Self::Archive { path: path.to_owned(), archive: Box::new(archive), places })
    }

    /// What the archive says about itself: code hosts put the commit there.
    pub(super) fn comment(&self) -> String {
        match self {
            Self::Folder { .. } => String::new(),
            Self::Archive { archive, .. } => String::from_utf8_lossy(archive.comment()).trim().to_owned(),
        }
    }

    /// The names of all files, with `/` between folders, below the folder or in the archive.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Folder { root, files } => {
                let name = |file: &PathBuf| {
                    let relative = file.strip_prefix(root).unwrap_or(file);
                    let parts: Vec<_> =
                        relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
                    parts.join("/")
                };
                files.iter().map(name).collect()
            }
            Self::Archive { places, .. } => places.keys().cloned().collect(),
        }
    }

    /// The bytes of the file with this name.
    pub(super) fn read(&mut self, name: &str, max_bytes: u64) -> Result<Vec<u8>, FetchError> {
        let max_bytes = max_bytes.min(MAX_FILE_BYTES);
        let mut bytes = Vec::new();
        let (shown, read) = match self {
            Self::Folder { root, .. } => return read_file(&root.join(name), max_bytes),
            Self::Archive { path, archive, places } => {
                let place = places.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
                let entry = place.and_then(|place| archive.by_index(*place).map_err(io::Error::other));
                let read = entry.and_then(|entry| entry.take(max_bytes + 1).read_to_end(&mut bytes));
                (format!("{}/{name}", path.display()), read)
            }
        };
        if let Err(source) = read {
            return Err(FetchError::Read { name: shown, source });
        }
        if bytes.len() as u64 > max_bytes {
            return Err(FetchError::TooLong { name: shown });
        }
        Ok(bytes)
    }

    /// How long these files are, as the archive says.
    fn stated_bytes(&mut self, names: &[String]) -> u64 {
        match self {
            Self::Folder { .. } => 0,
            Self::Archive { archive, places, .. } => {
                let places = names.iter().filter_map(|name| places.get(name));
                let sizes = places.filter_map(|place| Some(archive.by_index(*place).ok()?.size()));
                sizes.fold(0, u64::saturating_add)
            }
        }
    }

    /// Writes the files whose names `is_wanted` accepts below `folder`, under names that cannot leave it.
    fn unpack(&mut self, folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<(), FetchError> {
        let names: Vec<String> = self.names().into_iter().filter(|name| is_wanted(name)).collect();
        // What it says of itself is looked at first, so that the disk is not filled for nothing.
        if self.stated_bytes(&names) > MAX_TOTAL_BYTES {
            return Err(FetchError::UnpacksToTooMuch);
        }
        let mut total = 0;
        for name in names {
            let relative = Path::new(&name);
            if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(FetchError::UnsafeName { name });
            }
            let bytes = self.read(&name, MAX_FILE_BYTES)?;
            total += bytes.len() as u64;
            if total > MAX_TOTAL_BYTES {
                return Err(FetchError::UnpacksToTooMuch);
            }
            write_whole(&folder.join(relative), &bytes)?;
        }
        Ok(())
    }
}

/// A data set as a folder: the user's own, or where the user's archive was unpacked to for the time being.
pub struct Opened {
    given: PathBuf,
    unpacked: Option<TempDir>,
}

impl Opened {
    /// Opens a folder, or unpacks those files of an archive whose names `is_wanted` accepts.
    ///
    /// # Errors
    /// If it is neither, is too large, holds unsafe names, or cannot be read.
    pub fn of(path: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Self, FetchError> {
        let mut bundle = Bundle::open(path)?;
        let given = path.to_owned();
        if matches!(bundle, Bundle::Folder { .. }) {
            return Ok(Self { given, unpacked: None });
        }
        let failed = |source| FetchError::Write { path: std::env::temp_dir(), source };
        let folder = tempfile::tempdir().map_err(failed)?;
        bundle.unpack(folder.path(), is_wanted)?;
        Ok(Self { given, unpacked: Some(folder) })
    }

    /// The folder to read.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.unpacked.as_ref().map_or(&self.given, TempDir::path)
    }

    /// A path below the root as the user knows it: of an archive by its place there.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(self.root()) {
            Ok(inner) if self.unpacked.is_some() => self.given.join(inner).display().to_string(),
            _ => path.display().to_string(),
        }
    }
}

/// The files of an archive by name. Archives made on Windows may have `\` between folders, which no suite has in a name;
/// others begin names with `./`, which says nothing.
///
/// # Errors
/// The name that two files have.
fn places_of(archive: &ZipArchive<BufReader<File>>) -> Result<BTreeMap<String, usize>, String> {
    let mut places = BTreeMap::new();
    for (place, name) in archive.file_names().enumerate() {
        // A name that is no text is nobody's file.
        let Ok(name) = name else { continue };
        let name = name.replace('\\', "/");
        let name = name.split('/').filter(|part| *part != ".").collect::<Vec<_>>().join("/");
        if !name.ends_with('/') && places.insert(name.clone(), place).is_some() {
            return Err(name.escape_debug().to_string());
        }
    }
    Ok(places)
}

/// The bytes of a file that may be anything.
///
/// # Errors
/// If it cannot be read or is too long.
pub fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, FetchError> {
    read_regular(path, max_bytes).map_err(|error| match Unsuitable::of(&error) {
        Some(Unsuitable::TooLong { .. }) => FetchError::TooLong { name: path.display().to_string() },
        _ => unreadable(path, error),
    })
}

/// Whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    imgeval_files::write_whole(path, bytes)
        .map_err(|source| FetchError::Write { path: path.to_owned(), source })
}

fn unreadable(path: &Path, source: io::Error) -> FetchError {
    FetchError::Read { name: path.display().to_string(), source }
}

fn list_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), FetchError> {
    let failed = |source| FetchError::ReadFolder { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < MAX_DEPTH {
            list_files(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
        if files.len() > MAX_FILES {
            return Err(FetchError::TooManyFiles { path: folder.to_owned() });
        }
    }
    Ok(())
}
