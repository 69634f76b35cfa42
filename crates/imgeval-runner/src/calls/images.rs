//! The coordinator: which conversation goes on, what may be spent, when to stop.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    thread,
};

use imgeval_core::{
    CaseId, Failure, FailureKind, Generator, ImageRecord, ImageRequest, Outcome, SampleId, Usd,
};
use imgeval_store::{Charge, GeneratedSample, RunWriter};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    Broken, CallError, Conversation, GenerateEvent, GenerateSettings, GenerateSummary, GenerationCase, Step,
    StopSignal, Stopped,
    budget::{Budget, Reserved, lock},
    call::{Caller, LandedCall},
    permit::{Halt, Halting, Unanswered},
    plan::plan_generation,
    talk::{Talk, sketch_request},
    writer::Writer,
};

/// So many changed cases are named.
const OUTDATED_EXAMPLES: usize = 3;

/// Asks for what the run does not hold yet; every result is on record before it is told.
///
/// The run is closed when this returns. Dropping the future abandons the calls under way, as [`StopSignal::Now`] does.
///
/// # Errors
/// If the store cannot be read or written: no further call begins, those under way are recorded as far as possible.
/// Before the first call, if there is a limit on the cost and no price is known, or if images of the run were made from
/// other prompts or inputs. An image that cannot be had is not an error, and neither is a limit that is reached or a
/// generator that is down.
pub async fn generate_images(
    run: RunWriter,
    cases: &[GenerationCase],
    generator: Arc<dyn Generator>,
    settings: GenerateSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(GenerateEvent),
) -> Result<GenerateSummary, Box<Broken<GenerateSummary>>> {
    let mut summary = GenerateSummary::default();
    match generate(run, cases, generator, &settings, stop, on_event, &mut summary).await {
        Ok(stopped) => Ok(GenerateSummary { stopped, ..summary }),
        Err(error) => Err(Box::new(Broken { error, summary })),
    }
}

async fn generate(
    mut run: RunWriter,
    cases: &[GenerationCase],
    generator: Arc<dyn Generator>,
    settings: &GenerateSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(GenerateEvent),
    summary: &mut GenerateSummary,
) -> Result<Option<Stopped>, CallError> {
    run.begin_paid_work()?;
    let interrupted = run.settle_interrupted_calls()?;
    if interrupted > 0 {
        on_event(GenerateEvent::Interrupted { calls: interrupted });
    }
    let have = run.generated_samples()?;
    let plan = plan_generation(cases, settings.samples, &have, settings.retry, settings.any_size);
    let spend = run.spend()?;
    let mut budget = Budget::new(settings.max_cost, spend);
    *summary = GenerateSummary { spend, ..count_before(cases, settings, &have, &plan) };
    summary.not_started = plan.iter().map(|item| item.rounds.len()).sum();
    let calls = plan.iter().flat_map(|item| &item.rounds).filter(|(_, step)| *step == Step::Ask).count();
    on_event(GenerateEvent::Planned { calls, done: summary.done_before, spent: budget.spend() });
    check_origin(cases, settings, &have, &plan, generator.as_ref())?;
    let prices = Prices { cases, settings, generator: generator.as_ref() };
    let mut waiting = Usd::ZERO;
    if budget.has_limit() {
        for Conversation { case, ordinal, rounds } in &plan {
            waiting += prices.estimate(&cases[*case], *ordinal, rounds)?;
        }
        prices.remember(&run.image_costs()?, &mut budget);
    }

    let directory = run.directory().to_owned();
    let concurrency = settings.concurrency.get();
    let writer = Writer::start(run, concurrency.saturating_mul(2).clamp(64, 4096))?;
    let (halting, brake) = Halting::new(stop.clone());
    let caller = Caller {
        directory,
        generator,
        decode: settings.decode.clone(),
        wanted: if settings.any_size { None } else { settings.parameters.size },
        writer: writer.handle(),
        decoding: Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, NonZeroUsize::get))),
        budget: Arc::new(Mutex::new(budget)),
        brake,
    };
    summary.not_started = 0;
    let mut coordinator = Coordinator {
        cases,
        have: &have,
        settings,
        caller,
        queue: plan.into(),
        held: VecDeque::new(),
        tasks: JoinSet::new(),
        waiting,
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

/// An image must not pass for one of a case that has changed under its id. Later rounds depend on answers, and are
/// left to whoever looks after their first.
fn check_origin(
    cases: &[GenerationCase],
    settings: &GenerateSettings<'_>,
    have: &BTreeMap<SampleId, GeneratedSample>,
    plan: &[Conversation],
    generator: &dyn Generator,
) -> Result<(), CallError> {
    let asked: BTreeSet<(usize, u32)> = plan
        .iter()
        .filter(|item| item.rounds.first() == Some(&(1, Step::Ask)))
        .map(|item| (item.case, item.ordinal))
        .collect();
    let (mut n, mut examples) = (0, Vec::new());
    let mut seen = BTreeSet::new();
    for (place, case) in cases.iter().enumerate().filter(|(_, case)| seen.insert(&case.id)) {
        for ordinal in (0..settings.samples).filter(|ordinal| !asked.contains(&(place, *ordinal))) {
            let id = SampleId { case: case.id.clone(), ordinal, round: 1 };
            let Some(sample) = have.get(&id) else { continue };
            let request = sketch_request(case, ordinal, 1, settings);
            if sample.work_key != request.work_key(generator.meta()) {
                n += 1;
                if examples.len() < OUTDATED_EXAMPLES {
                    examples.push(id);
                }
            }
        }
    }
    if n == 0 { Ok(()) } else { Err(CallError::Outdated { n, examples }) }
}

/// What calls may cost that have not begun, or have ended.
struct Prices<'a> {
    cases: &'a [GenerationCase],
    settings: &'a GenerateSettings<'a>,
    generator: &'a dyn Generator,
}

impl Prices<'_> {
    /// Of the calls among these rounds.
    fn estimate<'s>(
        &self,
        case: &GenerationCase,
        ordinal: u32,
        rounds: impl IntoIterator<Item = &'s (u32, Step)>,
    ) -> Result<Usd, CallError> {
        let calls = rounds.into_iter().filter(|(_, step)| *step == Step::Ask);
        calls
            .map(|(round, _)| {
                let request = sketch_request(case, ordinal, *round, self.settings);
                let estimate = self.generator.estimate(&request).map(|cost| cost.amount);
                let what = || self.generator.meta().model.clone();
                estimate.ok_or_else(|| CallError::PriceUnknown { what: what() })
            })
            .sum()
    }

    /// Holds what calls cost before against their estimates.
    fn remember(&self, costs: &[(SampleId, Usd)], budget: &mut Budget) {
        let by_id: BTreeMap<&CaseId, &GenerationCase> =
            self.cases.iter().map(|case| (&case.id, case)).collect();
        for (id, cost) in costs {
            if let Some(case) = by_id.get(&id.case)
                && (1..=case.rounds.len()).contains(&(id.round as usize))
                && let Ok(estimate) = self.estimate(case, id.ordinal, [&(id.round, Step::Ask)])
            {
                budget.remember(estimate, *cost);
            }
        }
    }
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

/// What a task brings back.
enum Landed {
    Prepared(Talk, u32, Box<Result<ImageRequest, CallError>>),
    Called(Talk, u32, Reserved, Result<LandedCall, Unanswered>),
    Reused(Talk, u32, Result<Outcome<ImageRecord>, Unanswered>),
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
    queue: VecDeque<Conversation>,
    held: VecDeque<Held>,
    tasks: JoinSet<Landed>,
    /// What all calls may cost that have not begun, if there is a limit.
    waiting: Usd,
    halting: Halting,
    summary: &'a mut GenerateSummary,
    on_event: &'a mut dyn FnMut(GenerateEvent),
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
                && let Some(conversation) = self.queue.pop_front()
            {
                self.go_on(Talk::new(conversation));
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
        let queued = self.queue.iter().map(|item| item.rounds.len());
        let held = self.held.iter().map(|held| held.talk.steps.len());
        self.summary.not_started += queued.chain(held).sum::<usize>();
    }

    /// Starts the next step of a conversation, if there is one and nothing has come between.
    fn go_on(&mut self, talk: Talk) {
        if self.halting.is_halted() {
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
            (Step::Reuse, Some(image)) => {
                let id = talk.id(case, round);
                self.tasks.spawn(async move {
                    let reused = caller.reuse(&id, image).await;
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
        while !self.halting.is_halted()
            && let Some(held) = self.held.front()
        {
            let model = &self.caller.generator.meta().model;
            let behind = (self.waiting - held.estimate.unwrap_or_default()).max(Usd::ZERO);
            if !self.halting.admit(&self.caller.budget, held.estimate, behind, model) {
                return;
            }
            self.waiting = behind;
            if let Some(Held { talk, round, request, estimate }) = self.held.pop_front() {
                let caller = self.caller.clone();
                self.tasks.spawn(async move {
                    let (reserved, end) = caller.call(&request, estimate).await;
                    Landed::Called(talk, round, reserved, end)
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
                    self.halting.halt(Halt::Error(Some(error)));
                }
            },
            Landed::Called(talk, round, reserved, Ok(call)) => {
                lock(&self.caller.budget).settle(reserved, &call.charge, call.has_result);
                self.land_call(talk, round, call);
            }
            Landed::Called(talk, _, reserved, Err(end)) => {
                lock(&self.caller.budget).settle(reserved, &Charge::default(), false);
                self.land_unanswered(&talk, end);
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
                        self.leave(&talk);
                    }
                }
            }
            Landed::Reused(talk, _, Err(end)) => self.land_unanswered(&talk, end),
        }
    }

    fn land_call(&mut self, mut talk: Talk, round: u32, call: LandedCall) {
        talk.steps.pop_front();
        let id = talk.id(&self.cases[talk.place], round);
        let LandedCall { outcome, prompt, state, halt, .. } = call;
        if let Some(halt) = halt {
            self.halting.halt(halt);
        }
        match outcome {
            Outcome::Done(record) => {
                self.summary.made += 1;
                talk.note_answer(round, prompt, &record, state);
                self.tell(id, None);
                self.go_on(talk);
            }
            Outcome::Failed(failure) => {
                *self.summary.failed.entry(failure.kind).or_default() += 1;
                self.leave(&talk);
                self.tell(id, Some(failure));
            }
        }
    }

    /// Leaves the rounds after a failed one alone.
    fn leave(&mut self, talk: &Talk) {
        self.summary.waiting += talk.steps.len();
        if self.settings.max_cost.is_some() {
            let generator = self.caller.generator.as_ref();
            let prices = Prices { cases: self.cases, settings: self.settings, generator };
            let estimate = prices.estimate(&self.cases[talk.place], talk.ordinal, &talk.steps);
            self.waiting = (self.waiting - estimate.unwrap_or_default()).max(Usd::ZERO);
        }
    }

    fn land_unanswered(&mut self, talk: &Talk, end: Unanswered) {
        self.summary.not_started += talk.steps.len();
        match end {
            Unanswered::NotSent(halt) => self.halting.halt(halt),
            Unanswered::Lost(halt) => {
                self.summary.not_started -= 1;
                self.summary.abandoned += 1;
                self.halting.halt(halt);
            }
        }
    }

    fn tell(&mut self, id: SampleId, failure: Option<Failure>) {
        let (failure, detail): (Option<FailureKind>, String) =
            failure.map_or((None, String::new()), |failure| (Some(failure.kind), failure.detail));
        let spent = lock(&self.caller.budget).spend();
        (self.on_event)(GenerateEvent::Landed { id, failure, detail, spent });
    }
}
