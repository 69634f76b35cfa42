//! The folder that a data set is written into: a new or empty one, or that of an earlier export.

use std::{collections::BTreeSet, io, path::Path};

use imgeval_files::{OwnFolder, UNFINISHED};

use crate::{
    DatasetError,
    description::{Description, MARKER, MAX_MARKER_BYTES, TABLES, is_ours},
};

/// The folder, marked as ours.
pub(crate) struct DatasetFolder {
    pub(crate) root: OwnFolder,
    /// The files of earlier exports, stopped ones among them.
    earlier: BTreeSet<String>,
}

impl DatasetFolder {
    /// Makes the folder, or takes over that of an earlier export, whose data set counts as incomplete from now on.
    pub(crate) fn begin(path: &Path, description: &Description) -> Result<Self, DatasetError> {
        let root = OwnFolder::make(path).map_err(|source| write_error(path, source))?;
        let read_error = |path: &Path, source| DatasetError::Read { path: path.to_owned(), source };
        let mut earlier = match root.read(MARKER, MAX_MARKER_BYTES) {
            Ok(bytes) => Description::parse(&bytes, path)?.files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let names = root.names().map_err(|source| read_error(path, source))?;
                if !names.iter().all(|name| name.to_string_lossy().starts_with(UNFINISHED)) {
                    return Err(DatasetError::Foreign { path: path.to_owned() });
                }
                BTreeSet::new()
            }
            Err(source) => return Err(read_error(&path.join(MARKER), source)),
        };
        root.sweep();
        for table in TABLES {
            let folder = match root.folder(table) {
                Ok(folder) => folder,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(write_error(&path.join(table), source)),
            };
            folder.sweep();
            // Those of an export that was stopped are on no list.
            let names = folder.names().map_err(|source| read_error(&path.join(table), source))?;
            let names = names.iter().map(|name| format!("{table}/{}", name.to_string_lossy()));
            earlier.extend(names.filter(|name| is_ours(name)));
        }
        let folder = Self { root, earlier };
        // Whatever is written from here on is ours, even if this export is stopped.
        let files = folder.earlier.clone();
        folder.mark(&Description { files, is_complete: false, ..description.clone() })?;
        Ok(folder)
    }

    /// Removes what earlier exports listed and this one does not have, and marks the data set as complete.
    pub(crate) fn finish(&self, description: Description) -> Result<(), DatasetError> {
        for name in self.earlier.difference(&description.files) {
            self.remove(name).map_err(|source| write_error(&self.root.path().join(name), source))?;
        }
        self.mark(&Description { is_complete: true, ..description })
    }

    /// Writes a text at the top of the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), DatasetError> {
        self.root
            .write_whole(name, text.as_bytes())
            .map_err(|source| write_error(&self.root.path().join(name), source))
    }

    fn mark(&self, description: &Description) -> Result<(), DatasetError> {
        self.write(MARKER, &description.render())
    }

    /// What has become something else than a file is no longer ours.
    fn remove(&self, name: &str) -> io::Result<()> {
        let (folder, name) = match name.split_once('/') {
            Some((folder, name)) => (self.root.folder(folder)?, name),
            None => (self.root.clone(), name),
        };
        if folder.length(name)?.is_some() { folder.remove(name) } else { Ok(()) }
    }
}

fn write_error(path: &Path, source: io::Error) -> DatasetError {
    DatasetError::Write { path: path.to_owned(), source }
}
