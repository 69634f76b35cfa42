//! The coordinator of paid work: which job continues, what it may cost, when to stop. The same for images, judgments
//! and rewritten prompts.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use imgeval_core::{Failure, Usd};
use imgeval_store::{Charge, RunWriter};
use tokio::{sync::watch, task::JoinSet};

use super::{
    CallError, CallEvent, CallSummary, StopSignal, Stopped,
    budget::{Budget, Reserved, lock},
    permit::{CallPermit, Halt, Halting, Unanswered},
    work::{Answered, Landing, Line, Plan, Preparation, Prepared, Work},
    writer::{Writer, WriterEnd},
};

/// How many calls may be under way, and what the run may ever have spent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) concurrency: NonZeroUsize,
    pub(super) max_cost: Option<Usd>,
}

/// Does the remaining work of one kind, and returns the run. `summary` describes what was done, also after an error.
pub(super) async fn carry_out<W: Work>(
    mut run: RunWriter,
    work: &mut W,
    limits: Limits,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(CallEvent<W::Item>),
    summary: &mut CallSummary,
) -> Result<RunWriter, CallError> {
    run.begin_paid_work()?;
    let interrupted = run.settle_interrupted_calls()?;
    if interrupted > 0 {
        on_event(CallEvent::Interrupted { calls: interrupted });
    }
    summary.spend = run.spend()?;
    let mut budget = Budget::new(limits.max_cost, summary.spend);
    let Plan { queue, calls, done } = work.plan(&run, summary)?;
    let left_alone = summary.not_started;
    summary.not_started += queue.iter().map(W::n_left).sum::<usize>();
    on_event(CallEvent::Planned { calls, done, spent: budget.spend() });
    work.price(&run, &queue, &mut budget)?;

    let concurrency = limits.concurrency.get();
    let writer = Writer::start(run, concurrency.saturating_mul(2).clamp(64, 4096))?;
    let (halting, brake) = Halting::new(stop.clone());
    summary.not_started = left_alone;
    let line = Line { writer: writer.handle(), budget: Arc::new(Mutex::new(budget)), brake };
    let (held, tasks) = (VecDeque::new(), JoinSet::new());
    let coordinator = Coordinator {
        work,
        line,
        concurrency,
        queue,
        held,
        tasks,
        halting,
        summary: &mut *summary,
        on_event,
    };
    let halting = coordinator.run(stop).await;
    let WriterEnd { run, spend, failure } = writer.end().await?;
    summary.spend = spend.unwrap_or(summary.spend);
    summary.stopped = halting.into_result(failure)?;
    Ok(run)
}

/// What a task brings back.
enum Landed<J, R, F, A> {
    Prepared(J, Result<Prepared<R, F>, Unanswered>),
    Called(J, Reserved, Result<Answered<A>, Unanswered>),
}

type LandedWork<W> = Landed<<W as Work>::Job, <W as Work>::Request, <W as Work>::Free, <W as Work>::Answer>;

/// A request that waits for its place in the budget.
struct Held<W: Work> {
    job: W::Job,
    request: W::Request,
    estimate: Option<Usd>,
}

struct Coordinator<'a, W: Work> {
    work: &'a mut W,
    line: Line,
    concurrency: usize,
    queue: VecDeque<W::Job>,
    held: VecDeque<Held<W>>,
    tasks: JoinSet<LandedWork<W>>,
    halting: Halting,
    summary: &'a mut CallSummary,
    on_event: &'a mut dyn FnMut(CallEvent<W::Item>),
}

impl<W: Work> Coordinator<'_, W> {
    /// Returns once nothing is under way any more.
    async fn run(mut self, mut stop: watch::Receiver<StopSignal>) -> Halting {
        let mut can_signal = true;
        loop {
            if *stop.borrow_and_update() != StopSignal::GoOn {
                self.halting.halt(Halt::Stopped(Stopped::Interrupted));
            }
            while !self.halting.is_halted()
                && self.tasks.len() + self.held.len() < self.concurrency
                && let Some(job) = self.queue.pop_front()
            {
                self.go_on(job);
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
        let left = self.queue.iter().chain(self.held.iter().map(|held| &held.job));
        self.summary.not_started += left.map(W::n_left).sum::<usize>();
        self.halting
    }

    /// Begins the next step of a job, if there is one and nothing has come between.
    fn go_on(&mut self, job: W::Job) {
        if self.halting.is_halted() {
            self.summary.not_started += W::n_left(&job);
            return;
        }
        match self.work.prepare(&job, &self.line) {
            Some(Preparation::Ready(request)) => self.hold(job, request),
            Some(Preparation::Task(preparing)) => {
                self.tasks.spawn(async move { Landed::Prepared(job, preparing.await) });
            }
            None => {}
        }
    }

    fn hold(&mut self, job: W::Job, request: W::Request) {
        let estimate = self.work.estimate(&job, &request);
        self.held.push_back(Held { job, request, estimate });
    }

    fn admit_held(&mut self) {
        while !self.halting.is_halted()
            && let Some(held) = self.held.front()
        {
            let budget = &self.line.budget;
            let behind = self.work.behind(held.estimate, budget);
            if !self.halting.admit(budget, held.estimate, behind, self.work.model()) {
                return;
            }
            self.work.note_begun(behind);
            if let Some(Held { job, request, estimate }) = self.held.pop_front() {
                let (line, caller) = (self.line.clone(), self.work.caller().clone());
                let begun = self.work.begun(&job, &request, estimate);
                self.tasks.spawn(async move {
                    let permit = CallPermit::new(&line.brake, &line.budget, &line.writer, begun);
                    let end = W::ask(&caller, &job, &request, &permit).await;
                    let reserved = permit.reserved();
                    Landed::Called(job, reserved, end)
                });
            }
        }
    }

    fn land(&mut self, landed: LandedWork<W>) {
        match landed {
            Landed::Prepared(job, Ok(Prepared::Request(request))) => self.hold(job, request),
            Landed::Prepared(job, Ok(Prepared::Free(free))) => {
                let landing = self.work.land_free(job, free, self.summary);
                self.tell(landing);
            }
            Landed::Called(job, reserved, Ok(answered)) => {
                let Answered { answer, charge, has_result, halt } = answered;
                lock(&self.line.budget).settle(reserved, &charge, has_result);
                if let Some(halt) = halt {
                    self.halting.halt(halt);
                }
                let landing = self.work.land(job, answer, self.summary);
                self.tell(landing);
            }
            Landed::Called(job, reserved, Err(end)) => {
                lock(&self.line.budget).settle(reserved, &Charge::default(), false);
                self.land_unanswered(&job, end);
            }
            Landed::Prepared(job, Err(end)) => self.land_unanswered(&job, end),
        }
    }

    fn land_unanswered(&mut self, job: &W::Job, end: Unanswered) {
        self.summary.not_started += W::n_left(job);
        match end {
            Unanswered::NotSent(halt) => self.halting.halt(halt),
            Unanswered::Lost(halt) => {
                self.summary.not_started -= 1;
                self.summary.abandoned += 1;
                self.halting.halt(halt);
            }
        }
    }

    fn tell(&mut self, landing: Landing<W>) {
        match landing {
            Landing::Made { item, job } => {
                self.summary.made += 1;
                self.tell_end(item, None);
                if let Some(job) = job {
                    self.go_on(job);
                }
            }
            Landing::Failed { item, failure } => {
                *self.summary.failed.entry(failure.kind).or_default() += 1;
                self.tell_end(item, Some(failure));
            }
            Landing::Accepted { item, job } => {
                self.summary.accepted_from_store += 1;
                (self.on_event)(CallEvent::Accepted { item });
                self.go_on(job);
            }
            Landing::Again(job) => self.queue.push_back(job),
            Landing::Over => {}
        }
    }

    fn tell_end(&mut self, item: W::Item, failure: Option<Failure>) {
        let spent = lock(&self.line.budget).spend();
        (self.on_event)(CallEvent::Landed { item, failure, spent });
    }
}
