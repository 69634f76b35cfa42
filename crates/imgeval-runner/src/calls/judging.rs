//! Has images judged: the same way as images are asked for, but what comes back are words. They are kept as they came;
//! whether they hold a score, a parser says, and a question whose answer it cannot read is asked again a few times.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    thread,
};

use imgeval_core::{
    Failure, FailureKind, Judge, JudgeQuestion, Outcome, TextAnswer, Usd, WorkKey, is_steering,
};
use imgeval_store::{
    CallBegun, CallPurpose, Charge, JudgedItem, JudgmentRecord, RunWriter, Spend, StoreError, StoredJudgment,
};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinSet, spawn_blocking},
};

use super::{
    Broken, CallError, StopSignal, Stopped,
    budget::{Budget, Reserved, SharedBudget, compute_charge, lock},
    permit::{Brake, CallPermit, Halt, Halting, Unanswered, was_sent},
    plan::failure_stands,
    replies::{choose_reply, keep},
    writer::{Entry, Writer, WriterHandle},
};

/// Makes the question about an item: reads its images and prepares them. Blocking work.
pub type MakeQuestion = Arc<dyn Fn(&JudgedItem) -> Result<JudgeQuestion, Failure> + Send + Sync>;

/// How images are judged.
#[derive(Clone)]
pub struct JudgeSettings<'a> {
    /// Calls under way at the same time.
    pub concurrency: NonZeroUsize,
    /// The most that the run may ever have spent, what was possibly billed included.
    pub max_cost: Option<Usd>,
    /// How often a question is asked whose answers cannot be read.
    pub max_tries: u32,
    /// Only what ended like this before is asked again; what was never asked is left alone.
    pub only: Option<&'a BTreeSet<FailureKind>>,
    /// Kinds of [`FailureKind::ANSWERS`], and [`FailureKind::Unparsed`], that are asked for again.
    pub retry: &'a BTreeSet<FailureKind>,
    /// Whether the words hold what the protocol asks for.
    pub is_readable: &'a (dyn Fn(&str) -> bool + Sync),
    pub question: MakeQuestion,
}

/// What happens while images are judged, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum JudgeEvent {
    /// As [`super::GenerateEvent::Interrupted`].
    Interrupted { calls: usize },
    /// `calls` questions will be asked, `done` have answers that stand.
    Planned { calls: usize, done: usize, spent: Spend },
    /// A question has its last answer; without a failure it can be read.
    Landed { item: JudgedItem, failure: Option<Failure>, spent: Spend },
}

/// How judging ended. Every item is counted once: done before, judged, failed now or before, abandoned, or not started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JudgeSummary {
    pub done_before: usize,
    pub judged: usize,
    /// Without an answer that can be read.
    pub failed: BTreeMap<FailureKind, usize>,
    /// The same, from before, and not asked again.
    pub failed_before: BTreeMap<FailureKind, usize>,
    pub not_started: usize,
    /// Calls that were under way when everything had to stop, or could not be recorded.
    pub abandoned: usize,
    /// Of the whole run, ever.
    pub spend: Spend,
    pub stopped: Option<Stopped>,
}

/// What is on record for one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemHistory {
    pub has_readable: bool,
    pub n_unreadable: u32,
    /// How the last call failed, if it did.
    pub last_failure: Option<FailureKind>,
}

impl ItemHistory {
    pub fn add(&mut self, outcome: &Outcome<String>, is_readable: &(dyn Fn(&str) -> bool + Sync)) {
        self.last_failure = None;
        match outcome {
            Outcome::Done(text) if is_readable(text) => self.has_readable = true,
            Outcome::Done(_) => self.n_unreadable += 1,
            Outcome::Failed(failure) => self.last_failure = Some(failure.kind),
        }
    }

    /// Why there is no readable answer, `None` if there is one or nobody asked.
    #[must_use]
    pub fn failure(&self) -> Option<FailureKind> {
        match (self.has_readable, self.last_failure) {
            (true, _) => None,
            (false, Some(kind)) => Some(kind),
            (false, None) => (self.n_unreadable > 0).then_some(FailureKind::Unparsed),
        }
    }
}

/// What is left to do for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgeStep {
    /// A readable answer is there.
    Done,
    /// Why there is none, and it is not asked again.
    Stands(FailureKind),
    /// Not among what was asked for.
    LeftAlone,
    /// May be asked so often.
    Ask(u32),
}

/// Plan minus store, for one item.
#[must_use]
pub fn plan_judgment(history: Option<&ItemHistory>, settings: &JudgeSettings<'_>) -> JudgeStep {
    let none = ItemHistory::default();
    let history = history.unwrap_or(&none);
    if history.has_readable {
        return JudgeStep::Done;
    }
    let failure = history.failure();
    if let Some(only) = settings.only {
        return match failure {
            Some(kind) if only.contains(&kind) => JudgeStep::Ask(settings.max_tries),
            Some(kind) => JudgeStep::Stands(kind),
            None => JudgeStep::LeftAlone,
        };
    }
    match failure {
        Some(FailureKind::Unparsed) if settings.retry.contains(&FailureKind::Unparsed) => {
            JudgeStep::Ask(settings.max_tries)
        }
        Some(FailureKind::Unparsed) if history.n_unreadable >= settings.max_tries => {
            JudgeStep::Stands(FailureKind::Unparsed)
        }
        Some(kind) if failure_stands(kind, settings.retry) => JudgeStep::Stands(kind),
        _ => JudgeStep::Ask(settings.max_tries.saturating_sub(history.n_unreadable).max(1)),
    }
}

/// Asks the judge about the items that have no readable answer yet; every answer is on record before it is told.
///
/// The run is closed when this returns. Dropping the future abandons the calls under way, as [`StopSignal::Now`] does.
///
/// # Errors
/// As [`super::generate_images`]. An image that cannot be judged is not an error.
pub async fn judge_images(
    run: RunWriter,
    items: Vec<JudgedItem>,
    judge: Arc<dyn Judge>,
    settings: JudgeSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(JudgeEvent),
) -> Result<JudgeSummary, Box<Broken<JudgeSummary>>> {
    let mut summary = JudgeSummary::default();
    match judge_all(run, items, judge, &settings, stop, on_event, &mut summary).await {
        Ok(stopped) => Ok(JudgeSummary { stopped, ..summary }),
        Err(error) => Err(Box::new(Broken { error, summary })),
    }
}

/// What is on record, by item.
///
/// # Errors
/// If the run cannot be read.
pub fn judgment_histories(
    visit_all: impl FnOnce(&mut dyn FnMut(StoredJudgment)) -> Result<(), StoreError>,
    is_readable: &(dyn Fn(&str) -> bool + Sync),
) -> Result<BTreeMap<WorkKey, ItemHistory>, StoreError> {
    let mut histories: BTreeMap<WorkKey, ItemHistory> = BTreeMap::new();
    visit_all(&mut |judgment| {
        histories.entry(judgment.item.work_key).or_default().add(&judgment.outcome, is_readable);
    })?;
    Ok(histories)
}

async fn judge_all(
    mut run: RunWriter,
    items: Vec<JudgedItem>,
    judge: Arc<dyn Judge>,
    settings: &JudgeSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(JudgeEvent),
    summary: &mut JudgeSummary,
) -> Result<Option<Stopped>, CallError> {
    run.begin_paid_work()?;
    let interrupted = run.settle_interrupted_calls()?;
    if interrupted > 0 {
        on_event(JudgeEvent::Interrupted { calls: interrupted });
    }
    let histories = judgment_histories(|visit| run.for_each_judgment(None, visit), settings.is_readable)?;
    summary.spend = run.spend()?;
    let budget = Budget::new(settings.max_cost, summary.spend);
    let dearest_before = match items.first() {
        Some(item) if budget.has_limit() => run.dearest_judgment(&item.judge_id)?,
        _ => None,
    };
    let mut queue = VecDeque::new();
    for item in items {
        match plan_judgment(histories.get(&item.work_key), settings) {
            JudgeStep::Done => summary.done_before += 1,
            JudgeStep::Stands(kind) => *summary.failed_before.entry(kind).or_default() += 1,
            JudgeStep::LeftAlone => summary.not_started += 1,
            JudgeStep::Ask(tries_left) => queue.push_back(Job { item, tries_left }),
        }
    }
    let done = summary.done_before + summary.failed_before.values().sum::<usize>();
    on_event(JudgeEvent::Planned { calls: queue.len(), done, spent: budget.spend() });

    let concurrency = settings.concurrency.get();
    let writer = Writer::start(run, concurrency.saturating_mul(2).clamp(64, 4096))?;
    let (halting, brake) = Halting::new(stop.clone());
    let n_threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let caller = Caller {
        judge,
        question: settings.question.clone(),
        writer: writer.handle(),
        // One more than there are processors, because reading waits for the disk.
        preparing: Arc::new(Semaphore::new(n_threads + 1)),
        budget: Arc::new(Mutex::new(budget)),
        brake,
    };
    let mut coordinator = Coordinator {
        settings,
        caller,
        waiting: queue.len() as u64,
        dearest_before,
        queue,
        held: VecDeque::new(),
        tasks: JoinSet::new(),
        halting,
        summary,
        on_event,
    };
    coordinator.run(stop).await;
    let Coordinator { halting, summary, caller, .. } = coordinator;
    drop(caller);
    let (spend, failure) = writer.end().await?;
    summary.spend = spend.unwrap_or(summary.spend);
    halting.into_result(failure)
}

/// An item that is to be judged.
#[derive(Debug)]
struct Job {
    item: JudgedItem,
    tries_left: u32,
}

/// A question that waits for the budget.
struct Held {
    job: Job,
    question: JudgeQuestion,
    estimate: Option<Usd>,
}

/// What a task brings back.
enum Landed {
    Prepared(Job, Result<JudgeQuestion, Failure>),
    Called(Job, Reserved, Result<Said, Unanswered>),
}

/// An answer on record.
struct Said {
    outcome: Outcome<String>,
    charge: Charge,
    halt: Option<Halt>,
}

#[derive(Clone)]
struct Caller {
    judge: Arc<dyn Judge>,
    question: MakeQuestion,
    writer: WriterHandle,
    /// So many questions are made at once.
    preparing: Arc<Semaphore>,
    budget: SharedBudget,
    brake: Brake,
}

impl Caller {
    async fn prepare(&self, job: Job) -> Landed {
        let (make, item) = (self.question.clone(), job.item.clone());
        // Never closed, so there always is a permit to come.
        let _permit = self.preparing.acquire().await;
        let made = spawn_blocking(move || make(&item)).await;
        let broke = |error: tokio::task::JoinError| {
            Err(Failure {
                kind: FailureKind::NotAccessible,
                detail: format!("preparing it broke down: {error}"),
            })
        };
        Landed::Prepared(job, made.unwrap_or_else(broke))
    }

    /// Makes a call whose estimate is reserved.
    async fn call(&self, held: Held) -> Landed {
        let Held { job, question, estimate } = held;
        let begun = CallBegun {
            work_key: job.item.work_key.clone(),
            purpose: CallPurpose::Judgment(job.item.clone()),
            // The protocol and the case tell it.
            prompt: String::new(),
            seed: None,
            began_ms: 0,
            estimate,
        };
        let permit = CallPermit::new(&self.brake, &self.budget, &self.writer, begun);
        let end = self.ask(&job.item, &question, &permit).await;
        let reserved = permit.reserved();
        Landed::Called(job, reserved, end)
    }

    async fn ask(
        &self,
        item: &JudgedItem,
        question: &JudgeQuestion,
        permit: &CallPermit<'_>,
    ) -> Result<Said, Unanswered> {
        let asking = self.judge.judge(question, permit);
        let answer = permit.wait_for(asking, |answer| was_sent(&answer.outcome, answer.tries)).await?;
        let (began_ms, duration_ms) = permit.times();
        let TextAnswer { outcome, usage, cost, raw, whole, unused, wasted, tries, lost_tries, down } = answer;
        let has_result = outcome.done().is_some();
        let charge = compute_charge(permit.reserved().estimate, cost, wasted, has_result, tries, lost_tries);
        let kept = keep(choose_reply(has_result, whole, unused)).await;
        let halt = down.map(|down| Halt::Stopped(Stopped::Down(down))).or_else(|| permit.halt());
        let record = JudgmentRecord {
            item: item.clone(),
            began_ms,
            duration_ms,
            outcome: outcome.clone(),
            usage,
            charge: charge.clone(),
            raw,
            kept,
            reread_of: None,
        };
        self.writer.record(Entry::Judgment(Box::new(record))).await?;
        Ok(Said { outcome, charge, halt })
    }
}

struct Coordinator<'a> {
    settings: &'a JudgeSettings<'a>,
    caller: Caller,
    queue: VecDeque<Job>,
    held: VecDeque<Held>,
    /// Questions that have not begun.
    waiting: u64,
    /// What a question cost at most in earlier processes, until there is an estimate to hold it against.
    dearest_before: Option<Usd>,
    tasks: JoinSet<Landed>,
    halting: Halting,
    summary: &'a mut JudgeSummary,
    on_event: &'a mut dyn FnMut(JudgeEvent),
}

impl Coordinator<'_> {
    async fn run(&mut self, mut stop: watch::Receiver<StopSignal>) {
        let mut can_signal = true;
        loop {
            if *stop.borrow_and_update() != StopSignal::GoOn {
                self.halting.halt(Halt::Stopped(Stopped::Interrupted));
            }
            while !self.halting.is_halted()
                && self.tasks.len() + self.held.len() < self.settings.concurrency.get()
                && let Some(job) = self.queue.pop_front()
            {
                let caller = self.caller.clone();
                self.tasks.spawn(async move { caller.prepare(job).await });
            }
            self.admit_held();
            if self.tasks.is_empty() && (self.held.is_empty() || self.halting.is_halted()) {
                break;
            }
            tokio::select! {
                Some(joined) = self.tasks.join_next() => match joined {
                    Ok(landed) => self.land(landed),
                    Err(error) => {
                        self.summary.abandoned += 1;
                        self.halting.halt(Halt::Error(Some(CallError::Broke { detail: error.to_string() })));
                    }
                },
                changed = stop.changed(), if can_signal => can_signal = changed.is_ok(),
            }
        }
        self.summary.not_started += self.queue.len() + self.held.len();
    }

    fn admit_held(&mut self) {
        while !self.halting.is_halted()
            && let Some(held) = self.held.front()
        {
            let model = &self.caller.judge.meta().model;
            // The others are not made yet. They ask the same about other images.
            let behind = self.waiting.saturating_sub(1);
            let estimate = held.estimate.unwrap_or_default();
            if let Some(cost) = self.dearest_before.take() {
                lock(&self.caller.budget).remember(estimate, cost);
            }
            if !self.halting.admit(&self.caller.budget, held.estimate, estimate.times(behind), model) {
                return;
            }
            self.waiting = behind;
            if let Some(held) = self.held.pop_front() {
                let caller = self.caller.clone();
                self.tasks.spawn(async move { caller.call(held).await });
            }
        }
    }

    fn land(&mut self, landed: Landed) {
        match landed {
            Landed::Prepared(job, Ok(question)) if !self.halting.is_halted() => {
                let estimate = self.caller.judge.estimate(&question).map(|cost| cost.amount);
                self.held.push_back(Held { job, question, estimate });
            }
            Landed::Prepared(_, Ok(_)) => self.summary.not_started += 1,
            // Not on record, because nothing was asked: the next start looks again.
            Landed::Prepared(job, Err(failure)) => {
                self.waiting = self.waiting.saturating_sub(1);
                self.fail(job.item, failure);
            }
            Landed::Called(job, reserved, Ok(said)) => {
                let has_result = said.outcome.done().is_some();
                lock(&self.caller.budget).settle(reserved, &said.charge, has_result);
                if let Some(halt) = said.halt {
                    self.halting.halt(halt);
                }
                self.land_answer(job, said.outcome);
            }
            Landed::Called(_, reserved, Err(end)) => {
                lock(&self.caller.budget).settle(reserved, &Charge::default(), false);
                match end {
                    Unanswered::NotSent(halt) => {
                        self.summary.not_started += 1;
                        self.halting.halt(halt);
                    }
                    Unanswered::Lost(halt) => {
                        self.summary.abandoned += 1;
                        self.halting.halt(halt);
                    }
                }
            }
        }
    }

    fn land_answer(&mut self, job: Job, outcome: Outcome<String>) {
        match outcome {
            Outcome::Done(text) if (self.settings.is_readable)(&text) => {
                self.summary.judged += 1;
                self.tell(job.item, None);
            }
            Outcome::Done(_) if job.tries_left > 1 => {
                self.waiting += 1;
                self.queue.push_back(Job { tries_left: job.tries_left - 1, ..job });
            }
            Outcome::Done(text) => {
                let detail = format!("no score in: {}", excerpt(&text));
                self.fail(job.item, Failure { kind: FailureKind::Unparsed, detail });
            }
            Outcome::Failed(failure) => self.fail(job.item, failure),
        }
    }

    fn fail(&mut self, item: JudgedItem, failure: Failure) {
        *self.summary.failed.entry(failure.kind).or_default() += 1;
        self.tell(item, Some(failure));
    }

    fn tell(&mut self, item: JudgedItem, failure: Option<Failure>) {
        let spent = lock(&self.caller.budget).spend();
        (self.on_event)(JudgeEvent::Landed { item, failure, spent });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        history: &[Outcome<String>],
        only: Option<&[FailureKind]>,
        retry: &[FailureKind],
        step: JudgeStep,
    ) {
        let is_readable = |text: &str| text == "good";
        let only: Option<BTreeSet<_>> = only.map(|kinds| kinds.iter().copied().collect());
        let retry: BTreeSet<_> = retry.iter().copied().collect();
        let settings = JudgeSettings {
            concurrency: NonZeroUsize::MIN,
            max_cost: None,
            max_tries: 3,
            only: only.as_ref(),
            retry: &retry,
            is_readable: &is_readable,
            question: Arc::new(|_| Err(Failure { kind: FailureKind::NotAccessible, detail: String::new() })),
        };
        let mut known = ItemHistory::default();
        history.iter().for_each(|outcome| known.add(outcome, &is_readable));
        let known = (!history.is_empty()).then_some(&known);
        assert_eq!(plan_judgment(known, &settings), step, "{history:?}");
    }

    fn said(text: &str) -> Outcome<String> {
        Outcome::Done(text.to_owned())
    }

    fn failed(kind: FailureKind) -> Outcome<String> {
        Outcome::Failed(Failure { kind, detail: String::new() })
    }

    #[test]
    fn work_to_do_is_plan_minus_store() {
        use FailureKind::{Refused, TimedOut, Unparsed};
        check(&[], None, &[], JudgeStep::Ask(3));
        check(&[said("good")], None, &[], JudgeStep::Done);
        check(&[said("bad"), said("good")], None, &[], JudgeStep::Done);
        check(&[said("good"), failed(TimedOut)], None, &[], JudgeStep::Done);
        check(&[said("bad")], None, &[], JudgeStep::Ask(2));
        check(&[said("bad"), failed(TimedOut)], None, &[], JudgeStep::Ask(2));
        check(&[said("bad"), said("bad"), said("bad")], None, &[], JudgeStep::Stands(Unparsed));
        check(&[said("bad"), said("bad"), said("bad")], None, &[Unparsed], JudgeStep::Ask(3));
        check(&[failed(TimedOut)], None, &[], JudgeStep::Ask(3));
        check(&[failed(Refused)], None, &[], JudgeStep::Stands(Refused));
        check(&[failed(Refused)], None, &[Refused], JudgeStep::Ask(3));
    }

    #[test]
    fn only_what_is_named_is_asked_again() {
        use FailureKind::{Refused, TimedOut, Unparsed};
        let only = Some(&[Unparsed, TimedOut][..]);
        check(&[], only, &[], JudgeStep::LeftAlone);
        check(&[said("good")], only, &[], JudgeStep::Done);
        check(&[said("bad"), said("bad"), said("bad")], only, &[], JudgeStep::Ask(3));
        check(&[failed(TimedOut)], only, &[], JudgeStep::Ask(3));
        check(&[failed(Refused)], only, &[], JudgeStep::Stands(Refused));
    }
}
