//! The run directory: everything that was asked, made and seen, in a folder that can be moved and opened years later.
//!
//! ```text
//! <run>/
//!   run.toml               what was asked: suite, its parameters and how images are generated; format and tool version,
//!                          and the label, if there is one
//!   cases.jsonl            what is asked, a case a line: id, tag, rounds with their images, facts for scoring; not of
//!                          GenEval, whose prompts follow from its parameters
//!   run.db                 SQLite (WAL, STRICT): samples, extra files, observers, evidence (by detector), colors
//!                          (by detector and color namer); calls under way, attempts with their cost
//!                          and replies that could not be used, rewrites;
//!                          judges with their protocols, judgments word for word, measurements
//!   run.lock               names the process that is writing
//!   images/ab/abcdef….png  every image by SHA-256, original bytes
//! ```
//!
//! One process writes at a time; any number may read. A result is committed as it lands, so a kill costs at most
//! what was in flight.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod database;
mod error;
mod format;
mod images;
mod kept_reply;
mod label;
mod listing;
mod lock;
mod manifest;
mod merge;
mod reader;
mod records;
mod writer;

pub use database::{ObservedSample, ObserverKey, SeenImage, StoredImage};
pub use error::StoreError;
pub use format::{ListedCase, ListedRound, Measurement};
pub use images::{Images, MAX_IMAGE_BYTES};
pub use kept_reply::{KeptReply, MAX_RAW_BYTES};
pub use label::{Label, LabelError, MAX_LABEL_CHARS};
pub use listing::CaseListing;
pub use manifest::Manifest;
pub use merge::MergeSummary;
pub use reader::RunReader;
pub use records::{
    AttemptRecord, CallBegun, CallPurpose, Charge, ExtraFile, FileStamp, GeneratedSample, GenerationBatch,
    ImportedSample, JudgedItem, JudgedRole, JudgmentRecord, KnownFile, MeasurementRecord, RecordedSample,
    RewriteRecord, Spend, StoredJudge, StoredJudgment, UnusedJudgment, UnusedReply,
};
pub use writer::RunWriter;
