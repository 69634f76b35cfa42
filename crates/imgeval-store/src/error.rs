//! What can go wrong with a run directory.

use std::{
    io,
    path::{Path, PathBuf},
};

use imgeval_core::CaseId;
use imgeval_files::Unsuitable;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("could not {action} `{path}`")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not use the database `{path}`")]
    Database {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the disk is full, so `{path}` could not be written")]
    DiskFull { path: PathBuf },
    #[error("`{path}` is not a run directory: it has no run.toml")]
    NotARun { path: PathBuf },
    #[error("nothing has been imported or generated into this run: `{path}` does not exist")]
    Empty { path: PathBuf },
    #[error("`{path}` is a file, not a folder for a run")]
    NotAFolder { path: PathBuf },
    #[error("`{path}` is not empty and contains no run")]
    Occupied { path: PathBuf },
    #[error("`{path}` is being written by {holder}")]
    Locked { path: PathBuf, holder: String },
    #[error("`{path}` was written in format {found}; this version reads format {supported} and older")]
    TooNew { path: PathBuf, found: i64, supported: i64 },
    #[error(
        "`{path}` was written in format {found}, which this version can only read; it writes format {writable}"
    )]
    TooOld { path: PathBuf, found: i64, writable: i64 },
    #[error("cannot use `{path}`: {found}")]
    Unsuitable { path: PathBuf, found: Unsuitable },
    #[error("`{path}` is not an imgeval database: it contains {found}")]
    ForeignDatabase { path: PathBuf, found: String },
    #[error("`{path}` is damaged: {detail}")]
    Damaged { path: PathBuf, detail: String },
    #[error("`{path}`, line {line}: {detail}")]
    DamagedLine { path: PathBuf, line: usize, detail: String },
    #[error("the case `{id}` has changed since the run began")]
    CaseChanged { id: CaseId },
    #[error("the run `{path}` is not finished: a call was interrupted, or an older version made it")]
    Unfinished { path: PathBuf },
    #[error("the run `{path}` was not scored by the same detectors and judges as the other runs: {who}")]
    OtherEvaluators { path: PathBuf, who: String },
    #[error("the run `{path}` contradicts the other runs: it has another {what}")]
    Conflict { path: PathBuf, what: String },
    #[error("the run `{path}` was made with {field} = {existing}, not {asked}")]
    Mismatch { path: PathBuf, field: String, existing: String, asked: String },
}

impl StoreError {
    /// Wraps an I/O error, telling a full disk apart.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { action, path, source },
        }
    }

    /// Wraps a database error, telling a full disk and a damaged file apart.
    pub(crate) fn database(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, detail: source.to_string() }
            }
            Some(rusqlite::ErrorCode::OperationInterrupted) => {
                let detail = "a query takes far longer than its size explains".to_owned();
                Self::Damaged { path, detail }
            }
            _ => Self::Database { path, source },
        }
    }
}
