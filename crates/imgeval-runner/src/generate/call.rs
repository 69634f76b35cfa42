//! One call, from the note that it begins to its end on record.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use imgeval_core::{
    Always, Answer, Failure, FailureKind, Generator, GeneratorDown, ImageRecord, ImageRequest, Outcome,
    SampleId, SizeRequest, Usd,
};
use imgeval_store::{AttemptRecord, CallBegun, CallPurpose, Charge, StoreError};
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
};

use super::{
    Decode, GenerateError, StopSignal, StoredInput,
    answer::{Checked, look_again, take_image},
    budget::compute_charge,
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
    pub(super) stop: watch::Receiver<StopSignal>,
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum CallEnd {
    /// On record.
    Landed { outcome: Outcome<ImageRecord>, prompt: String, state: Option<String>, charge: Charge },
    /// It was time to stop before anything was sent.
    NotSent,
    /// The generator cannot work at all.
    Down(GeneratorDown),
    /// It stays on record as under way.
    Abandoned,
    /// The store failed, `None`: as the writer tells; what is known of the call stays on record as under way.
    NotRecorded(Option<GenerateError>),
}

impl From<NotWritten> for CallEnd {
    fn from(_: NotWritten) -> Self {
        Self::NotRecorded(None)
    }
}

impl Caller {
    /// Reads what the request needs from the store.
    pub(super) async fn prepare(&self, plan: RequestPlan) -> Result<ImageRequest, GenerateError> {
        if plan.is_text_only() {
            return Ok(plan.load(&self.directory)?);
        }
        let directory = self.directory.clone();
        in_background(move || plan.load(&directory)).await
    }

    /// Makes a call whose estimate is reserved.
    pub(super) async fn call(&self, request: &ImageRequest, estimate: Option<Usd>) -> CallEnd {
        self.try_call(request, estimate).await.unwrap_or_else(|end| end)
    }

    async fn try_call(&self, request: &ImageRequest, estimate: Option<Usd>) -> Result<CallEnd, CallEnd> {
        let work_key = request.work_key(self.generator.meta());
        let began_ms = now_ms();
        let begun = CallBegun {
            work_key: work_key.clone(),
            purpose: CallPurpose::Image(request.id.clone()),
            prompt: request.prompt.clone(),
            seed: request.seed,
            began_ms,
            estimate,
        };
        self.writer.record(Entry::Begun(begun)).await?;
        if *self.stop.borrow() == StopSignal::Now {
            self.writer.record(Entry::Withdrawn(work_key)).await?;
            return Ok(CallEnd::NotSent);
        }
        let clock = Instant::now();
        let answer = tokio::select! {
            // An answer that is there is taken.
            biased;
            answer = self.generator.generate(request, &Always) => answer,
            () = must_abandon(self.stop.clone()) => return Ok(CallEnd::Abandoned),
        };
        // From here on nothing interrupts: the answer may have been paid for.
        let duration_ms = i64::try_from(clock.elapsed().as_millis()).unwrap_or(i64::MAX);
        let answer = match answer {
            Ok(answer) => answer,
            Err(down) => {
                self.writer.record(Entry::Withdrawn(work_key)).await?;
                return Ok(CallEnd::Down(down));
            }
        };
        let Answer { outcome, usage, cost, revised_prompt, state, raw, tries, lost_tries, down: _ } = answer;
        let charge = compute_charge(estimate, cost, outcome.done().is_some(), tries, lost_tries);
        let Checked { outcome, kept_image } = match outcome {
            Outcome::Done(bytes) => {
                self.check(bytes).await.map_err(|error| CallEnd::NotRecorded(Some(error)))?
            }
            Outcome::Failed(failure) => Checked::failed(failure),
        };
        let attempt = AttemptRecord {
            id: request.id.clone(),
            work_key,
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
        };
        self.writer.record(Entry::Attempt(Box::new(attempt))).await?;
        Ok(CallEnd::Landed { outcome, prompt: request.prompt.clone(), state, charge })
    }

    async fn check(&self, bytes: Vec<u8>) -> Result<Checked, GenerateError> {
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
        image: StoredInput,
    ) -> Result<Outcome<ImageRecord>, CallEnd> {
        let (directory, decode, wanted) = (self.directory.clone(), self.decode.clone(), self.wanted);
        let _permit = self.decoding.acquire().await;
        let outcome = in_background(move || look_again(&directory, &decode, wanted, &image))
            .await
            .map_err(|error| CallEnd::NotRecorded(Some(error)))?;
        if let Outcome::Done(record) = &outcome {
            self.writer.record(Entry::Accepted(id.clone(), record.clone())).await?;
        }
        Ok(outcome)
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, GenerateError> {
    let ended = spawn_blocking(work).await;
    let broke = |error: tokio::task::JoinError| GenerateError::Broke { detail: error.to_string() };
    Ok(ended.map_err(broke)??)
}

/// Returns when the calls under way are to be abandoned, else never.
pub(super) async fn must_abandon(mut stop: watch::Receiver<StopSignal>) {
    if stop.wait_for(|signal| *signal == StopSignal::Now).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
