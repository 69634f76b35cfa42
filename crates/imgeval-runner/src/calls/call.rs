//! One call for an image, from its inputs to its end on record.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use imgeval_core::{
    Answer, Failure, FailureKind, Generator, ImageRecord, ImageRef, ImageRequest, Outcome, SampleId,
    SizeRequest, sentence_of,
};
use imgeval_store::{AttemptRecord, StoreError};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    CallError, Decode, Stopped,
    answer::{Checked, look_again, take_image},
    budget::compute_charge,
    permit::{CallPermit, Halt, Unanswered, was_sent},
    replies::{choose_reply, keep},
    talk::RequestPlan,
    work::Answered,
    writer::{Entry, NotWritten, WriterHandle},
};

/// What every call needs.
#[derive(Clone)]
pub(super) struct Caller {
    directory: PathBuf,
    pub(super) generator: Arc<dyn Generator>,
    decode: Decode,
    /// The size that images must have.
    wanted: Option<SizeRequest>,
    /// So many images are decoded at once.
    decoding: Arc<Semaphore>,
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct ImageAnswer {
    pub(super) outcome: Outcome<ImageRecord>,
    /// As sent.
    pub(super) prompt: String,
    pub(super) state: Option<String>,
}

impl From<NotWritten> for Unanswered {
    fn from(_: NotWritten) -> Self {
        Self::Lost(Halt::Error(None))
    }
}

impl Caller {
    pub(super) fn new(
        directory: &Path,
        generator: Arc<dyn Generator>,
        decode: Decode,
        wanted: Option<SizeRequest>,
    ) -> Self {
        let n_threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let decoding = Arc::new(Semaphore::new(n_threads));
        Self { directory: directory.to_owned(), generator, decode, wanted, decoding }
    }

    /// Reads what the request needs from the store.
    pub(super) async fn prepare(&self, plan: RequestPlan) -> Result<ImageRequest, Unanswered> {
        let loaded = if plan.is_text_only() {
            plan.load(&self.directory).map_err(CallError::from)
        } else {
            let directory = self.directory.clone();
            in_background(move || plan.load(&directory)).await
        };
        loaded.map_err(|error| Unanswered::NotSent(Halt::Error(Some(error))))
    }

    /// Makes a call whose estimate is reserved.
    pub(super) async fn ask(
        &self,
        request: &ImageRequest,
        permit: &CallPermit<'_>,
    ) -> Result<Answered<ImageAnswer>, Unanswered> {
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
                    let detail = format!("the image could not be saved: {}", sentence_of(&error));
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
        permit.record(Entry::Attempt(Box::new(attempt))).await?;
        let answer = ImageAnswer { outcome, prompt: request.prompt.clone(), state };
        Ok(Answered { answer, charge, has_result, halt })
    }

    async fn check(&self, bytes: Vec<u8>) -> Result<Checked, CallError> {
        let (directory, decode, wanted) = (self.directory.clone(), self.decode.clone(), self.wanted);
        // Never closed, so there always is a permit to come.
        let _permit = self.decoding.acquire().await;
        match spawn_blocking(move || take_image(&directory, &decode, wanted, &bytes)).await {
            Ok(checked) => Ok(checked?),
            // Neither the answer nor its cost shall be lost because a decoder panicked.
            Err(error) => {
                let detail = format!("reading the image ended unexpectedly: {error}");
                Ok(Checked::failed(Failure { kind: FailureKind::NotAnImage, detail }))
            }
        }
    }

    /// Accepts a stored image that failed before, if it passes now.
    pub(super) async fn reuse(
        &self,
        id: &SampleId,
        image: ImageRef,
        writer: &WriterHandle,
    ) -> Result<Outcome<ImageRecord>, Unanswered> {
        let (directory, decode, wanted) = (self.directory.clone(), self.decode.clone(), self.wanted);
        let _permit = self.decoding.acquire().await;
        let outcome = in_background(move || look_again(&directory, &decode, wanted, &image))
            .await
            .map_err(|error| Unanswered::Lost(Halt::Error(Some(error))))?;
        if let Outcome::Done(record) = &outcome {
            writer.record(Entry::Accepted(id.clone(), record.clone())).await?;
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
