//! The records of a run, as seen by its readers and writers.

mod batch;
mod charge;
mod generated;
mod imported;
mod judged;
mod measured;

pub use batch::{CallBegun, CallPurpose, GenerationBatch};
pub use charge::{Charge, Spend};
pub use generated::{AttemptRecord, GeneratedSample, RewriteRecord, UnusedReply};
pub use imported::{ExtraFile, FileStamp, ImportedSample, KnownFile, RecordedSample};
pub use judged::{JudgedItem, JudgedRole, JudgmentRecord, StoredJudge, StoredJudgment, UnusedJudgment};
pub use measured::MeasurementRecord;
