//! Why files of a multi-round benchmark cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
};

use imgeval_files::Unsuitable;

use crate::parquet_table::TableError;

/// No table or list of sessions is longer.
pub const MAX_TABLE_BYTES: u64 = 256 << 20;

/// Why sessions or outputs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RoundsError {
    #[error("could not read `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is too large for a table of sessions", path.display())]
    TooLong { path: PathBuf },
    /// The file is there and does not say what it should.
    #[error("`{name}`: {detail}")]
    Malformed { name: String, detail: String },
    /// A name that would lead out of its folder, or is none.
    #[error("`{name}`: {what} `{value}` is not a plain name")]
    UnsafeName { name: String, what: &'static str, value: String },
    #[error("session `{id}` is incomplete: `{missing}` does not exist")]
    Incomplete { id: String, missing: String },
}

impl From<TableError> for RoundsError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Io { path, source } => io_error(&path, source),
            TableError::Malformed { name, detail } => Self::Malformed { name, detail },
        }
    }
}

impl RoundsError {
    pub(crate) fn malformed(name: &str, detail: impl Into<String>) -> Self {
        Self::Malformed { name: name.to_owned(), detail: detail.into() }
    }
}

/// The text of a table.
pub(crate) fn read_table(path: &Path) -> Result<String, RoundsError> {
    imgeval_files::read_text(path, MAX_TABLE_BYTES).map_err(|source| io_error(path, source))
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> RoundsError {
    let path = path.to_owned();
    match Unsuitable::of(&source) {
        Some(Unsuitable::TooLong { .. }) => RoundsError::TooLong { path },
        _ => RoundsError::Io { path, source },
    }
}

/// The name of a file for messages: its last part.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A name that a table gives, as one part of a path: no separators, no drive, not `.` or `..`, nothing invisible.
///
/// # Errors
/// If it could lead out of its folder.
pub(crate) fn plain_name<'a>(file: &str, what: &'static str, value: &'a str) -> Result<&'a str, RoundsError> {
    let is_plain = !value.is_empty()
        && value.len() <= 255
        && !value.starts_with('.')
        && !value.contains(['/', '\\', ':'])
        && !value.chars().any(char::is_control);
    match is_plain {
        true => Ok(value),
        false => Err(RoundsError::UnsafeName {
            name: file.to_owned(),
            what,
            value: value.escape_debug().to_string(),
        }),
    }
}
