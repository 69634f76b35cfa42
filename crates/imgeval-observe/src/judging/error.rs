//! Why nothing can be judged.

use std::path::PathBuf;

use imgeval_core::sentence_of;
use imgeval_files::TextError;
use imgeval_scoring::ScoringError;
use imgeval_store::StoreError;
use imgeval_suites::{files::SuiteError, judged::ProtocolFileError};

/// Why a judge cannot be asked about a run.
#[derive(Debug, thiserror::Error)]
pub enum JudgingError {
    #[error(transparent)]
    Run(#[from] ScoringError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the anchors `{}` are of the suite {found}, not {wanted}", anchors.display())]
    OtherAnchors { anchors: PathBuf, found: String, wanted: &'static str },
    #[error("`{judge}` has not judged the anchors `{}`", anchors.display())]
    UnjudgedAnchors { anchors: PathBuf, judge: String },
}

/// Why a protocol cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableProtocol {
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error(transparent)]
    Unreadable(#[from] TextError),
    #[error("`{}` is not a valid protocol: {}", path.display(), sentence_of(error))]
    NotOne { path: PathBuf, error: ProtocolFileError },
    #[error("the protocol {protocol} is for {of}, and the run's suite is {suite}")]
    OtherSuite { protocol: String, of: String, suite: &'static str },
    #[error("{suite} is scored by a detector, not by a judge")]
    NoJudge { suite: &'static str },
}
