//! A fetched suite on this machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Component, Path, PathBuf},
};

use imgeval_core::ContentHash;
use serde::{Deserialize, Serialize};

use super::{
    bundle::{MAX_FILE_BYTES, read_file},
    error::FetchError,
    source::{RemoteFile, Source},
};

/// The name of the record in the suite's folder.
pub(super) const RECORD_FILE: &str = "fetched.toml";
/// The only format of the record so far.
pub(super) const RECORD_VERSION: u32 = 1;

/// `fetched.toml`: what was fetched, by its path in the suite's repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRecord {
    pub format_version: u32,
    /// Of the repository, where it is known.
    pub commit: String,
    /// SHA-256 by path.
    pub files: BTreeMap<String, String>,
    /// Scripts of another version than the pinned one, which the user asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub other_scripts: BTreeSet<String>,
}

/// The folder of one suite with pinned files.
#[derive(Debug, Clone)]
pub struct SuiteFolder<'a> {
    path: PathBuf,
    source: Source<'a>,
}

impl<'a> SuiteFolder<'a> {
    #[must_use]
    pub fn new(path: PathBuf, source: Source<'a>) -> Self {
        Self { path, source }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// Where scripts of another version than the pinned one lie, each named by its SHA-256.
    pub(super) fn other_scripts(&self) -> PathBuf {
        self.path.join("other-scripts")
    }

    /// What was fetched; `None` if nothing was.
    ///
    /// # Errors
    /// If the record cannot be read, is damaged or of a newer version.
    pub fn record(&self) -> Result<Option<FetchRecord>, FetchError> {
        let path = self.path.join(RECORD_FILE);
        let text = match imgeval_files::read_text(&path, MAX_FILE_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FetchError::Read { name: path.display().to_string(), source }),
        };
        let record: FetchRecord = match toml::from_str(&text) {
            Ok(record) => record,
            Err(error) => {
                return Err(FetchError::DamagedRecord { path, detail: error.message().to_owned() });
            }
        };
        if record.format_version != RECORD_VERSION {
            return Err(FetchError::NewerRecord { path });
        }
        Ok(Some(record))
    }

    /// The bytes of a file, held against its checksum: the pinned one, or that of the other version that was fetched.
    ///
    /// # Errors
    /// If it was not fetched, cannot be read, or is not the one that was fetched.
    pub fn read(&self, file: &RemoteFile<'_>) -> Result<Vec<u8>, FetchError> {
        let record = self.record()?.unwrap_or_default();
        let Some(fetched) = record.files.get(file.path) else {
            return Err(FetchError::NotHere {
                id: self.source.id.to_owned(),
                title: self.source.title.to_owned(),
                path: file.path.to_owned(),
                is_script: file.is_script,
            });
        };
        let (path, expected) = match record.other_scripts.contains(file.path) {
            true => (self.other_scripts().join(fetched), fetched.as_str()),
            false => (self.place_of(file)?, file.sha256),
        };
        let bytes = read_file(&path, file.max_bytes)?;
        let found = ContentHash::of(&bytes);
        if found.as_str() != expected {
            return Err(self.changed(file, &path.display().to_string(), found.as_str(), expected));
        }
        Ok(bytes)
    }

    /// Where a pinned file lies, which is below the suite's folder.
    pub(super) fn place_of(&self, file: &RemoteFile<'_>) -> Result<PathBuf, FetchError> {
        let relative = Path::new(file.path);
        match relative.components().all(|part| matches!(part, Component::Normal(_))) {
            true => Ok(self.path.join(relative)),
            false => Err(FetchError::UnsafePath { path: file.path.to_owned() }),
        }
    }

    pub(super) fn changed(
        &self,
        file: &RemoteFile<'_>,
        name: &str,
        found: &str,
        expected: &str,
    ) -> FetchError {
        FetchError::Changed {
            name: name.to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            is_script: file.is_script,
            version: self.source.version(),
        }
    }
}
