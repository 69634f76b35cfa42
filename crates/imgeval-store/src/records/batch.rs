//! Calls as they begin and end, recorded together.

use imgeval_core::{ImageRecord, SampleId, Usd, WorkKey};

use crate::{AttemptRecord, JudgedItem, JudgmentRecord, RewriteRecord};

/// A call that is about to begin. It stays on record until its end is recorded, so that a call whose process was
/// killed is known to have been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBegun {
    pub work_key: WorkKey,
    pub purpose: CallPurpose,
    /// As sent.
    pub prompt: String,
    pub seed: Option<u64>,
    /// Milliseconds since 1970.
    pub began_ms: i64,
    /// What it is thought to cost at most; `None` if no price is known.
    pub estimate: Option<Usd>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallPurpose {
    Image(SampleId),
    /// A prompt is rewritten.
    Rewrite,
    /// An image is judged.
    Judgment(JudgedItem),
}

/// What is recorded in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenerationBatch {
    pub begun: Vec<CallBegun>,
    /// Calls under way that are sent again after a try was lost, which may have been billed: so much more may be.
    pub sent_again: Vec<(WorkKey, Usd)>,
    /// Each makes or replaces its sample, unless that is done, and ends its call.
    pub attempts: Vec<AttemptRecord>,
    /// Calls that ended without an answer that would say anything about their sample, and were not billed.
    pub withdrawn: Vec<WorkKey>,
    /// Samples that were failures with a stored image, which now is accepted.
    pub accepted: Vec<(SampleId, ImageRecord)>,
    /// Each ends its call.
    pub rewrites: Vec<RewriteRecord>,
    /// Each ends its call.
    pub judgments: Vec<JudgmentRecord>,
}
