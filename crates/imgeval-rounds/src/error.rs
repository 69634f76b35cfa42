//! Why sessions cannot be read or kept.

use std::{io, path::PathBuf};

use imgeval_scoring::ScoringError;
use imgeval_store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum RoundsError {
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("`{}` holds no session: neither a run with several rounds nor a session.json", path.display())]
    NoSession { path: PathBuf },
    #[error("could not read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is no list of rounds: {detail}", path.display())]
    Session { path: PathBuf, detail: String },
    #[error("could not keep measures in `{}`", path.display())]
    Keep { path: PathBuf, source: io::Error },
}
