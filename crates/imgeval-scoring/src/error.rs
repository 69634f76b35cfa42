//! Why a run cannot be scored. Advice is added by the program that shows the error.

use imgeval_core::SampleId;
use imgeval_store::StoreError;
use imgeval_suites::files::SuiteError;

#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error("the run belongs to `{suite}`, a suite unknown to this version")]
    UnknownSuite { suite: String },
    /// The judge's protocol in the run is damaged or of a later version.
    #[error("could not read a protocol in the run: {detail}")]
    Protocol { detail: String },
    /// An image that belongs to no case of the run's suite.
    #[error("sample {sample} does not belong to any prompt of the suite")]
    UnknownCase { sample: SampleId },
    #[error("no {} `{asked}` in this run", kind.noun())]
    NoSuchEvaluator { kind: EvaluatorKind, asked: String, known: Vec<String> },
    #[error("several {}s have scored this run", kind.noun())]
    SeveralEvaluators { kind: EvaluatorKind, known: Vec<String> },
    /// The run is not of a suite that judges score.
    #[error("no judge scores the suite `{suite}` of this run")]
    NotJudged { suite: String },
    /// The run is not of a suite that a detector scores.
    #[error("no detector scores the suite `{suite}` of this run")]
    NotDetected { suite: String },
    #[error("the protocols of these runs have no field `{name}`")]
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
            Self::Detector => "evaluator",
            Self::Judge => "judge",
        }
    }
}
