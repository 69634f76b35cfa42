//! Generated samples: calls to providers as they begin and end, and what they cost.

use std::collections::BTreeMap;

use imgeval_core::{Cost, Failure, ImageRecord, ImageRef, Outcome, SampleId, Usage, Usd, WorkKey};

use crate::{JudgedItem, JudgmentRecord, KeptReply, RunReader, RunWriter, StoreError};

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

/// What a call is held to have cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charge {
    /// As told by the provider, or computed from what it told.
    pub cost: Option<Cost>,
    /// What may have been billed besides: tries whose answer was lost, answers that did not tell.
    pub possible: Usd,
    /// Something may have been billed of which not even an estimate is known.
    pub is_unpriced: bool,
    /// How often the request was sent.
    pub tries: u32,
    /// How many of these got no answer though they may have been billed.
    pub lost_tries: u32,
}

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
    /// The prompt that the provider says it used instead.
    pub revised_prompt: Option<String>,
    /// What a further round goes on from.
    pub state: Option<String>,
    /// The reply's text without its images, at most [`crate::MAX_RAW_BYTES`] of it.
    pub raw: String,
    /// The whole reply, unless its image is stored and it held no other.
    pub kept: Option<KeptReply>,
    /// Of an attempt that only read the kept reply to this one anew.
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
    /// As it was told, or read anew since.
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
    /// What a further round goes on from.
    pub state: Option<String>,
    /// As sent.
    pub prompt: String,
    pub work_key: WorkKey,
}

/// Everything that a run has ever spent, rewriting and judging included. Calls under way count as lost tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    /// Told or computed from what was told.
    pub known: Usd,
    /// What may have been billed besides.
    pub possible: Usd,
    pub calls: u64,
    /// Calls that may have cost something of which not even an estimate is known.
    pub unpriced_calls: u64,
    pub tries: u64,
    pub lost_tries: u64,
}

impl Spend {
    /// The most that may have been billed, as far as prices are known.
    #[must_use]
    pub fn total(&self) -> Usd {
        self.known + self.possible
    }

    /// Whether calls were made that may have cost something, and nothing is known of how much.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.unpriced_calls > 0 && self.total() == Usd::ZERO
    }

    /// Counts one more call.
    pub fn add(&mut self, charge: &Charge) {
        self.add_calls(&Self {
            known: charge.cost.as_ref().map_or(Usd::ZERO, |cost| cost.amount),
            possible: charge.possible,
            calls: u64::from(charge.tries > 0),
            unpriced_calls: u64::from(charge.is_unpriced),
            tries: u64::from(charge.tries),
            lost_tries: u64::from(charge.lost_tries),
        });
    }

    /// Counts further calls.
    pub fn add_calls(&mut self, other: &Self) {
        self.known += other.known;
        self.possible += other.possible;
        self.calls = self.calls.saturating_add(other.calls);
        self.unpriced_calls = self.unpriced_calls.saturating_add(other.unpriced_calls);
        self.tries = self.tries.saturating_add(other.tries);
        self.lost_tries = self.lost_tries.saturating_add(other.lost_tries);
    }
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

/// A finished call that should have rewritten a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct RewriteRecord {
    pub work_key: WorkKey,
    /// As it was before.
    pub prompt: String,
    /// The new prompt, or why there is none.
    pub outcome: Outcome<String>,
    pub usage: Usage,
    pub charge: Charge,
    pub raw: String,
}

impl RunWriter {
    /// From here on a commit is on the disk before it returns, so that not even a power cut loses what was paid for.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn begin_paid_work(&mut self) -> Result<(), StoreError> {
        self.database.begin_paid_work()
    }

    /// The samples that providers were asked for.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn generated_samples(&self) -> Result<BTreeMap<SampleId, GeneratedSample>, StoreError> {
        self.database.generated_samples()
    }

    /// Records all of the batch or nothing. A sample that is done stays; one that failed is replaced.
    ///
    /// # Errors
    /// If the database cannot be written, or a call begins that is under way.
    pub fn record_generation(&mut self, batch: &GenerationBatch) -> Result<(), StoreError> {
        self.database.record_generation(batch)
    }

    /// Turns the calls whose process ended before they did into attempts with outcome `interrupted`; says how many.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn settle_interrupted_calls(&mut self) -> Result<usize, StoreError> {
        self.database.settle_interrupted_calls()
    }

    /// Failed attempts at samples that have no image, those at one sample together and the newest first.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn unused_replies(&self) -> Result<Vec<UnusedReply>, StoreError> {
        self.database.unused_replies()
    }

    /// The whole reply to an attempt, if it was kept, and its text without images.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn reply_of_attempt(&self, attempt_id: i64) -> Result<(Option<KeptReply>, String), StoreError> {
        self.database.reply_of_attempt(attempt_id)
    }

    /// # Errors
    /// If the database cannot be read.
    pub fn spend(&self) -> Result<Spend, StoreError> {
        self.database.spend()
    }

    /// The samples whose calls have told their cost, each with the highest.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn image_costs(&self) -> Result<Vec<(SampleId, Usd)>, StoreError> {
        self.database.image_costs()
    }

    /// The prompts whose rewriting has told its cost, each with the mean of its calls.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn rewrite_costs(&self) -> Result<Vec<(String, Usd)>, StoreError> {
        self.database.rewrite_costs()
    }

    /// The highest cost that a call of this judge has told.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn dearest_judgment(&self, judge_id: &str) -> Result<Option<Usd>, StoreError> {
        self.database.dearest_judgment(judge_id)
    }

    /// The last answers to requests to rewrite a prompt, by their work.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn rewrites(&self) -> Result<BTreeMap<WorkKey, Outcome<String>>, StoreError> {
        self.database.rewrites()
    }
}

impl RunReader {
    /// The samples that providers were asked for.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn generated_samples(&self) -> Result<BTreeMap<SampleId, GeneratedSample>, StoreError> {
        self.database.generated_samples()
    }

    /// # Errors
    /// If the database cannot be read.
    pub fn spend(&self) -> Result<Spend, StoreError> {
        self.database.spend()
    }

    /// The last answers to requests to rewrite a prompt, by their work.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn rewrites(&self) -> Result<BTreeMap<WorkKey, Outcome<String>>, StoreError> {
        self.database.rewrites()
    }

    /// Visits every finished call for an image, one at a time, in the order of recording.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_attempt(&self, visit: impl FnMut(AttemptRecord)) -> Result<(), StoreError> {
        self.database.for_each_attempt(visit)
    }
}
