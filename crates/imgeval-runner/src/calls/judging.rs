//! Judgments: requested in the same way as images, but the answers are text. Answers are stored verbatim; a parser
//! decides whether they contain a score, and a question whose answer cannot be read is asked again a few times.

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc, thread};

use imgeval_core::{Failure, FailureKind, Judge, JudgeQuestion, Outcome, TextAnswer, Usd, is_steering};
use imgeval_store::{CallBegun, CallPurpose, JudgedItem, JudgmentRecord, RunWriter};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinError, spawn_blocking},
};

use super::{
    Broken, CallError, CallEvent, CallSummary, JudgeSettings, JudgeStep, MakeQuestion, StopSignal, Stopped,
    budget::{Budget, SharedBudget, compute_charge, lock},
    coordinator::{Limits, carry_out},
    judgment_plan::{judgment_histories, plan_judgment},
    permit::{CallPermit, Halt, Unanswered, was_sent},
    replies::{choose_reply, keep},
    work::{Answered, Landing, Line, Plan, Preparation, Prepared, Work},
    writer::Entry,
};

/// Asks the judge about the items without a readable answer; every answer is recorded before it is reported.
///
/// The run is closed when this returns. Dropping the future abandons the calls in progress, as [`StopSignal::Now`]
/// does.
///
/// # Errors
/// As [`super::generate_images`]. An image that cannot be judged is not an error.
pub async fn judge_images(
    run: RunWriter,
    items: Vec<JudgedItem>,
    judge: Arc<dyn Judge>,
    settings: JudgeSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(CallEvent<JudgedItem>),
) -> Result<CallSummary, Box<Broken<CallSummary>>> {
    let mut summary = CallSummary::default();
    let limits = Limits { concurrency: settings.concurrency, max_cost: settings.max_cost };
    let n_threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let caller = Caller {
        judge,
        question: settings.question.clone(),
        // One more than there are processors, because reading waits for the disk.
        preparing: Arc::new(Semaphore::new(n_threads + 1)),
    };
    let mut work = Judgments { items, settings: &settings, caller, waiting: 0, dearest_before: None };
    match carry_out(run, &mut work, limits, stop, on_event, &mut summary).await {
        Ok(_) => Ok(summary),
        Err(error) => Err(Box::new(Broken { error, summary })),
    }
}

/// An item that is to be judged.
#[derive(Debug)]
struct Job {
    item: JudgedItem,
    tries_left: u32,
}

#[derive(Clone)]
struct Caller {
    judge: Arc<dyn Judge>,
    question: MakeQuestion,
    /// So many questions are made at once.
    preparing: Arc<Semaphore>,
}

struct Judgments<'a> {
    /// Until they are planned.
    items: Vec<JudgedItem>,
    settings: &'a JudgeSettings<'a>,
    caller: Caller,
    /// Questions that have not begun.
    waiting: u64,
    /// What a question cost at most in earlier processes, until there is an estimate to hold it against.
    dearest_before: Option<Usd>,
}

impl Work for Judgments<'_> {
    type Job = Job;
    type Request = JudgeQuestion;
    /// Why there is no question.
    type Free = Failure;
    type Answer = Outcome<String>;
    type Item = JudgedItem;
    type Caller = Caller;

    fn plan(&mut self, run: &RunWriter, summary: &mut CallSummary) -> Result<Plan<Job>, CallError> {
        let is_readable = self.settings.is_readable;
        let histories = judgment_histories(|visit| run.for_each_judgment(None, visit), is_readable)?;
        if let Some(item) = self.items.first().filter(|_| self.settings.max_cost.is_some()) {
            self.dearest_before = run.dearest_judgment(&item.judge_id)?;
        }
        let mut queue = VecDeque::new();
        for item in self.items.drain(..) {
            match plan_judgment(histories.get(&item.work_key), self.settings) {
                JudgeStep::Done => summary.done_before += 1,
                JudgeStep::Stands(kind) => *summary.failed_before.entry(kind).or_default() += 1,
                JudgeStep::LeftAlone => summary.not_started += 1,
                JudgeStep::Ask(tries_left) => queue.push_back(Job { item, tries_left }),
            }
        }
        self.waiting = queue.len() as u64;
        let done = summary.done_before + summary.failed_before.values().sum::<usize>();
        Ok(Plan { calls: queue.len(), queue, done })
    }

    /// Prices are known once there is a question.
    fn price(
        &mut self,
        _run: &RunWriter,
        _queue: &VecDeque<Job>,
        _budget: &mut Budget,
    ) -> Result<(), CallError> {
        Ok(())
    }

    fn n_left(_job: &Job) -> usize {
        1
    }

    fn prepare(&mut self, job: &Job, _line: &Line) -> Option<Preparation<JudgeQuestion, Failure>> {
        let (caller, item) = (self.caller.clone(), job.item.clone());
        Some(Preparation::Task(Box::pin(async move {
            // Never closed, so there always is a permit to come.
            let _permit = caller.preparing.acquire().await;
            let made = spawn_blocking(move || (caller.question)(&item)).await;
            let broke = |error: JoinError| {
                let detail = format!("preparing it ended unexpectedly: {error}");
                Err(Failure { kind: FailureKind::NotAccessible, detail })
            };
            Ok(made.unwrap_or_else(broke).map_or_else(Prepared::Free, Prepared::Request))
        })))
    }

    fn estimate(&self, _job: &Job, question: &JudgeQuestion) -> Option<Usd> {
        self.caller.judge.estimate(question).map(|cost| cost.amount)
    }

    /// The others are not made yet. They ask the same about other images.
    fn behind(&mut self, estimate: Option<Usd>, budget: &SharedBudget) -> Usd {
        let estimate = estimate.unwrap_or_default();
        if let Some(cost) = self.dearest_before.take() {
            lock(budget).remember(estimate, cost);
        }
        estimate.times(self.waiting.saturating_sub(1))
    }

    fn note_begun(&mut self, _behind: Usd) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    fn begun(&self, job: &Job, _question: &JudgeQuestion, estimate: Option<Usd>) -> CallBegun {
        CallBegun {
            work_key: job.item.work_key.clone(),
            purpose: CallPurpose::Judgment(job.item.clone()),
            // The protocol and the case tell it.
            prompt: String::new(),
            seed: None,
            began_ms: 0,
            estimate,
        }
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn model(&self) -> &str {
        &self.caller.judge.meta().model
    }

    async fn ask(
        caller: &Caller,
        job: &Job,
        question: &JudgeQuestion,
        permit: &CallPermit<'_>,
    ) -> Result<Answered<Outcome<String>>, Unanswered> {
        let asking = caller.judge.judge(question, permit);
        let answer = permit.wait_for(asking, |answer| was_sent(&answer.outcome, answer.tries)).await?;
        let (began_ms, duration_ms) = permit.times();
        let TextAnswer { outcome, usage, cost, raw, whole, unused, wasted, tries, lost_tries, down } = answer;
        let has_result = outcome.done().is_some();
        let charge = compute_charge(permit.reserved().estimate, cost, wasted, has_result, tries, lost_tries);
        let kept = keep(choose_reply(has_result, whole, unused)).await;
        let halt = down.map(|down| Halt::Stopped(Stopped::Down(down))).or_else(|| permit.halt());
        let record = JudgmentRecord {
            item: job.item.clone(),
            began_ms,
            duration_ms,
            outcome: outcome.clone(),
            usage,
            charge: charge.clone(),
            raw,
            kept,
            reread_of: None,
        };
        permit.record(Entry::Judgment(Box::new(record))).await?;
        Ok(Answered { answer: outcome, charge, has_result, halt })
    }

    fn land(&mut self, job: Job, outcome: Outcome<String>, _summary: &mut CallSummary) -> Landing<Self> {
        match outcome {
            Outcome::Done(text) if (self.settings.is_readable)(&text) => {
                Landing::Made { item: job.item, job: None }
            }
            Outcome::Done(_) if job.tries_left > 1 => {
                self.waiting += 1;
                Landing::Again(Job { tries_left: job.tries_left - 1, ..job })
            }
            Outcome::Done(text) => {
                let detail = format!("no score in: {}", excerpt(&text));
                Landing::Failed { item: job.item, failure: Failure { kind: FailureKind::Unparsed, detail } }
            }
            Outcome::Failed(failure) => Landing::Failed { item: job.item, failure },
        }
    }

    /// Not on record, because nothing was asked: the next start looks again.
    fn land_free(&mut self, job: Job, failure: Failure, _summary: &mut CallSummary) -> Landing<Self> {
        self.waiting = self.waiting.saturating_sub(1);
        Landing::Failed { item: job.item, failure }
    }
}

/// The beginning of a reply, fit for a line.
fn excerpt(text: &str) -> String {
    let mut line: String = text.chars().take(120).map(|c| if is_steering(c) { ' ' } else { c }).collect();
    if text.chars().nth(120).is_some() {
        line.push('…');
    }
    line
}
