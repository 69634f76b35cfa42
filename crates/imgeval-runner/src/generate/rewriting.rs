//! Has prompts rewritten by a model, once for each distinct prompt.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroUsize,
};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use imgeval_core::{Always, GeneratorDown, Outcome, Rewrite, Rewriter, Usd, WorkKey};
use imgeval_store::{CallBegun, CallPurpose, Charge, GenerationBatch, RewriteRecord, RunWriter};
use tokio::sync::watch;

use super::{
    GenerateError, RewriteEvent, RewriteSummary, StopSignal, Stopped,
    budget::{Admission, Budget, compute_charge},
    call::now_ms,
};

/// A prompt that is to be rewritten.
struct Job {
    work_key: WorkKey,
    prompt: String,
    estimate: Option<Usd>,
}

type Ended = (Job, Result<Rewrite, GeneratorDown>);

/// Rewrites the prompts that the run does not hold rewritten already. A prompt whose rewriting failed is tried again
/// the next time. `max_cost` is the most that the run may ever have spent.
///
/// Dropping the future abandons the calls under way, as [`StopSignal::Now`] does.
///
/// # Errors
/// As [`super::generate_images`].
pub async fn rewrite_prompts(
    run: &mut RunWriter,
    prompts: &[String],
    rewriter: &dyn Rewriter,
    concurrency: NonZeroUsize,
    max_cost: Option<Usd>,
    mut stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(RewriteEvent),
) -> Result<RewriteSummary, GenerateError> {
    run.begin_paid_work()?;
    let interrupted = run.settle_interrupted_calls()?;
    if interrupted > 0 {
        on_event(RewriteEvent::Interrupted { calls: interrupted });
    }
    let mut summary = RewriteSummary::default();
    let mut budget = Budget::new(max_cost, &run.spend()?);
    let mut queue = plan_rewrites(&run.rewrites()?, prompts, rewriter, &mut summary.rewritten);
    let done = summary.rewritten.len();
    on_event(RewriteEvent::Planned { calls: queue.len(), done, spent: budget.spent() });
    if budget.has_limit() && queue.iter().any(|job| job.estimate.is_none()) {
        return Err(GenerateError::PriceUnknown { what: rewriter.meta().model.clone() });
    }

    let mut calls = FuturesUnordered::new();
    let mut can_signal = true;
    let mut failure: Option<GenerateError> = None;
    loop {
        match *stop.borrow_and_update() {
            StopSignal::GoOn => {}
            StopSignal::FinishCalls => summary.stopped = summary.stopped.or(Some(Stopped::Interrupted)),
            StopSignal::Now => {
                summary.stopped = Some(Stopped::Interrupted);
                break;
            }
        }
        let mut admitted = Vec::new();
        while summary.stopped.is_none()
            && failure.is_none()
            && calls.len() + admitted.len() < concurrency.get()
            && let Some(job) = queue.front()
        {
            match budget.admit(job.estimate) {
                Admission::Go => admitted.extend(queue.pop_front()),
                Admission::Wait => break,
                Admission::Exhausted { needed, left } => {
                    summary.stopped = Some(Stopped::Budget { needed, left });
                }
                Admission::PriceUnknown => {
                    failure = Some(GenerateError::PriceUnknown { what: rewriter.meta().model.clone() });
                }
            }
        }
        if !admitted.is_empty() {
            let begun = admitted.iter().map(note_begin).collect();
            match run.record_generation(&GenerationBatch { begun, ..GenerationBatch::default() }) {
                Ok(()) => calls.extend(admitted.into_iter().map(|job| async move {
                    let rewrite = rewriter.rewrite(&job.prompt, &Always).await;
                    (job, rewrite)
                })),
                Err(error) => failure = Some(error.into()),
            }
        }
        if calls.is_empty() {
            break;
        }
        let mut ended: Vec<Ended> = Vec::new();
        tokio::select! {
            Some(first) = calls.next() => ended.push(first),
            changed = stop.changed(), if can_signal => can_signal = changed.is_ok(),
        }
        while let Some(Some(next)) = calls.next().now_or_never() {
            ended.push(next);
        }
        if ended.is_empty() {
            continue;
        }
        // After a failure the others are still waited for and recorded as far as possible.
        let landed = land(run, ended, &mut budget, &mut summary, on_event);
        failure = failure.or(landed.err());
    }
    if let Some(error) = failure {
        return Err(error);
    }
    summary.spend = run.spend()?;
    Ok(summary)
}

/// The prompts that are left to rewrite; those that were are put into `rewritten`.
fn plan_rewrites(
    stored: &BTreeMap<WorkKey, String>,
    prompts: &[String],
    rewriter: &dyn Rewriter,
    rewritten: &mut BTreeMap<String, String>,
) -> VecDeque<Job> {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::new();
    for prompt in prompts.iter().filter(|prompt| seen.insert(*prompt)) {
        let work_key = WorkKey::rewriting(rewriter.meta(), prompt);
        if let Some(text) = stored.get(&work_key) {
            rewritten.insert(prompt.clone(), text.clone());
        } else {
            let estimate = rewriter.estimate(prompt).map(|cost| cost.amount);
            queue.push_back(Job { work_key, prompt: prompt.clone(), estimate });
        }
    }
    queue
}

fn note_begin(job: &Job) -> CallBegun {
    CallBegun {
        work_key: job.work_key.clone(),
        purpose: CallPurpose::Rewrite,
        prompt: job.prompt.clone(),
        seed: None,
        began_ms: now_ms(),
        estimate: job.estimate,
    }
}

/// Records calls that have ended, in one transaction, and tells of them.
fn land(
    run: &mut RunWriter,
    ended: Vec<Ended>,
    budget: &mut Budget,
    summary: &mut RewriteSummary,
    on_event: &mut dyn FnMut(RewriteEvent),
) -> Result<(), GenerateError> {
    let mut batch = GenerationBatch::default();
    for (job, result) in ended {
        match result {
            Ok(rewrite) => {
                let Rewrite { outcome, usage, cost, raw, tries, lost_tries, down: _ } = rewrite;
                let has_result = outcome.done().is_some();
                let charge = compute_charge(job.estimate, cost, has_result, tries, lost_tries);
                budget.settle(job.estimate, &charge);
                let Job { work_key, prompt, .. } = job;
                batch.rewrites.push(RewriteRecord { work_key, prompt, outcome, usage, charge, raw });
            }
            Err(down) => {
                budget.settle(job.estimate, &Charge::default());
                batch.withdrawn.push(job.work_key);
                summary.stopped = Some(Stopped::Down(down));
            }
        }
    }
    run.record_generation(&batch)?;
    for RewriteRecord { prompt, outcome, .. } in batch.rewrites {
        let failure = match outcome {
            Outcome::Done(text) => {
                summary.rewritten.insert(prompt.clone(), text);
                None
            }
            Outcome::Failed(failure) => {
                summary.failed.insert(prompt.clone(), failure.clone());
                Some(failure)
            }
        };
        on_event(RewriteEvent::Landed { prompt, failure, spent: budget.spent() });
    }
    Ok(())
}
