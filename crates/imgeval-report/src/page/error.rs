//! What can go wrong with a page.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error("`{path}` is not empty and holds no report of imgeval; choose another folder")]
    Foreign { path: PathBuf },
    #[error("the report in `{path}` has layout {found}, this version knows {known}; choose another folder")]
    Layout { path: PathBuf, found: u64, known: u64 },
    #[error("could not write `{path}`")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not read `{path}`")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "a page in one file would be larger than {limit_mb} MB with these {n_images} pictures; write it as a folder, or \
         of fewer runs"
    )]
    TooLarge { limit_mb: u64, n_images: usize },
    #[error("the data of the page could not be written as JSON")]
    Json(#[from] serde_json::Error),
}
