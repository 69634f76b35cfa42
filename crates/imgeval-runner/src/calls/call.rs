//! One call, from the permission to begin to its end on record.

use std::{path::PathBuf, sync::Arc};

use imgeval_core::{
    Answer, Failure, FailureKind, Generator, ImageRecord, ImageRef, ImageRequest, Outcome, SampleId,
    SizeRequest, Usd, sentence_of,
};
use imgeval_store::{AttemptRecord, CallBegun, CallPurpose, Charge, StoreError};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    CallError, Decode, Stopped,
    answer::{Checked, look_again, take_image},
    budget::{Reserved, SharedBudget, compute_charge},
    permit::{Brake, CallPermit, Halt, Unanswered, was_sent},
    replies::{choose_reply, keep},
    talk::RequestPlan,
    writer::{Entry, NotWritten, WriterHandle},
};

/// What every call needs.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) directory: PathBuf,
    pub(super) generator: Arc<dyn Generator>,
    pub(super) decode: Decode,
    /// The size that images must have.
    pub(super) wanted: Option<SizeRequest>,
    pub(super) writer: WriterHandle,
    /// So many images are decoded at once.
    pub(super) decoding: Arc<Semaphore>,
    pub(super) budget: SharedBudget,
    pub(super) brake: Brake,
}

/// An answer on record.
#[derive(Debug)]
pub(super) struct LandedCall {
    pub(super) outcome: Outcome<ImageRecord>,
    pub(super) prompt: String,
    pub(super) state: Option<String>,
    pub(super) charge: Charge,
    /// Whether the generator gave an image, usable or not.
    pub(super) has_result: bool,
    /// Why nothing more can be asked for all the same.
    pub(super) halt: Option<Halt>,
}

impl From<NotWritten> for Unanswered {
    fn from(_: NotWritten) -> Self {
        Self::Lost(Halt::Error(None))
    }
}

impl Caller {
    /// Reads what the request needs from the store.
    pub(super) async fn prepare(&self, plan: RequestPlan) -> Result<ImageRequest, CallError> {
        if plan.is_text_only() {
            return Ok(plan.load(&self.directory)?);
        }
        let directory = self.directory.clone();
        in_background(move || plan.load(&directory)).await
    }

    /// Makes a call whose estimate is reserved; says what of it is reserved in the end.
    pub(super) async fn call(
        &self,
        request: &ImageRequest,
        estimate: Option<Usd>,
    ) -> (Reserved, Result<LandedCall, Unanswered>) {
        let call = CallBegun {
            work_key: request.work_key(self.generator.meta()),
            purpose: CallPurpose::Image(request.id.clone()),
            prompt: request.prompt.clone(),
            seed: request.seed,
            began_ms: 0,
            estimate,
        };
        let permit = CallPermit::new(&self.brake, &self.budget, &self.writer, call);
        let end = self.ask(request, &permit).await;
        (permit.reserved(), end)
    }

    async fn ask(&self, request: &ImageRequest, permit: &CallPermit<'_>) -> Result<LandedCall, Unanswered> {
        let asking = self.generator.generate(request, permit);
        let answer = permit.wait_for(asking, |answer| was_sent(&answer.outcome, answer.tries)).await?;
        // From here on nothing interrupts: the answer may have been paid for.
        let (began_ms, duration_ms) = permit.times();
        let Answer { outcome, usage, cost, revised_prompt, state, raw, .. } = answer;
        let Answer { whole, unused, wasted, tries, lost_tries, down, .. } = answer;
        let has_result = outcome.done().is_some();
        let charge = compute_charge(permit.reserved().estimate, cost, wasted, has_result, tries, lost_tries);
        let mut halt = down.map(|down| Halt::Stopped(Stopped::Down(down))).or_else(|| permit.halt());
        let Checked { outcome, kept_image } = match outcome {
            Outcome::Done(bytes) => match self.check(bytes).await {
                Ok(checked) => checked,
                // What it cost is kept though the image is lost.
                Err(error) => {
                    let detail = format!("the image could not be kept: {}", sentence_of(&error));
                    halt = Some(Halt::Error(Some(error)));
                    Checked::failed(Failure { kind: FailureKind::NotAccessible, detail })
                }
            },
            Outcome::Failed(failure) => Checked::failed(failure),
        };
        // Only now that the image lies in the store, its reply may lose it.
        let is_stored = outcome.done().is_some() || kept_image.is_some();
        let kept = keep(choose_reply(is_stored, whole, unused)).await;
        let attempt = AttemptRecord {
            id: request.id.clone(),
            work_key: permit.work_key().clone(),
            began_ms,
            duration_ms,
            prompt: request.prompt.clone(),
            seed: request.seed,
            outcome: outcome.clone(),
            kept_image,
            usage,
            charge: charge.clone(),
            revised_prompt,
            state: state.clone(),
            raw,
            kept,
            reread_of: None,
        };
        self.writer.record(Entry::Attempt(Box::new(attempt))).await?;
        Ok(LandedCall { outcome, prompt: request.prompt.clone(), state, charge, has_result, halt })
    }

    async fn check(&self, bytes: Vec<u8>) -> Result<Checked, CallError> {
        let (directory, decode, wanted) = (self.directory.clone(), self.decode.clone(), self.wanted);
        // Never closed, so there always is a permit to come.
        let _permit = self.decoding.acquire().await;
        match spawn_blocking(move || take_image(&directory, &decode, wanted, &bytes)).await {
            Ok(checked) => Ok(checked?),
            // Neither the answer nor its cost shall be lost because a decoder panicked.
            Err(error) => {
                let detail = format!("reading the image broke down: {error}");
                Ok(Checked::failed(Failure { kind: FailureKind::NotAnImage, detail }))
            }
        }
    }

    /// Accepts a stored image that failed before, if it passes now.
    pub(super) async fn reuse(
        &self,
        id: &SampleId,
        image: ImageRef,
    ) -> Result<Outcome<ImageRecord>, Unanswered> {
        let (directory, decode, wanted) = (self.directory.clone(), self.decode.clone(), self.wanted);
        let _permit = self.decoding.acquire().await;
        let outcome = in_background(move || look_again(&directory, &decode, wanted, &image))
            .await
            .map_err(|error| Unanswered::Lost(Halt::Error(Some(error))))?;
        if let Outcome::Done(record) = &outcome {
            self.writer.record(Entry::Accepted(id.clone(), record.clone())).await?;
        }
        Ok(outcome)
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, CallError> {
    let ended = spawn_blocking(work).await;
    let broke = |error: tokio::task::JoinError| CallError::Broke { detail: error.to_string() };
    Ok(ended.map_err(broke)??)
}
