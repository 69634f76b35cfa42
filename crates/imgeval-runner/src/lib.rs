//! Drives the stages of a run: work to do is the plan minus what the store holds, done by a bounded number of
//! threads, each result kept as it lands. Knows no suite, file format or detector; prints nothing, tells events.

#![forbid(unsafe_code)]

mod import;
mod observe;
mod plan;
mod progress;

pub use import::{CandidateFile, ImageFacts, ImportSettings, ImportSummary, import_files};
pub use observe::{ObserveSummary, Observer, observe_images};
pub use plan::{FileWork, plan_import};
pub use progress::Progress;
