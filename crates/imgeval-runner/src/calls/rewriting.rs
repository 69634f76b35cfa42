//! Rewritten prompts: one call for each distinct prompt.

use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    sync::Arc,
};

use imgeval_core::{FailureKind, Outcome, Rewriter, TextAnswer, Usd, WholeReply, WorkKey};
use imgeval_store::{CallBegun, CallPurpose, RewriteRecord, RunWriter};
use tokio::sync::watch;

use super::{
    Broken, CallError, CallEvent, CallSummary, RewriteSettings, RewriteSummary, StopSignal, Stopped,
    budget::{Budget, SharedBudget, compute_charge},
    coordinator::{Limits, carry_out},
    permit::{CallPermit, Halt, Unanswered, was_sent},
    plan::failure_stands,
    replies::choose_reply,
    work::{Answered, Landing, Line, Plan, Preparation, Work},
    writer::Entry,
};

/// Rewrites the prompts that have neither been rewritten nor refused; returns the run.
///
/// Dropping the future abandons the calls in progress, as [`StopSignal::Now`] does.
///
/// # Errors
/// As [`super::generate_images`].
pub async fn rewrite_prompts(
    run: RunWriter,
    prompts: &[String],
    rewriter: Arc<dyn Rewriter>,
    settings: RewriteSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(CallEvent<String>),
) -> Result<(RunWriter, RewriteSummary), Box<Broken<RewriteSummary>>> {
    let mut calls = CallSummary::default();
    let limits = Limits { concurrency: settings.concurrency, max_cost: settings.max_cost };
    let mut work = Rewriting {
        prompts,
        retry: settings.retry,
        rewriter,
        waiting: Usd::ZERO,
        summary: RewriteSummary::default(),
    };
    let ended = carry_out(run, &mut work, limits, stop, on_event, &mut calls).await;
    let summary = RewriteSummary { calls, ..work.summary };
    match ended {
        Ok(run) => Ok((run, summary)),
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

/// A prompt that is to be rewritten.
struct Job {
    work_key: WorkKey,
    prompt: String,
    estimate: Option<Usd>,
}

struct Rewriting<'a> {
    prompts: &'a [String],
    retry: &'a BTreeSet<FailureKind>,
    rewriter: Arc<dyn Rewriter>,
    /// What all calls may cost that have not begun.
    waiting: Usd,
    /// The prompts; its calls are counted elsewhere.
    summary: RewriteSummary,
}

impl Work for Rewriting<'_> {
    type Job = Job;
    /// The prompt is the request.
    type Request = ();
    type Free = Infallible;
    type Answer = Outcome<String>;
    type Item = String;
    type Caller = Arc<dyn Rewriter>;

    fn plan(&mut self, run: &RunWriter, calls: &mut CallSummary) -> Result<Plan<Job>, CallError> {
        let mut stored = run.rewrites()?;
        let mut seen = BTreeSet::new();
        let mut queue = VecDeque::new();
        for prompt in self.prompts.iter().filter(|prompt| seen.insert(*prompt)) {
            let work_key = WorkKey::rewriting(self.rewriter.meta(), prompt);
            match stored.remove(&work_key).filter(|answer| rewrite_stands(Some(answer), self.retry)) {
                Some(Outcome::Done(text)) => {
                    calls.done_before += 1;
                    self.summary.rewritten.insert(prompt.clone(), text);
                }
                Some(Outcome::Failed(failure)) => {
                    *calls.failed_before.entry(failure.kind).or_default() += 1;
                    self.summary.failed.insert(prompt.clone(), failure);
                }
                None => {
                    let estimate = self.rewriter.estimate(prompt).map(|cost| cost.amount);
                    queue.push_back(Job { work_key, prompt: prompt.clone(), estimate });
                }
            }
        }
        let done = self.summary.rewritten.len() + self.summary.failed.len();
        Ok(Plan { calls: queue.len(), queue, done })
    }

    fn price(
        &mut self,
        run: &RunWriter,
        queue: &VecDeque<Job>,
        budget: &mut Budget,
    ) -> Result<(), CallError> {
        if budget.has_limit() && queue.iter().any(|job| job.estimate.is_none()) {
            return Err(CallError::PriceUnknown { what: self.model().to_owned() });
        }
        if budget.has_limit() {
            for (prompt, cost) in run.rewrite_costs()? {
                if let Some(estimate) = self.rewriter.estimate(&prompt) {
                    budget.remember(estimate.amount, cost);
                }
            }
        }
        self.waiting = queue.iter().filter_map(|job| job.estimate).sum();
        Ok(())
    }

    fn n_left(_job: &Job) -> usize {
        1
    }

    fn prepare(&mut self, _job: &Job, _line: &Line) -> Option<Preparation<(), Infallible>> {
        Some(Preparation::Ready(()))
    }

    fn estimate(&self, job: &Job, (): &()) -> Option<Usd> {
        job.estimate
    }

    fn behind(&mut self, estimate: Option<Usd>, _budget: &SharedBudget) -> Usd {
        self.waiting - estimate.unwrap_or_default()
    }

    fn note_begun(&mut self, behind: Usd) {
        self.waiting = behind;
    }

    fn begun(&self, job: &Job, (): &(), estimate: Option<Usd>) -> CallBegun {
        CallBegun {
            work_key: job.work_key.clone(),
            purpose: CallPurpose::Rewrite,
            prompt: job.prompt.clone(),
            seed: None,
            began_ms: 0,
            estimate,
        }
    }

    fn caller(&self) -> &Arc<dyn Rewriter> {
        &self.rewriter
    }

    fn model(&self) -> &str {
        &self.rewriter.meta().model
    }

    async fn ask(
        rewriter: &Arc<dyn Rewriter>,
        job: &Job,
        (): &(),
        permit: &CallPermit<'_>,
    ) -> Result<Answered<Outcome<String>>, Unanswered> {
        let asking = rewriter.rewrite(&job.prompt, permit);
        let answer = permit.wait_for(asking, |answer| was_sent(&answer.outcome, answer.tries)).await?;
        let TextAnswer { outcome, usage, cost, raw, whole, unused, wasted, tries, lost_tries, down } = answer;
        let has_result = outcome.done().is_some();
        let charge = compute_charge(job.estimate, cost, wasted, has_result, tries, lost_tries);
        // A row holds one text: the whole one where no prompt was taken from it.
        let whole = whole.filter(|_| !has_result);
        let unused = unused.filter(|_| !has_result);
        let raw = choose_reply(has_result, whole, unused).map_or(raw, WholeReply::into_text);
        let record = RewriteRecord {
            work_key: job.work_key.clone(),
            prompt: job.prompt.clone(),
            outcome: outcome.clone(),
            usage,
            charge: charge.clone(),
            raw,
        };
        permit.record(Entry::Rewrite(Box::new(record))).await?;
        let halt = down.map(|down| Halt::Stopped(Stopped::Down(down))).or_else(|| permit.halt());
        Ok(Answered { answer: outcome, charge, has_result, halt })
    }

    fn land(&mut self, job: Job, outcome: Outcome<String>, _calls: &mut CallSummary) -> Landing<Self> {
        let item = job.prompt;
        match outcome {
            Outcome::Done(text) => {
                self.summary.rewritten.insert(item.clone(), text);
                Landing::Made { item, job: None }
            }
            Outcome::Failed(failure) => {
                self.summary.failed.insert(item.clone(), failure.clone());
                Landing::Failed { item, failure }
            }
        }
    }

    fn land_free(&mut self, _job: Job, free: Infallible, _calls: &mut CallSummary) -> Landing<Self> {
        match free {}
    }
}
