//! The coordinator: which conversation goes on, what may be spent, when to stop.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroUsize,
    sync::Arc,
    thread,
};

use imgeval_core::{Failure, FailureKind, Generator, ImageRecord, ImageRequest, Outcome, SampleId, Usd};
use imgeval_store::{Charge, GeneratedSample, RunWriter};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    Conversation, GenerateError, GenerateEvent, GenerateSettings, GenerateSummary, GenerationCase, Step,
    StopSignal, Stopped, StoredInput,
    budget::{Admission, Budget},
    call::{CallEnd, Caller},
    plan::plan_generation,
    talk::Talk,
    writer::Writer,
};

/// Asks for what the run does not hold yet; every result is on record before it is told.
///
/// The run is closed when this returns. Dropping the future abandons the calls under way, as [`StopSignal::Now`] does.
///
/// # Errors
/// If the store cannot be read or written: no further call begins, those under way are recorded as far as possible.
/// If there is a limit on the cost and no price is known, before the first call. An image that cannot be had is not an
/// error, and neither is a limit that is reached or a generator that is down.
pub async fn generate_images(
    mut run: RunWriter,
    cases: &[GenerationCase],
    generator: Arc<dyn Generator>,
    settings: GenerateSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(GenerateEvent),
) -> Result<GenerateSummary, GenerateError> {
    run.begin_paid_work()?;
    let interrupted = run.settle_interrupted_calls()?;
    if interrupted > 0 {
        on_event(GenerateEvent::Interrupted { calls: interrupted });
    }
    let have = run.generated_samples()?;
    let plan = plan_generation(cases, settings.samples, &have, settings.retry, settings.any_size);
    let budget = Budget::new(settings.max_cost, &run.spend()?);
    let summary = count_before(cases, &settings, &have, &plan);
    let calls = plan.iter().flat_map(|item| &item.rounds).filter(|(_, step)| *step == Step::Ask).count();
    on_event(GenerateEvent::Planned { calls, done: summary.done_before, spent: budget.spent() });

    let directory = run.directory().to_owned();
    let concurrency = settings.concurrency.get();
    let writer = Writer::start(run, concurrency.saturating_mul(2).clamp(64, 4096))?;
    let caller = Caller {
        directory,
        generator,
        decode: settings.decode.clone(),
        wanted: if settings.any_size { None } else { settings.parameters.size },
        writer: writer.handle(),
        decoding: Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, NonZeroUsize::get))),
        stop: stop.clone(),
    };
    let mut coordinator = Coordinator {
        cases,
        have: &have,
        settings: &settings,
        caller,
        budget,
        queue: plan.into(),
        held: VecDeque::new(),
        tasks: JoinSet::new(),
        halt: None,
        summary,
        on_event,
    };
    coordinator.run(stop).await;
    let Coordinator { halt, summary, caller, .. } = coordinator;
    drop(caller);
    let spend = writer.end().await;
    let stopped = match halt {
        None => None,
        Some(Halt::Stopped(stopped)) => Some(stopped),
        // What the writer says comes first: it is the cause.
        Some(Halt::Error(error)) => return Err(spend.err().or(error).unwrap_or_else(lost_cause)),
    };
    Ok(GenerateSummary { spend: spend?, stopped, ..summary })
}

fn lost_cause() -> GenerateError {
    GenerateError::Broke { detail: "a result could not be recorded".to_owned() }
}

/// What of the images wanted needs no work.
fn count_before(
    cases: &[GenerationCase],
    settings: &GenerateSettings<'_>,
    have: &BTreeMap<SampleId, GeneratedSample>,
    plan: &[Conversation],
) -> GenerateSummary {
    let mut summary = GenerateSummary::default();
    let planned: BTreeMap<(usize, u32), &Conversation> =
        plan.iter().map(|item| ((item.case, item.ordinal), item)).collect();
    let mut seen = BTreeSet::new();
    for (place, case) in cases.iter().enumerate().filter(|(_, case)| seen.insert(&case.id)) {
        for ordinal in 0..settings.samples {
            let rounds = planned.get(&(place, ordinal)).map_or(&[][..], |item| &item.rounds[..]);
            for round in (1..).take(case.rounds.len()) {
                let id = SampleId { case: case.id.clone(), ordinal, round };
                match have.get(&id).map(|sample| &sample.outcome) {
                    Some(Outcome::Done(_)) => summary.done_before += 1,
                    _ if rounds.iter().any(|(planned, _)| *planned == round) => {}
                    Some(Outcome::Failed(failure)) => {
                        *summary.failed_before.entry(failure.kind).or_default() += 1;
                    }
                    None => summary.waiting += 1,
                }
            }
        }
    }
    summary
}

enum Halt {
    Stopped(Stopped),
    /// `None`: as the writer tells.
    Error(Option<GenerateError>),
}

/// What a task brings back.
enum Landed {
    Prepared(Talk, u32, Box<Result<ImageRequest, GenerateError>>),
    Called(Talk, u32, Option<Usd>, CallEnd),
    Reused(Talk, u32, Result<Outcome<ImageRecord>, CallEnd>),
}

/// A request that waits for its place in the budget.
struct Held {
    talk: Talk,
    round: u32,
    request: ImageRequest,
    estimate: Option<Usd>,
}

struct Coordinator<'a> {
    cases: &'a [GenerationCase],
    have: &'a BTreeMap<SampleId, GeneratedSample>,
    settings: &'a GenerateSettings<'a>,
    caller: Caller,
    budget: Budget,
    queue: VecDeque<Conversation>,
    held: VecDeque<Held>,
    tasks: JoinSet<Landed>,
    halt: Option<Halt>,
    summary: GenerateSummary,
    on_event: &'a mut dyn FnMut(GenerateEvent),
}

impl Coordinator<'_> {
    async fn run(&mut self, mut stop: watch::Receiver<StopSignal>) {
        let mut can_signal = true;
        loop {
            if *stop.borrow_and_update() != StopSignal::GoOn {
                self.halt(Halt::Stopped(Stopped::Interrupted));
            }
            while self.halt.is_none()
                && self.tasks.len() + self.held.len() < self.settings.concurrency.get()
                && let Some(conversation) = self.queue.pop_front()
            {
                self.go_on(Talk::new(conversation));
            }
            self.admit_held();
            if self.tasks.is_empty() && (self.held.is_empty() || self.halt.is_some()) {
                break;
            }
            tokio::select! {
                Some(joined) = self.tasks.join_next() => match joined {
                    Ok(landed) => self.land(landed),
                    Err(error) => {
                        self.summary.abandoned += 1;
                        self.halt(Halt::Error(Some(GenerateError::Broke { detail: error.to_string() })));
                    }
                },
                changed = stop.changed(), if can_signal => can_signal = changed.is_ok(),
            }
        }
        let queued = self.queue.iter().map(|item| item.rounds.len());
        let held = self.held.iter().map(|held| held.talk.steps.len());
        self.summary.not_started += queued.chain(held).sum::<usize>();
    }

    /// The first reason to stop is the one that is told, but an error tells more than anything else.
    fn halt(&mut self, halt: Halt) {
        if self.halt.is_none()
            || (matches!(halt, Halt::Error(_)) && !matches!(self.halt, Some(Halt::Error(_))))
        {
            self.halt = Some(halt);
        }
    }

    /// Starts the next step of a conversation, if there is one and nothing has come between.
    fn go_on(&mut self, talk: Talk) {
        if self.halt.is_some() {
            self.summary.not_started += talk.steps.len();
            return;
        }
        let Some((round, step)) = talk.steps.front().copied() else {
            return;
        };
        let case = &self.cases[talk.place];
        let caller = self.caller.clone();
        let kept = self.have.get(&talk.id(case, round)).and_then(|sample| sample.kept_image.clone());
        match (step, kept) {
            (Step::Reuse, Some((hash, format))) => {
                let id = talk.id(case, round);
                self.tasks.spawn(async move {
                    let reused = caller.reuse(&id, StoredInput { hash, format }).await;
                    Landed::Reused(talk, round, reused)
                });
            }
            (Step::Ask | Step::Reuse, _) => {
                let plan = talk.plan_request(case, round, self.have, self.settings);
                self.tasks.spawn(async move {
                    let request = caller.prepare(plan).await;
                    Landed::Prepared(talk, round, Box::new(request))
                });
            }
        }
    }

    fn admit_held(&mut self) {
        while self.halt.is_none()
            && let Some(held) = self.held.front()
        {
            match self.budget.admit(held.estimate) {
                Admission::Go => {}
                Admission::Wait => return,
                Admission::Exhausted { needed, left } => {
                    return self.halt(Halt::Stopped(Stopped::Budget { needed, left }));
                }
                Admission::PriceUnknown => {
                    let what = self.caller.generator.meta().model.clone();
                    return self.halt(Halt::Error(Some(GenerateError::PriceUnknown { what })));
                }
            }
            if let Some(Held { talk, round, request, estimate }) = self.held.pop_front() {
                let caller = self.caller.clone();
                self.tasks.spawn(async move {
                    let end = caller.call(&request, estimate).await;
                    Landed::Called(talk, round, estimate, end)
                });
            }
        }
    }

    fn land(&mut self, landed: Landed) {
        match landed {
            Landed::Prepared(talk, round, request) => match *request {
                Ok(request) => {
                    let estimate = self.caller.generator.estimate(&request).map(|cost| cost.amount);
                    self.held.push_back(Held { talk, round, request, estimate });
                }
                Err(error) => {
                    self.summary.not_started += talk.steps.len();
                    self.halt(Halt::Error(Some(error)));
                }
            },
            Landed::Called(talk, round, estimate, end) => {
                let charge = match &end {
                    CallEnd::Landed { charge, .. } => charge.clone(),
                    CallEnd::NotSent | CallEnd::Down(_) | CallEnd::Abandoned | CallEnd::NotRecorded(_) => {
                        Charge::default()
                    }
                };
                self.budget.settle(estimate, &charge);
                self.land_call(talk, round, end);
            }
            Landed::Reused(mut talk, round, Ok(outcome)) => {
                talk.steps.pop_front();
                let id = talk.id(&self.cases[talk.place], round);
                match outcome {
                    Outcome::Done(record) => {
                        self.summary.accepted_from_store += 1;
                        let before =
                            self.have.get(&id).map(|sample| (sample.prompt.clone(), sample.state.clone()));
                        let (prompt, state) = before.unwrap_or_default();
                        talk.note_answer(round, prompt, &record, state);
                        (self.on_event)(GenerateEvent::Accepted { id });
                        self.go_on(talk);
                    }
                    Outcome::Failed(failure) => {
                        *self.summary.failed_before.entry(failure.kind).or_default() += 1;
                        self.summary.waiting += talk.steps.len();
                    }
                }
            }
            Landed::Reused(talk, round, Err(end)) => self.land_call(talk, round, end),
        }
    }

    fn land_call(&mut self, mut talk: Talk, round: u32, end: CallEnd) {
        talk.steps.pop_front();
        let id = talk.id(&self.cases[talk.place], round);
        match end {
            CallEnd::Landed { outcome: Outcome::Done(record), prompt, state, .. } => {
                self.summary.made += 1;
                talk.note_answer(round, prompt, &record, state);
                self.tell(id, None);
                self.go_on(talk);
            }
            CallEnd::Landed { outcome: Outcome::Failed(failure), .. } => {
                *self.summary.failed.entry(failure.kind).or_default() += 1;
                self.summary.waiting += talk.steps.len();
                self.tell(id, Some(failure));
            }
            CallEnd::NotSent => {
                self.summary.not_started += 1 + talk.steps.len();
                self.halt(Halt::Stopped(Stopped::Interrupted));
            }
            CallEnd::Down(down) => {
                self.summary.not_started += 1 + talk.steps.len();
                self.halt(Halt::Stopped(Stopped::Down(down)));
            }
            CallEnd::Abandoned => {
                self.summary.abandoned += 1;
                self.summary.not_started += talk.steps.len();
                self.halt(Halt::Stopped(Stopped::Interrupted));
            }
            CallEnd::NotRecorded(error) => {
                self.summary.abandoned += 1;
                self.summary.not_started += talk.steps.len();
                self.halt(Halt::Error(error));
            }
        }
    }

    fn tell(&mut self, id: SampleId, failure: Option<Failure>) {
        let (failure, detail): (Option<FailureKind>, String) =
            failure.map_or((None, String::new()), |failure| (Some(failure.kind), failure.detail));
        (self.on_event)(GenerateEvent::Landed { id, failure, detail, spent: self.budget.spent() });
    }
}
