//! Who looks at images, and what each of them needs.
//!
//! - [`load_observer`] loads a detector with something that names colors, by name or from weights of the user's own.
//! - [`EditMeter`] measures an edited image against its source, [`measure_edits`] all edits of a run.
//! - [`load_reader`] loads a reader of text, [`measure_image_text`] compares what it reads with what was asked for.
//! - [`measures`] measures the images of a run for its checks, [`pictures`] draws where they are weak.
//! - [`Rewards`] gives rewards for training.
//! - [`load_protocols`] says which protocol a judge works by, [`make_question`] binds it to a case and its images, and
//!   [`JudgeQuestions`] are all of a run, in the order in which they are asked.

#![forbid(unsafe_code)]

mod detectors;
mod edits;
mod error;
mod forensics;
mod judging;
pub mod measures;
mod models;
pub mod pictures;
mod question;
mod rewarder;
mod stage;
mod texts;

pub use detectors::{
    DetectorName, DetectorSettings, LoadedObserver, check_weights, load_detector, load_eyes, load_observer,
};
pub use edits::{
    EditMeter, EditMeterError, EditMeterFacts, EditMetrics, EditWeights, MaskError, MaskThreshold,
    MeasureError, MeasureSummary, MissingMetric, SIDE, Scaled, mask_of, measure_edits,
};
pub use error::ObserverError;
pub use forensics::{AskedForensics, LoadedForensics, load_forensics};
pub use judging::{
    JudgeQuestions, JudgingError, UnusableProtocol, check_fits, load_protocols, named_protocol,
    read_protocol, sketch_question, title_of,
};
pub use models::{Model, given_or_pulled, sha256_of_weights};
pub use pictures::trace_image;
pub use question::{load_image, make_question};
pub use rewarder::{
    ClipReward, DetectorRewarder, ForensicsReward, JudgedImage, RewardError, RewardImage, Rewards,
    ScoreReward, TextReward,
};
pub use stage::StageEvent;
pub use texts::{TextMeasurement, TextUnmeasured, load_reader, measure_image_text};
