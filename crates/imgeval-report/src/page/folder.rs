//! The report's folder on disk.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_core::json::from_json_str;
use serde_json::json;

use super::PageError;

const MARKER: &str = "imgeval-report.json";
const LAYOUT: u64 = 1;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes the folder, or takes over one that holds a report.
    pub(super) fn open(root: &Path) -> Result<Self, PageError> {
        let folder = Self { root: root.to_owned() };
        folder.make_directory("")?;
        let marker = folder.path(MARKER);
        match fs::read_to_string(&marker) {
            Ok(text) => {
                let found = from_json_str::<serde_json::Value>(&text).ok();
                let found = found.and_then(|marker| marker["layout"].as_u64()).unwrap_or_default();
                if found != LAYOUT {
                    return Err(PageError::Layout { path: root.to_owned(), found, known: LAYOUT });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if folder.list("")?.iter().any(|name| !is_half_written(name)) {
                    return Err(PageError::Foreign { path: root.to_owned() });
                }
                folder.write(MARKER, format!("{}\n", json!({"layout": LAYOUT})).as_bytes())?;
            }
            Err(source) => return Err(PageError::Read { path: marker, source }),
        }
        Ok(folder)
    }

    /// Makes room for everything that lies beside a page.
    pub(super) fn make_directories(&self) -> Result<(), PageError> {
        ["data", "figures", "images", "thumbs"].iter().try_for_each(|name| self.make_directory(name))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes under a temporary name first: nobody sees half a file.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PageError> {
        self.write_with(name, |file| io::Write::write_all(file, bytes))
    }

    pub(super) fn write_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut io::BufWriter<fs::File>) -> io::Result<()>,
    ) -> Result<(), PageError> {
        let path = self.path(name);
        write_file(&path, write).map_err(|source| PageError::Write { path, source })
    }

    /// Gives `name` the file at `from` as a hard link; `false` where the disk does not allow that.
    pub(super) fn link(&self, from: &Path, name: &str) -> bool {
        let temporary = temporary_name(&self.path(name));
        fs::remove_file(&temporary).ok();
        // A link to a link would be the link itself, which may point elsewhere when the report is moved.
        let is_file = fs::symlink_metadata(from).is_ok_and(|found| found.is_file());
        if is_file && fs::hard_link(from, &temporary).is_ok() {
            let is_named = fs::rename(&temporary, self.path(name)).is_ok();
            // Of two names for one file the renaming leaves both.
            fs::remove_file(&temporary).ok();
            return is_named;
        }
        false
    }

    /// Removes files of an earlier report that this one does not name.
    pub(super) fn keep_only(&self, directory: &str, names: &BTreeSet<String>) -> Result<(), PageError> {
        for name in self.list(directory)? {
            if !names.contains(&name) {
                let path = self.path(directory).join(name);
                fs::remove_file(&path).map_err(|source| PageError::Write { path, source })?;
            }
        }
        Ok(())
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, PageError> {
        let path = self.path(directory);
        let entries = fs::read_dir(&path)
            .and_then(|entries| entries.collect::<io::Result<Vec<_>>>())
            .map_err(|source| PageError::Read { path, source })?;
        Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    fn make_directory(&self, name: &str) -> Result<(), PageError> {
        let path = self.path(name);
        fs::create_dir_all(&path).map_err(|source| PageError::Write { path, source })
    }
}

/// Writes a file under a temporary name and renames it; what is left of a failed try is removed.
pub(super) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut io::BufWriter<fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_name(path);
    let written = fs::File::create(&temporary).and_then(|file| {
        let mut file = io::BufWriter::new(file);
        write(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        fs::remove_file(&temporary).ok();
    }
    written
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.new"))
}

/// What a killed process leaves before it has marked the folder.
fn is_half_written(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".new")
}
