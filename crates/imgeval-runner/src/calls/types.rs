//! Requests to the stages that cost money, and their reports.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    num::NonZeroUsize,
    sync::Arc,
};

use imgeval_core::{
    CaseId, Failure, FailureKind, ImageParameters, ImageRef, ProviderDown, RoundContext, SampleId, Usd,
};
use imgeval_store::{Spend, StoreError};

use super::Shortage;
use crate::ImageFacts;

/// A case as it is put to a generator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationCase {
    pub id: CaseId,
    /// At least one; a further round continues from the previous answer.
    pub rounds: Vec<RoundInput>,
}

/// What the user says in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundInput {
    /// As it will be sent.
    pub prompt: String,
    pub images: Vec<ImageRef>,
    pub mask: Option<ImageRef>,
}

/// Decodes an image's bytes; must be safe on any input.
pub type Decode = Arc<dyn Fn(&[u8]) -> Result<ImageFacts, Failure> + Send + Sync>;

/// How images are generated.
#[derive(Clone)]
pub struct GenerateSettings<'a> {
    /// Images of each case.
    pub samples: u32,
    pub parameters: ImageParameters,
    pub system: Option<String>,
    /// Sample `k` gets this seed plus `k`.
    pub seed: Option<u64>,
    /// Maximum concurrent conversations.
    pub concurrency: NonZeroUsize,
    /// The most that the run may ever have spent, what was possibly billed included.
    pub max_cost: Option<Usd>,
    /// Kinds of [`FailureKind::ANSWERS`] to ask for again.
    pub retry: &'a BTreeSet<FailureKind>,
    /// Images of another size than the one asked for are taken, stored ones without a call.
    pub any_size: bool,
    /// What a further round sees of the earlier ones.
    pub context: RoundContext,
    pub decode: Decode,
}

/// How the user wants a stage to end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    GoOn,
    /// Begin nothing, wait for the calls under way and record them.
    FinishCalls,
    /// Abandon the calls under way; they stay on record as possibly billed.
    Now,
}

/// What happens while paid work is done, in order. `T` names what a call was about.
#[derive(Debug, Clone, PartialEq)]
pub enum CallEvent<T> {
    /// So many calls of an earlier process never came back; what they may have cost is counted as possibly billed.
    Interrupted { calls: usize },
    /// So many calls will be made, and `done` of what is wanted is there: images; judgments and rewritten prompts with
    /// those whose failure stands.
    Planned { calls: usize, done: usize, spent: Spend },
    /// What was stored already, an image, was accepted without a call.
    Accepted { item: T },
    /// A call has ended and is on record, or could not be prepared; `spent` is what the run has cost so far. A question
    /// whose answer cannot be read is told of once, with its last answer.
    Landed { item: T, failure: Option<Failure>, spent: Spend },
}

/// How paid work ended. Everything wanted is counted once: done before, made, accepted, failed now or before,
/// abandoned, waiting or not started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSummary {
    pub done_before: usize,
    /// Images, readable judgments or rewritten prompts.
    pub made: usize,
    /// Calls that ended without a usable result.
    pub failed: BTreeMap<FailureKind, usize>,
    /// The same, from before, and not asked for again.
    pub failed_before: BTreeMap<FailureKind, usize>,
    /// Rounds after a failed one.
    pub waiting: usize,
    pub not_started: usize,
    /// Calls that were under way when everything had to stop, or could not be recorded.
    pub abandoned: usize,
    /// Stored images that were failures before.
    pub accepted_from_store: usize,
    /// Of the whole run, ever.
    pub spend: Spend,
    /// Why not everything was asked for.
    pub stopped: Option<Stopped>,
}

/// Why a stage ended before its work was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The limit on the cost.
    Budget(Shortage),
    Interrupted,
    Down(ProviderDown),
}

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the price of {what} is unknown, so a cost limit cannot be enforced")]
    PriceUnknown { what: String },
    #[error(
        "{n} images of the run were generated from other prompts or inputs, such as {}",
        list_ids(examples)
    )]
    Outdated {
        n: usize,
        /// The first few.
        examples: Vec<SampleId>,
    },
    #[error("could not start the thread that writes to the run")]
    Thread(#[source] io::Error),
    #[error("an internal task failed while calls were in progress: {detail}")]
    Broke { detail: String },
}

fn list_ids(ids: &[SampleId]) -> String {
    ids.iter().map(SampleId::to_string).collect::<Vec<_>>().join(", ")
}

/// A stage that ended by an error, with what it did before.
#[derive(Debug)]
pub struct Broken<S> {
    pub error: CallError,
    /// Counted as if the stage had been stopped; the spend as far as it could be read.
    pub summary: S,
}

/// How prompts are rewritten.
#[derive(Debug, Clone, Copy)]
pub struct RewriteSettings<'a> {
    /// Calls under way at the same time.
    pub concurrency: NonZeroUsize,
    /// The most that the run may ever have spent, what was possibly billed included.
    pub max_cost: Option<Usd>,
    /// Kinds of [`FailureKind::ANSWERS`] to ask for again.
    pub retry: &'a BTreeSet<FailureKind>,
}

/// How rewriting ended. A prompt in neither map was not asked for; `calls.stopped` says why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RewriteSummary {
    /// New prompts by old ones.
    pub rewritten: BTreeMap<String, String>,
    /// Now, or before and not asked for again.
    pub failed: BTreeMap<String, Failure>,
    pub calls: CallSummary,
}
