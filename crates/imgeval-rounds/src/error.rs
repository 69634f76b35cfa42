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
    #[error("`{}` contains no session: neither a run with several rounds nor a session.json", path.display())]
    NoSession { path: PathBuf },
    #[error("could not read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is not a list of rounds: {detail}", path.display())]
    Session { path: PathBuf, detail: String },
    /// A file is there and does not say what it should.
    #[error("cannot use `{}`: {detail}", path.display())]
    Input { path: PathBuf, detail: String },
    #[error("the session `{key}` cannot name a case: only letters, digits, `-`, `_` and `.` are allowed")]
    NoCaseId { key: String },
    #[error("two sessions would be written as `{name}`")]
    TwiceThere { name: String },
    #[error(transparent)]
    Benchmark(#[from] imgeval_suites::rounds::RoundsError),
    #[error("could not write to `{}`", path.display())]
    Keep { path: PathBuf, source: io::Error },
}
