//! What happens during a download, and what can go wrong.

use std::{io, path::PathBuf};

/// What happens during a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadEvent {
    /// A file is being fetched from this address, from byte `resumed_at` on.
    Fetching { file: String, from: String, bytes: Option<u64>, resumed_at: u64 },
    /// So many bytes of the file are here.
    Progress { file: String, bytes: u64, total: Option<u64> },
    /// The download broke off and goes on after a pause.
    Retrying { file: String, reason: String },
}

/// Why a file could not be downloaded. Addresses are those that were asked first: what they redirect to may carry
/// signatures.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("could not set up the HTTP client: {reason}")]
    Setup { reason: String },
    #[error("`{url}` does not exist (404)")]
    NotFound { url: String },
    #[error("`{url}` requires access ({status}), and no token was given")]
    TokenNeeded { url: String, status: u16 },
    #[error("`{url}` does not accept this token ({status})")]
    Denied { url: String, status: u16 },
    #[error("`{url}` answered with status {status}")]
    Status { url: String, status: u16 },
    #[error("could not download `{url}` after {tries} tries: {reason}")]
    GaveUp { url: String, tries: u32, reason: String },
    #[error("could not request `{url}`: {reason}")]
    Request { url: String, reason: String },
    #[error("`{url}` answered without {what}")]
    BadAnswer { url: String, what: &'static str },
    #[error("`{url}` has {found} bytes instead of {expected}")]
    Length { url: String, expected: u64, found: u64 },
    #[error("`{url}` has more than {limit} bytes")]
    TooLong { url: String, limit: u64 },
    #[error("not enough disk space for `{}`: {needed} bytes needed, {free} free", path.display())]
    NoSpace { path: PathBuf, needed: u64, free: u64 },
    #[error("the disk is full, so `{}` could not be finished", path.display())]
    DiskFull { path: PathBuf },
    #[error("another process is downloading `{}`", path.display())]
    Busy { path: PathBuf },
    #[error("could not write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// How one try ended without success.
pub(super) enum Failure {
    Final(DownloadError),
    /// It may work later.
    Passing {
        reason: String,
        has_progress: bool,
    },
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::Final(error)
    }
}
