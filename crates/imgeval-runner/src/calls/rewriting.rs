//! Has prompts rewritten by a model, once for each distinct prompt.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use imgeval_core::{FailureKind, Outcome, Rewriter, TextAnswer, Usd, WholeReply, WorkKey};
use imgeval_store::{CallBegun, CallPurpose, Charge, RewriteRecord, RunWriter};
use tokio::sync::watch;

use super::{
    Broken, CallError, RewriteEvent, RewriteSettings, RewriteSummary, StopSignal, Stopped,
    budget::{Budget, Reserved, SharedBudget, compute_charge, lock},
    permit::{Brake, CallPermit, Halt, Halting, Unanswered, was_sent},
    plan::failure_stands,
    replies::choose_reply,
    writer::{Entry, PAUSE, WriterHandle, commit_queued},
};

/// A prompt that is to be rewritten.
struct Job {
    work_key: WorkKey,
    prompt: String,
    estimate: Option<Usd>,
}

/// An answer on record.
struct Landed {
    outcome: Outcome<String>,
    charge: Charge,
    has_result: bool,
    halt: Option<Halt>,
}

/// Rewrites the prompts that the run does not hold rewritten already, and to which no refusal stands.
///
/// Dropping the future abandons the calls under way, as [`StopSignal::Now`] does.
///
/// # Errors
/// As [`super::generate_images`].
pub async fn rewrite_prompts(
    run: &mut RunWriter,
    prompts: &[String],
    rewriter: &dyn Rewriter,
    settings: RewriteSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(RewriteEvent),
) -> Result<RewriteSummary, Box<Broken<RewriteSummary>>> {
    let mut summary = RewriteSummary::default();
    match rewrite(run, prompts, rewriter, settings, stop, on_event, &mut summary).await {
        Ok(stopped) => Ok(RewriteSummary { stopped, ..summary }),
        Err(error) => Err(Box::new(Broken { error, summary })),
    }
}

/// Whether a prompt with this answer on record is not asked for again; faults are, answers only if `retry` names them.
#[must_use]
pub fn rewrite_stands(answer: Option<&Outcome<String>>, retry: &BTreeSet<FailureKind>) -> bool {
    match answer {
        None => false,
        Some(Outcome::Done(_)) => true,
        Some(Outcome::Failed(failure)) => failure_stands(failure.kind, retry),
    }
}

async fn rewrite(
    run: &mut RunWriter,
    prompts: &[String],
    rewriter: &dyn Rewriter,
    settings: RewriteSettings<'_>,
    mut stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(RewriteEvent),
    summary: &mut RewriteSummary,
) -> Result<Option<Stopped>, CallError> {
    run.begin_paid_work()?;
    let interrupted = run.settle_interrupted_calls()?;
    if interrupted > 0 {
        on_event(RewriteEvent::Interrupted { calls: interrupted });
    }
    summary.spend = run.spend()?;
    let mut budget = Budget::new(settings.max_cost, summary.spend);
    let mut queue = plan_rewrites(run.rewrites()?, prompts, rewriter, settings.retry, summary);
    let done = summary.rewritten.len() + summary.failed.len();
    on_event(RewriteEvent::Planned { calls: queue.len(), done, spent: budget.spend() });
    let model = &rewriter.meta().model;
    if budget.has_limit() && queue.iter().any(|job| job.estimate.is_none()) {
        return Err(CallError::PriceUnknown { what: model.clone() });
    }
    if budget.has_limit() {
        for (prompt, cost) in run.rewrite_costs()? {
            if let Some(estimate) = rewriter.estimate(&prompt) {
                budget.remember(estimate.amount, cost);
            }
        }
    }
    let mut waiting: Usd = queue.iter().filter_map(|job| job.estimate).sum();

    let budget = Arc::new(Mutex::new(budget));
    let (mut halting, brake) = Halting::new(stop.clone());
    // This task writes: the calls run within it, and their entries are few.
    let (writer, mut inbox) = WriterHandle::new(settings.concurrency.get().clamp(64, 4096));
    let mut calls = FuturesUnordered::new();
    let mut can_signal = true;
    let mut failure = None;
    loop {
        if *stop.borrow_and_update() != StopSignal::GoOn {
            halting.halt(Halt::Stopped(Stopped::Interrupted));
        }
        while !halting.is_halted()
            && calls.len() < settings.concurrency.get()
            && let Some(job) = queue.front()
            && let behind = waiting - job.estimate.unwrap_or_default()
            && halting.admit(&budget, job.estimate, behind, model)
            && let Some(job) = queue.pop_front()
        {
            waiting = behind;
            calls.push(call(rewriter, job, &budget, &brake, &writer));
        }
        if calls.is_empty() {
            break;
        }
        tokio::select! {
            Some(message) = inbox.recv() => {
                let written = commit_queued(message, &mut inbox, |batch| run.record_generation(batch), PAUSE);
                // The others are still waited for and recorded as far as possible.
                failure = failure.or(written.err());
            }
            Some((job, reserved, end)) = calls.next() => match end {
                Ok(landed) => {
                    lock(&budget).settle(reserved, &landed.charge, landed.has_result);
                    land(job.prompt, landed, &budget, &mut halting, summary, on_event);
                }
                Err(Unanswered::NotSent(halt) | Unanswered::Lost(halt)) => {
                    lock(&budget).settle(reserved, &Charge::default(), false);
                    halting.halt(halt);
                }
            },
            changed = stop.changed(), if can_signal => can_signal = changed.is_ok(),
        }
    }
    match run.spend() {
        Ok(spend) => summary.spend = spend,
        Err(error) => failure = failure.or(Some(error)),
    }
    halting.into_result(failure)
}

/// The prompts that are left to rewrite; the answers that stand are put into the summary.
fn plan_rewrites(
    mut stored: BTreeMap<WorkKey, Outcome<String>>,
    prompts: &[String],
    rewriter: &dyn Rewriter,
    retry: &BTreeSet<FailureKind>,
    summary: &mut RewriteSummary,
) -> VecDeque<Job> {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::new();
    for prompt in prompts.iter().filter(|prompt| seen.insert(*prompt)) {
        let work_key = WorkKey::rewriting(rewriter.meta(), prompt);
        match stored.remove(&work_key).filter(|answer| rewrite_stands(Some(answer), retry)) {
            Some(Outcome::Done(text)) => drop(summary.rewritten.insert(prompt.clone(), text)),
            Some(Outcome::Failed(failure)) => drop(summary.failed.insert(prompt.clone(), failure)),
            None => {
                let estimate = rewriter.estimate(prompt).map(|cost| cost.amount);
                queue.push_back(Job { work_key, prompt: prompt.clone(), estimate });
            }
        }
    }
    queue
}

/// Makes a call whose estimate is reserved.
async fn call(
    rewriter: &dyn Rewriter,
    job: Job,
    budget: &SharedBudget,
    brake: &Brake,
    writer: &WriterHandle,
) -> (Job, Reserved, Result<Landed, Unanswered>) {
    let begun = CallBegun {
        work_key: job.work_key.clone(),
        purpose: CallPurpose::Rewrite,
        prompt: job.prompt.clone(),
        seed: None,
        began_ms: 0,
        estimate: job.estimate,
    };
    let permit = CallPermit::new(brake, budget, writer, begun);
    let end = ask(rewriter, &job, &permit, writer).await;
    (job, permit.reserved(), end)
}

async fn ask(
    rewriter: &dyn Rewriter,
    job: &Job,
    permit: &CallPermit<'_>,
    writer: &WriterHandle,
) -> Result<Landed, Unanswered> {
    let asking = rewriter.rewrite(&job.prompt, permit);
    let answer = permit.wait_for(asking, |answer| was_sent(&answer.outcome, answer.tries)).await?;
    let TextAnswer { outcome, usage, cost, raw, whole, unused, wasted, tries, lost_tries, down } = answer;
    let has_result = outcome.done().is_some();
    let charge = compute_charge(job.estimate, cost, wasted, has_result, tries, lost_tries);
    // A row holds one text: the whole one where no prompt was taken from it.
    let whole = whole.filter(|_| !has_result);
    let raw =
        choose_reply(has_result, whole, unused.filter(|_| !has_result)).map_or(raw, WholeReply::into_text);
    let record = RewriteRecord {
        work_key: job.work_key.clone(),
        prompt: job.prompt.clone(),
        outcome: outcome.clone(),
        usage,
        charge: charge.clone(),
        raw,
    };
    writer.record(Entry::Rewrite(Box::new(record))).await?;
    let halt = down.map(|down| Halt::Stopped(Stopped::Down(down))).or_else(|| permit.halt());
    Ok(Landed { outcome, charge, has_result, halt })
}

/// Tells of a call that is on record.
fn land(
    prompt: String,
    landed: Landed,
    budget: &SharedBudget,
    halting: &mut Halting,
    summary: &mut RewriteSummary,
    on_event: &mut dyn FnMut(RewriteEvent),
) {
    if let Some(halt) = landed.halt {
        halting.halt(halt);
    }
    let failure = match landed.outcome {
        Outcome::Done(text) => {
            summary.rewritten.insert(prompt.clone(), text);
            None
        }
        Outcome::Failed(failure) => {
            summary.failed.insert(prompt.clone(), failure.clone());
            Some(failure)
        }
    };
    on_event(RewriteEvent::Landed { prompt, failure, spent: lock(budget).spend() });
}
