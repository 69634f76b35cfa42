//! Why a run cannot be scored. What a user can do about it is said by whoever shows the error.

use imgeval_core::SampleId;
use imgeval_store::StoreError;
use imgeval_suites::files::SuiteError;

#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error("the run is of `{suite}`, a suite that this version does not know")]
    UnknownSuite { suite: String },
    /// The judge's protocol in the run is damaged or of a later version.
    #[error("a protocol in the run cannot be read: {detail}")]
    Protocol { detail: String },
    /// An image that belongs to no case of the run's suite.
    #[error("sample {sample} belongs to no prompt of the suite")]
    UnknownCase { sample: SampleId },
    #[error("no {} `{asked}` has {} this run", kind.noun(), kind.verb())]
    NoSuchEvaluator { kind: EvaluatorKind, asked: String, known: Vec<String> },
    #[error("several {}s have {} this run", kind.noun(), kind.verb())]
    SeveralEvaluators { kind: EvaluatorKind, known: Vec<String> },
    /// The run is not of a suite that judges score.
    #[error("the run is of `{suite}`, which no judge scores")]
    NotJudged { suite: String },
    /// The run is not of a suite that a detector scores.
    #[error("the run is of `{suite}`, which no detector scores")]
    NotDetected { suite: String },
    #[error("no field `{name}` in the protocols of these runs")]
    UnknownField { name: String, known: Vec<String> },
}

/// Who looks at images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluatorKind {
    Detector,
    Judge,
}

impl EvaluatorKind {
    fn noun(self) -> &'static str {
        match self {
            Self::Detector => "observer",
            Self::Judge => "judge",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Detector => "looked at",
            Self::Judge => "judged",
        }
    }
}
