//! Where a suite's files are taken from: a folder or a zip archive of the user's. Nothing in it is trusted: names are
//! compared, never followed, and sizes are bounded.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read as _},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result};
use imgeval_files::{Unsuitable, open_regular, read_regular};
use zip::ZipArchive;

use crate::failure::CommandError;

/// No file of a suite is longer.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;
/// Nor is any suite longer than this, unpacked.
const MAX_TOTAL_BYTES: u64 = 1 << 30;
/// Nor does any suite have more files.
const MAX_FILES: usize = 100_000;
/// Folders below each other that are looked into.
const MAX_DEPTH: usize = 8;

pub(crate) enum Bundle {
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
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).with_context(|| format!("could not read `{}`", path.display()))?;
        if metadata.is_dir() {
            let mut files = Vec::new();
            list_files(path, 0, &mut files)?;
            files.sort();
            return Ok(Self::Folder { root: path.to_owned(), files });
        }
        let file = open_regular(path).with_context(|| format!("could not read `{}`", path.display()))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            CommandError::usage(format!(
                "`{}` is neither a folder nor a zip archive: {error}",
                path.display()
            ))
        })?;
        if archive.len() > MAX_FILES {
            return Err(CommandError::usage(format!("`{}` holds too many files", path.display())).into());
        }
        let places = places_of(&archive)
            .map_err(|name| CommandError::usage(format!("`{}` holds two files `{name}`", path.display())))?;
        Ok(Self::Archive { path: path.to_owned(), archive: Box::new(archive), places })
    }

    /// What the archive says about itself: code hosts put the commit there.
    pub(crate) fn comment(&self) -> String {
        match self {
            Self::Folder { .. } => String::new(),
            Self::Archive { archive, .. } => String::from_utf8_lossy(archive.comment()).trim().to_owned(),
        }
    }

    /// The names of all files, with `/` between folders, below the folder or in the archive.
    pub(crate) fn names(&self) -> Vec<String> {
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
    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let (shown, read) = match self {
            Self::Folder { root, .. } => return read_file(&root.join(name)),
            Self::Archive { path, archive, places } => {
                let place = places.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
                let entry = place.and_then(|place| archive.by_index(*place).map_err(io::Error::other));
                let read = entry.and_then(|entry| entry.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
                (format!("{}/{name}", path.display()), read)
            }
        };
        read.with_context(|| format!("could not read `{shown}`"))?;
        check_length(&bytes, &shown)?;
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

    /// Writes the files whose names `wanted` accepts below `folder`, under names that cannot leave it.
    pub(crate) fn unpack(&mut self, folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<usize> {
        let names: Vec<String> = self.names().into_iter().filter(|name| wanted(name)).collect();
        let too_long = || CommandError::usage("the archive unpacks to too much for a suite");
        // What it says of itself is looked at first, so that the disk is not filled for nothing.
        if self.stated_bytes(&names) > MAX_TOTAL_BYTES {
            return Err(too_long().into());
        }
        let (mut count, mut total) = (0, 0);
        for name in names {
            let relative = Path::new(&name);
            if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(CommandError::usage(format!("the archive holds the unsafe name `{name}`")).into());
            }
            let bytes = self.read(&name)?;
            total += bytes.len() as u64;
            if total > MAX_TOTAL_BYTES {
                return Err(too_long().into());
            }
            let path = folder.join(relative);
            imgeval_files::write_whole(&path, &bytes)
                .with_context(|| format!("could not write `{}`", path.display()))?;
            count += 1;
        }
        Ok(count)
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
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    match read_regular(path, MAX_FILE_BYTES) {
        Err(error) if matches!(Unsuitable::of(&error), Some(Unsuitable::TooLong { .. })) => {
            Err(too_long(&shown.to_string()).into())
        }
        read => read.with_context(|| format!("could not read `{shown}`")),
    }
}

fn check_length(bytes: &[u8], shown: &str) -> Result<(), CommandError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_long(shown));
    }
    Ok(())
}

fn too_long(shown: &str) -> CommandError {
    CommandError::usage(format!("`{shown}` is too long for a file of a suite"))
}

fn list_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let context = || format!("could not read the folder `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let kind = entry.file_type().with_context(context)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < MAX_DEPTH {
            list_files(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
        if files.len() > MAX_FILES {
            return Err(CommandError::usage(format!("`{}` holds too many files", folder.display())).into());
        }
    }
    Ok(())
}
