//! Finished calls to providers of images and to rewriters, and the samples that they made.

use imgeval_core::{Failure, ImageRecord, ImageRef, Outcome, SampleId, Usage, WorkKey};

use crate::{Charge, KeptReply};

/// A finished call for an image.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRecord {
    pub id: SampleId,
    pub work_key: WorkKey,
    /// Milliseconds since 1970.
    pub began_ms: i64,
    pub duration_ms: i64,
    /// As sent.
    pub prompt: String,
    pub seed: Option<u64>,
    pub outcome: Outcome<ImageRecord>,
    /// The stored image of a failed outcome, such as one of the wrong size.
    pub kept_image: Option<ImageRef>,
    pub usage: Usage,
    pub charge: Charge,
    /// The prompt that the provider reports to have used instead.
    pub revised_prompt: Option<String>,
    /// State from which a further round continues.
    pub state: Option<String>,
    /// The reply's text without its images, at most [`crate::MAX_RAW_BYTES`] of it.
    pub raw: String,
    /// The whole reply, unless its image is stored and it held no other.
    pub kept: Option<KeptReply>,
    /// Set for an attempt that only re-reads the stored reply to this one.
    pub reread_of: Option<i64>,
}

/// A failed attempt at a sample without an image: its reply may be read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct UnusedReply {
    pub attempt_id: i64,
    pub id: SampleId,
    pub work_key: WorkKey,
    /// As sent.
    pub prompt: String,
    pub seed: Option<u64>,
    /// As recorded, or as re-read since.
    pub failure: Failure,
    /// Whether a cost is on record for it, known or possible.
    pub is_charged: bool,
    /// The stored image, if it has one.
    pub kept_image: Option<ImageRef>,
    /// Whether the sample's outcome comes from this attempt.
    pub is_last: bool,
}

/// What a run holds of a sample that it asked a provider for.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedSample {
    pub outcome: Outcome<ImageRecord>,
    /// The stored image of a failed outcome.
    pub kept_image: Option<ImageRef>,
    /// State from which a further round continues.
    pub state: Option<String>,
    /// As sent.
    pub prompt: String,
    pub work_key: WorkKey,
}

/// A finished call that should have rewritten a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct RewriteRecord {
    pub work_key: WorkKey,
    /// As it was before.
    pub prompt: String,
    /// The new prompt, or the reason why there is none.
    pub outcome: Outcome<String>,
    pub usage: Usage,
    pub charge: Charge,
    pub raw: String,
}
