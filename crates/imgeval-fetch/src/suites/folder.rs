//! A fetched suite on this machine.

use std::path::{Component, Path, PathBuf};

use super::{
    error::FetchError,
    source::{RemoteFile, Source},
};

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

    /// Path of a pinned file in the suite's folder.
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
