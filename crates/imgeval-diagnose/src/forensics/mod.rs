//! Can a generator's images be told from real ones, and does the answer survive when both classes have the same codec and size?
//!
//! Evaluating is a pure model: it reads no file and runs no detector. The flow:
//!
//!     images with classes, clusters and file facts + scores of detectors under treatments -> study -> report
//!
//! - `input`: what goes in. An image is scored as it was delivered, matched (both classes through one codec and size), and after
//!   each [`SweepStep`]; a [`Condition`] says which treatment each class is under, so that a sweep over fakes only costs no further
//!   score.
//! - `sweep`: the degradations.
//! - `files`: what differs between the files of the classes, and how far each fact alone tells them apart.
//! - `fuse`, `agreement`: fused scores, which are our own, and where detectors differ.
//! - `verdict`, `say`: rules over the numbers, and the sentences.
//! - `gather`, `scoring`, `store`: the images of a study, detectors over them, and scores on disk.
//! - `answers`: what vision-language models answer.
//! - `own`: a detector trained on the study's images, for users without any weights.

mod agreement;
mod answers;
mod charts;
mod conditions;
mod files;
mod folds;
mod fuse;
mod gather;
mod input;
mod numbers;
mod own;
mod report;
mod say;
mod scoring;
mod store;
mod study;
mod sweep;
mod tables;
#[cfg(test)]
mod tests;
mod verdict;

pub use answers::{QUESTION, ReadAnswer, read_answer};
pub use charts::{ChartPoint, ChartSeries, StudyChart, study_charts};
pub use conditions::{AppliedTo, Condition};
pub use files::matched_plan;
pub use gather::{Gathered, ImageSet, gather};
pub use input::{
    Class, DetectorScores, Origin, ScoreOutcome, StudyError, StudyImage, StudySettings, Treatment,
};
pub use numbers::{BinRecord, ConfusionRecord, CutRecord, Metrics, Number};
pub use own::{OwnDetector, OwnRequest, OwnTreatment, train_own};
pub use report::{
    ConditionRecord, DetectorRecord, DisputedImage, FactRecord, FailureCount, FilesRecord, Histogram,
    PairRecord, SetRecord, StudyReport, VerdictRecord, WrongImage,
};
pub use scoring::{ScoringRequest, StudyDetector, StudyFile, score_images};
pub use store::{ImageScores, SCORES, ScoreStore, ScoreStoreError, Scored};
pub use study::study;
pub use sweep::{DegradeError, SWEEP, SweepStep};
pub use tables::{StudyTable, study_tables};
pub use verdict::{DetectorEvidence, Evidence, SeparatingFact, Separation, Verdict, judge_study};
