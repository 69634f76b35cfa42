//! What was measured before.

use std::path::Path;

use imgeval_core::{ContentHash, json::from_json_slice};
use imgeval_files::OwnFolder;

use crate::{MeasuredSession, RoundsError};

/// The name of a folder of measured sessions below a page's.
pub const MEASURES: &str = "measures";

const MAX_BYTES: u64 = 16 << 20;

/// Keeps measured sessions in files that are named after everything that the numbers depend on, so that a session is measured once
/// however often the work is stopped and begun anew.
#[derive(Debug, Default)]
pub struct MeasureStore {
    folder: Option<OwnFolder>,
}

impl MeasureStore {
    /// Below this folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn at(path: &Path) -> Result<Self, RoundsError> {
        let folder = OwnFolder::make(path);
        let folder = folder.map_err(|source| RoundsError::Keep { path: path.to_owned(), source })?;
        folder.sweep();
        Ok(Self { folder: Some(folder) })
    }

    /// A file that cannot be understood counts as none.
    pub(crate) fn read(&self, key: &ContentHash) -> Option<MeasuredSession> {
        let bytes = self.folder.as_ref()?.read(name_of(key), MAX_BYTES).ok()?;
        from_json_slice(&bytes).ok()
    }

    pub(crate) fn keep(&self, key: &ContentHash, session: &MeasuredSession) -> Result<(), RoundsError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |source| RoundsError::Keep { path: folder.path().to_owned(), source };
        let json = serde_json::to_vec(session).map_err(|error| failed(error.into()))?;
        folder.write_unsynced(name_of(key), &json).map_err(failed)
    }
}

fn name_of(key: &ContentHash) -> String {
    format!("{}.json", key.as_str())
}
