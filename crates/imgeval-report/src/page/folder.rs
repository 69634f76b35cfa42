//! The report's folder on disk.
//!
//! Below it no link is followed. `imgeval-report.json` lists the files that reports wrote, and only these are ever deleted.

use std::{
    collections::BTreeSet,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use imgeval_core::json::from_json_slice;
use imgeval_files::{NewFile, OwnFolder, UNFINISHED};
use serde_json::{Value, json};

use super::PageError;

const MARKER: &str = "imgeval-report.json";
const LAYOUT: u64 = 1;
const MAX_MARKER_BYTES: u64 = 256 << 20;
/// Everything but the page itself lies in one of these.
const FOLDERS: [&str; 6] = ["data", "figures", "images", "overlays", "tables", "thumbs"];

#[derive(Debug)]
pub(super) struct Folder {
    root: OwnFolder,
    /// The files that earlier reports listed, as `NAME` or `FOLDER/NAME`; `None` if an older version made no list.
    earlier: Option<BTreeSet<String>>,
    /// The files of this report.
    files: Mutex<BTreeSet<String>>,
}

impl Folder {
    /// Makes the folder, or takes over one that holds a report.
    pub(super) fn open(path: &Path) -> Result<Self, PageError> {
        let root =
            OwnFolder::make(path).map_err(|source| PageError::Write { path: path.to_owned(), source })?;
        let earlier = match root.read(MARKER, MAX_MARKER_BYTES) {
            Ok(bytes) => {
                let marker = from_json_slice::<Value>(&bytes).unwrap_or_default();
                let found = marker["layout"].as_u64().unwrap_or_default();
                if found != LAYOUT {
                    return Err(PageError::Layout { path: path.to_owned(), found, known: LAYOUT });
                }
                listed(&marker)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let names =
                    root.names().map_err(|source| PageError::Read { path: path.to_owned(), source })?;
                if !names.iter().all(|name| is_half_written(&name.to_string_lossy())) {
                    return Err(PageError::Foreign { path: path.to_owned() });
                }
                Some(BTreeSet::new())
            }
            Err(source) => return Err(PageError::Read { path: path.join(MARKER), source }),
        };
        root.sweep();
        let folder = Self { root, earlier, files: Mutex::default() };
        for name in FOLDERS {
            if let Some(opened) = folder.below(name)? {
                opened.sweep();
            }
        }
        if folder.earlier.as_ref().is_some_and(BTreeSet::is_empty) {
            folder.write_marker(&BTreeSet::new())?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes under a temporary name first: nobody sees half a file.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PageError> {
        self.write_with(name, |file| io::Write::write_all(file, bytes))
    }

    pub(super) fn write_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<NewFile>) -> io::Result<()>,
    ) -> Result<(), PageError> {
        let written = self.folder_of(name).and_then(|(folder, name)| {
            let mut file = BufWriter::new(folder.new_file(name)?);
            write(&mut file)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.publish_unsynced().map(drop)
        });
        written.map_err(|source| PageError::Write { path: self.path(name), source })?;
        self.keep(name);
        Ok(())
    }

    /// Gives `name` the file at `from` as a hard link; `false` where the disk does not allow that.
    pub(super) fn link(&self, from: &Path, name: &str) -> bool {
        self.folder_of(name).is_ok_and(|(folder, name)| folder.link_file(from, name).is_ok())
    }

    /// The length of a regular file.
    pub(super) fn length(&self, name: &str) -> Option<u64> {
        let (folder, name) = self.folder_of(name).ok()?;
        folder.length(name).ok()?
    }

    pub(super) fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let (folder, name) = self.folder_of(name)?;
        folder.read(name, limit)
    }

    /// Counts a file as one of this report.
    pub(super) fn keep(&self, name: &str) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// Removes what earlier reports listed in these folders and this one does not have, and lists what there is. Returns how
    /// many files in them are nobody's, because an earlier version made no list.
    pub(super) fn finish(&self, folders: &[&str]) -> Result<usize, PageError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(earlier) = &self.earlier else {
            let n_left_over = self.count_others(folders, &files)?;
            self.write_marker(&files)?;
            return Ok(n_left_over);
        };
        for name in earlier.difference(&files.clone()) {
            let is_stale = name.split_once('/').is_some_and(|(folder, _)| folders.contains(&folder));
            if is_stale {
                self.remove(name).map_err(|source| PageError::Write { path: self.path(name), source })?;
            } else {
                files.insert(name.clone());
            }
        }
        self.write_marker(&files)?;
        Ok(0)
    }

    /// What has become something else than a file is no longer that of the report.
    fn remove(&self, name: &str) -> io::Result<()> {
        let (folder, name) = self.folder_of(name)?;
        if folder.length(name)?.is_some() { folder.remove(name) } else { Ok(()) }
    }

    fn count_others(&self, folders: &[&str], files: &BTreeSet<String>) -> Result<usize, PageError> {
        let mut count = 0;
        for folder in folders {
            let Some(opened) = self.below(folder)? else { continue };
            let names =
                opened.names().map_err(|source| PageError::Read { path: self.path(folder), source })?;
            let is_other =
                |name: &&std::ffi::OsString| !files.contains(&format!("{folder}/{}", name.to_string_lossy()));
            count += names.iter().filter(is_other).count();
        }
        Ok(count)
    }

    /// A folder of the report, if it is there; a link in its place is refused.
    fn below(&self, name: &str) -> Result<Option<OwnFolder>, PageError> {
        match self.root.folder(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PageError::Write { path: self.path(name), source }),
            Ok(folder) => Ok(Some(folder)),
        }
    }

    /// The folder of a file of the report, made where it is missing, and the name in it.
    fn folder_of<'a>(&self, name: &'a str) -> io::Result<(OwnFolder, &'a str)> {
        match name.split_once('/') {
            Some((folder, name)) => Ok((self.root.make_folder(folder)?, name)),
            None => Ok((self.root.clone(), name)),
        }
    }

    fn write_marker(&self, files: &BTreeSet<String>) -> Result<(), PageError> {
        let text = format!("{}\n", json!({"layout": LAYOUT, "files": files}));
        self.root
            .write_whole(MARKER, text.as_bytes())
            .map_err(|source| PageError::Write { path: self.path(MARKER), source })
    }
}

/// The list of a marker, without names that no report has.
fn listed(marker: &Value) -> Option<BTreeSet<String>> {
    let is_ours = |name: &&str| {
        let (folder, file) = name.split_once('/').unwrap_or(("data", name));
        FOLDERS.contains(&folder) && !file.contains(['/', '\\', '\0']) && !["", ".", ".."].contains(&file)
    };
    let names = marker["files"].as_array()?.iter().filter_map(Value::as_str);
    Some(names.filter(is_ours).map(str::to_owned).collect())
}

/// What a killed process leaves before it has marked the folder.
fn is_half_written(name: &str) -> bool {
    name.starts_with(UNFINISHED) || name.starts_with('.') && name.ends_with(".new")
}
