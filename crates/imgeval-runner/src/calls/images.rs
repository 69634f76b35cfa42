//! Images: one call after another of each conversation, prepared from what the run holds.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use imgeval_core::{CaseId, Generator, ImageRecord, ImageRequest, Outcome, SampleId, Usd};
use imgeval_store::{CallBegun, CallPurpose, GeneratedSample, RunWriter};
use tokio::sync::watch;

use super::{
    Broken, CallError, CallEvent, CallSummary, GenerateSettings, GenerationCase, Step, StopSignal,
    budget::{Budget, SharedBudget},
    call::{Caller, ImageAnswer},
    coordinator::{Limits, carry_out},
    permit::{CallPermit, Unanswered},
    plan::plan_generation,
    talk::{Talk, sketch_request},
    work::{Answered, Landing, Line, Plan, Preparation, Prepared, Work},
};

/// So many changed cases are named.
const OUTDATED_EXAMPLES: usize = 3;

/// Generates the images that the run lacks; every result is recorded before it is reported.
///
/// The run is closed when this returns. Dropping the future abandons the calls in progress, as [`StopSignal::Now`]
/// does.
///
/// # Errors
/// If the store cannot be read or written: no further call begins, and those in progress are recorded as far as
/// possible. Before the first call, if there is a cost limit and no known price, or if images of the run were
/// generated from other prompts or inputs. A failed image is not an error, and neither is a reached limit or an
/// unavailable generator.
pub async fn generate_images(
    run: RunWriter,
    cases: &[GenerationCase],
    generator: Arc<dyn Generator>,
    settings: GenerateSettings<'_>,
    stop: watch::Receiver<StopSignal>,
    on_event: &mut dyn FnMut(CallEvent<SampleId>),
) -> Result<CallSummary, Box<Broken<CallSummary>>> {
    let mut summary = CallSummary::default();
    let limits = Limits { concurrency: settings.concurrency, max_cost: settings.max_cost };
    let wanted = if settings.any_size { None } else { settings.parameters.size };
    let caller = Caller::new(run.directory(), generator, settings.decode.clone(), wanted);
    let mut work = Images { cases, settings: &settings, have: BTreeMap::new(), caller, waiting: Usd::ZERO };
    match carry_out(run, &mut work, limits, stop, on_event, &mut summary).await {
        Ok(_) => Ok(summary),
        Err(error) => Err(Box::new(Broken { error, summary })),
    }
}

struct Images<'a> {
    cases: &'a [GenerationCase],
    settings: &'a GenerateSettings<'a>,
    /// What the run held at the start.
    have: BTreeMap<SampleId, GeneratedSample>,
    caller: Caller,
    /// What all calls may cost that have not begun, if there is a limit.
    waiting: Usd,
}

impl Images<'_> {
    fn prices(&self) -> Prices<'_> {
        Prices { cases: self.cases, settings: self.settings, generator: self.caller.generator.as_ref() }
    }

    /// Leaves the rounds after a failed one alone.
    fn leave(&mut self, talk: &Talk, summary: &mut CallSummary) {
        summary.waiting += talk.steps.len();
        if self.settings.max_cost.is_some() {
            let estimate = self.prices().estimate(&self.cases[talk.place], talk.ordinal, &talk.steps);
            self.waiting = (self.waiting - estimate.unwrap_or_default()).max(Usd::ZERO);
        }
    }
}

impl Work for Images<'_> {
    type Job = Talk;
    type Request = ImageRequest;
    type Free = Outcome<ImageRecord>;
    type Answer = ImageAnswer;
    type Item = SampleId;
    type Caller = Caller;

    fn plan(&mut self, run: &RunWriter, summary: &mut CallSummary) -> Result<Plan<Talk>, CallError> {
        self.have = run.generated_samples()?;
        let GenerateSettings { samples, retry, any_size, .. } = *self.settings;
        let plan = plan_generation(self.cases, samples, &self.have, retry, any_size);
        let calls = plan.iter().flat_map(|item| &item.rounds).filter(|(_, step)| *step == Step::Ask).count();
        let queue = plan.into_iter().map(Talk::new).collect();
        count_before(self.cases, samples, &self.have, &queue, summary);
        Ok(Plan { queue, calls, done: summary.done_before })
    }

    fn price(
        &mut self,
        run: &RunWriter,
        queue: &VecDeque<Talk>,
        budget: &mut Budget,
    ) -> Result<(), CallError> {
        check_origin(self.cases, self.settings, &self.have, queue, self.caller.generator.as_ref())?;
        if budget.has_limit() {
            let prices = self.prices();
            let of_talk = |talk: &Talk| prices.estimate(&self.cases[talk.place], talk.ordinal, &talk.steps);
            let waiting = queue.iter().map(of_talk).sum::<Result<Usd, CallError>>()?;
            prices.remember(&run.image_costs()?, budget);
            self.waiting = waiting;
        }
        Ok(())
    }

    fn n_left(talk: &Talk) -> usize {
        talk.steps.len()
    }

    fn prepare(
        &mut self,
        talk: &Talk,
        line: &Line,
    ) -> Option<Preparation<ImageRequest, Outcome<ImageRecord>>> {
        let (round, step) = talk.steps.front().copied()?;
        let case = &self.cases[talk.place];
        let caller = self.caller.clone();
        let kept = self.have.get(&talk.id(case, round)).and_then(|sample| sample.kept_image.clone());
        Some(match (step, kept) {
            (Step::Reuse, Some(image)) => {
                let (id, writer) = (talk.id(case, round), line.writer.clone());
                Preparation::Task(Box::pin(async move {
                    caller.reuse(&id, image, &writer).await.map(Prepared::Free)
                }))
            }
            (Step::Ask | Step::Reuse, _) => {
                let plan = talk.plan_request(case, round, &self.have, self.settings);
                Preparation::Task(Box::pin(async move { caller.prepare(plan).await.map(Prepared::Request) }))
            }
        })
    }

    fn estimate(&self, _talk: &Talk, request: &ImageRequest) -> Option<Usd> {
        self.caller.generator.estimate(request).map(|cost| cost.amount)
    }

    fn behind(&mut self, estimate: Option<Usd>, _budget: &SharedBudget) -> Usd {
        (self.waiting - estimate.unwrap_or_default()).max(Usd::ZERO)
    }

    fn note_begun(&mut self, behind: Usd) {
        self.waiting = behind;
    }

    fn begun(&self, _talk: &Talk, request: &ImageRequest, estimate: Option<Usd>) -> CallBegun {
        CallBegun {
            work_key: request.work_key(self.caller.generator.meta()),
            purpose: CallPurpose::Image(request.id.clone()),
            prompt: request.prompt.clone(),
            seed: request.seed,
            began_ms: 0,
            estimate,
        }
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn model(&self) -> &str {
        &self.caller.generator.meta().model
    }

    async fn ask(
        caller: &Caller,
        _talk: &Talk,
        request: &ImageRequest,
        permit: &CallPermit<'_>,
    ) -> Result<Answered<ImageAnswer>, Unanswered> {
        caller.ask(request, permit).await
    }

    fn land(&mut self, mut talk: Talk, answer: ImageAnswer, summary: &mut CallSummary) -> Landing<Self> {
        let Some((round, _)) = talk.steps.pop_front() else { return Landing::Over };
        let item = talk.id(&self.cases[talk.place], round);
        let ImageAnswer { outcome, prompt, state } = answer;
        match outcome {
            Outcome::Done(record) => {
                talk.note_answer(round, prompt, &record, state);
                Landing::Made { item, job: Some(talk) }
            }
            Outcome::Failed(failure) => {
                self.leave(&talk, summary);
                Landing::Failed { item, failure }
            }
        }
    }

    fn land_free(
        &mut self,
        mut talk: Talk,
        outcome: Outcome<ImageRecord>,
        summary: &mut CallSummary,
    ) -> Landing<Self> {
        let Some((round, _)) = talk.steps.pop_front() else { return Landing::Over };
        let item = talk.id(&self.cases[talk.place], round);
        match outcome {
            Outcome::Done(record) => {
                let before = self.have.get(&item).map(|sample| (sample.prompt.clone(), sample.state.clone()));
                let (prompt, state) = before.unwrap_or_default();
                talk.note_answer(round, prompt, &record, state);
                Landing::Accepted { item, job: talk }
            }
            Outcome::Failed(failure) => {
                *summary.failed_before.entry(failure.kind).or_default() += 1;
                self.leave(&talk, summary);
                Landing::Over
            }
        }
    }
}

/// An image must not pass for one of a case that has changed under its id. Later rounds depend on answers, and are
/// left to whoever looks after their first.
fn check_origin(
    cases: &[GenerationCase],
    settings: &GenerateSettings<'_>,
    have: &BTreeMap<SampleId, GeneratedSample>,
    plan: &VecDeque<Talk>,
    generator: &dyn Generator,
) -> Result<(), CallError> {
    let asked: BTreeSet<(usize, u32)> = plan
        .iter()
        .filter(|talk| talk.steps.front() == Some(&(1, Step::Ask)))
        .map(|talk| (talk.place, talk.ordinal))
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

/// Counts what of the images wanted needs no work.
fn count_before(
    cases: &[GenerationCase],
    samples: u32,
    have: &BTreeMap<SampleId, GeneratedSample>,
    plan: &VecDeque<Talk>,
    summary: &mut CallSummary,
) {
    let planned: BTreeMap<(usize, u32), &Talk> =
        plan.iter().map(|talk| ((talk.place, talk.ordinal), talk)).collect();
    let mut seen = BTreeSet::new();
    for (place, case) in cases.iter().enumerate().filter(|(_, case)| seen.insert(&case.id)) {
        for ordinal in 0..samples {
            let talk = planned.get(&(place, ordinal));
            let is_planned =
                |round| talk.is_some_and(|talk| talk.steps.iter().any(|(planned, _)| *planned == round));
            for round in (1..).take(case.rounds.len()) {
                let id = SampleId { case: case.id.clone(), ordinal, round };
                match have.get(&id).map(|sample| &sample.outcome) {
                    Some(Outcome::Done(_)) => summary.done_before += 1,
                    _ if is_planned(round) => {}
                    Some(Outcome::Failed(failure)) => {
                        *summary.failed_before.entry(failure.kind).or_default() += 1;
                    }
                    None => summary.waiting += 1,
                }
            }
        }
    }
}
