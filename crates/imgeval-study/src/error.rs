//! Why a study cannot be used.

use std::{io, path::PathBuf};

use imgeval_files::TextError;

/// Why a study's file or folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    #[error(transparent)]
    Read(#[from] TextError),
    /// The file is not TOML of the documented form.
    #[error("`{}` is not a study: {detail}", path.display())]
    Malformed { path: PathBuf, detail: String },
    #[error("could not use the study's folder `{}`", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the record of finished steps `{}` cannot be used: {detail}; remove it to run every step again", path.display())]
    Ledger { path: PathBuf, detail: String },
    #[error("another process runs the study in `{}`", path.display())]
    Busy { path: PathBuf },
}
