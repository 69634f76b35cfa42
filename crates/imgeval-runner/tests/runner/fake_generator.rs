//! A generator that does what a test says, with images that are a few letters.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use imgeval_core::{
    Answer, Capabilities, CaseId, Cost, EndpointMeta, Failure, FailureKind, Generator, ImageFormat,
    ImageParameters, ImageRequest, Outcome, Permit, ProviderDown, RoundContext, SampleId, SizeRequest, Usage,
    Usd, WholeReply,
};
use imgeval_runner::{
    Broken, CallEvent, CallSummary, GenerateSettings, GenerationCase, ImageFacts, RoundInput, Shortage,
    StopSignal, Stopped, generate_images,
};
use imgeval_store::{Images, Manifest, RunReader, RunWriter, StoreError};
use tokio::sync::watch;

/// What the fake does when it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// An image of 4 x 3 pixels that costs two cents.
    Image,
    /// A square one.
    Square,
    /// One whose cost is not told.
    Untold,
    Garbage,
    Fail(FailureKind),
    /// As many tries lost, then an image; permission is asked before each try.
    Lost(u32),
    /// As many replies that cannot be used and cost two cents each, then an image; permission is asked before each try.
    Wasted(u32),
    Down,
    /// The only try is lost, and then the provider is down.
    LostThenDown,
    /// Waits for its turn until nothing may be sent any more; never, if that is never told.
    Park,
    /// Never answers.
    Hang,
    Panic,
}

type Script = dyn Fn(&ImageRequest) -> Reply + Send + Sync;

pub(crate) struct FakeGenerator {
    meta: EndpointMeta,
    /// What a call is thought to cost.
    estimate: Option<Usd>,
    /// Whether only first rounds have a price.
    prices_first_rounds_only: bool,
    /// Done at each sending.
    when_sent: Box<dyn Fn() + Send + Sync>,
    script: Box<Script>,
    pub(crate) asked: Mutex<Vec<ImageRequest>>,
    under_way: AtomicUsize,
    pub(crate) most_under_way: AtomicUsize,
    pub(crate) parked: AtomicUsize,
}

pub(crate) fn cents(n: u64) -> Usd {
    Usd::from_nanos(10_000_000).times(n)
}

impl FakeGenerator {
    pub(crate) fn new(script: impl Fn(&ImageRequest) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Self::at_price(Some(cents(3)), script)
    }

    pub(crate) fn at_price(
        estimate: Option<Usd>,
        script: impl Fn(&ImageRequest) -> Reply + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self::make(estimate, script))
    }

    /// Whose further rounds have no known price.
    pub(crate) fn without_price_for_later_rounds() -> Arc<Self> {
        let generator = Self::make(Some(cents(3)), |_| Reply::Image);
        Arc::new(Self { prices_first_rounds_only: true, ..generator })
    }

    /// Loses two tries of each call.
    pub(crate) fn looking(when_sent: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        let generator = Self::make(Some(cents(3)), |_| Reply::Lost(2));
        Arc::new(Self { when_sent: Box::new(when_sent), ..generator })
    }

    fn make(estimate: Option<Usd>, script: impl Fn(&ImageRequest) -> Reply + Send + Sync + 'static) -> Self {
        let meta = EndpointMeta {
            provider: "fake".to_owned(),
            endpoint: String::new(),
            model: "brush".to_owned(),
            version: 1,
        };
        Self {
            meta,
            estimate,
            prices_first_rounds_only: false,
            when_sent: Box::new(|| {}),
            script: Box::new(script),
            asked: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            parked: AtomicUsize::new(0),
        }
    }

    /// What was asked for, sorted.
    pub(crate) fn asked_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.asked.lock().unwrap().iter().map(|request| request.id.to_string()).collect();
        ids.sort();
        ids
    }

    fn answer(&self, request: &ImageRequest, reply: Reply) -> Answer {
        let cost = Some(Cost { amount: cents(2), basis: "told".to_owned() });
        let image = |size: &str| Outcome::Done(format!("{size} {}", request.id).into_bytes());
        let (outcome, cost, lost_tries) = match reply {
            Reply::Image | Reply::Wasted(_) => (image("4x3"), cost, 0),
            Reply::Square => (image("4x4"), cost, 0),
            Reply::Untold => (image("4x3"), None, 0),
            Reply::Garbage => (Outcome::Done(b"<html>".to_vec()), cost, 0),
            Reply::Lost(tries) => (image("4x3"), cost, tries),
            Reply::Fail(kind) => (Outcome::Failed(Failure { kind, detail: "so it is".to_owned() }), None, 0),
            Reply::LostThenDown => {
                let failure = Failure { kind: FailureKind::Transport, detail: "it broke off".to_owned() };
                (Outcome::Failed(failure), None, 1)
            }
            Reply::Down | Reply::Hang | Reply::Panic | Reply::Park => unreachable!("not an answer"),
        };
        let tries = lost_tries + u32::from(outcome.done().is_some() || lost_tries == 0);
        Answer {
            outcome,
            usage: Usage::default(),
            cost,
            revised_prompt: None,
            state: Some(format!("state of {}", request.id)),
            raw: "raw".to_owned(),
            whole: Some(WholeReply::new(200, format!("whole reply about {}", request.id))),
            unused: None,
            wasted: None,
            tries,
            lost_tries,
            down: matches!(reply, Reply::LostThenDown).then(down),
        }
    }
}

fn down() -> ProviderDown {
    ProviderDown { message: "the key is wrong".to_owned(), hint: "mend it".to_owned() }
}

#[async_trait]
impl Generator for FakeGenerator {
    fn meta(&self) -> &EndpointMeta {
        &self.meta
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn estimate(&self, request: &ImageRequest) -> Option<Cost> {
        let is_priced = request.history.is_empty() || !self.prices_first_rounds_only;
        self.estimate.filter(|_| is_priced).map(|amount| Cost { amount, basis: "guessed".to_owned() })
    }

    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, ProviderDown> {
        let reply = (self.script)(request);
        if let Reply::Park = reply {
            self.parked.fetch_add(1, Ordering::SeqCst);
            permit.revoked().await;
        }
        if !permit.may_send(0).await {
            return Ok(Answer::not_sent());
        }
        self.asked.lock().unwrap().push(request.clone());
        (self.when_sent)();
        let under_way = 1 + self.under_way.fetch_add(1, Ordering::SeqCst);
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        match reply {
            Reply::Hang => std::future::pending().await,
            Reply::Panic => panic!("a bug in a client"),
            Reply::Down => Err(down()),
            Reply::Lost(wanted) => {
                for lost in 1..=wanted {
                    if !permit.may_send(lost).await {
                        let broken = self.answer(request, Reply::LostThenDown);
                        return Ok(Answer { tries: lost, lost_tries: lost, down: None, ..broken });
                    }
                    (self.when_sent)();
                }
                Ok(self.answer(request, reply))
            }
            Reply::Wasted(wanted) => {
                for n_wasted in 1..=wanted {
                    let cost = Cost { amount: cents(2).times(u64::from(n_wasted)), basis: "told".to_owned() };
                    permit.note_wasted(cost.amount);
                    let unused = WholeReply::new(200, format!("unusable reply {n_wasted}"));
                    let (wasted, tries) = (Some(cost), n_wasted + u32::from(n_wasted == wanted));
                    let may_go_on = permit.may_send(0).await;
                    if !may_go_on {
                        let failed = self.answer(request, Reply::Fail(FailureKind::Transport));
                        let whole = Some(unused);
                        return Ok(Answer { wasted, whole, tries: n_wasted, ..failed });
                    }
                    (self.when_sent)();
                    if n_wasted == wanted {
                        let image = self.answer(request, reply);
                        return Ok(Answer { wasted, unused: Some(unused), tries, ..image });
                    }
                }
                Ok(self.answer(request, reply))
            }
            reply => Ok(self.answer(request, reply)),
        }
    }
}

/// Reads `4x3 anything`.
pub(crate) fn decode(bytes: &[u8]) -> Result<ImageFacts, Failure> {
    let failed = || Failure { kind: FailureKind::UnsupportedFormat, detail: "an HTML page".to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| failed())?;
    let size = text.split(' ').next().and_then(SizeRequest::parse).ok_or_else(failed)?;
    let SizeRequest::Pixels { width, height } = size else { return Err(failed()) };
    Ok(ImageFacts { format: ImageFormat::Png, width, height, notes: vec![] })
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn open_run(folder: &Path) -> RunWriter {
    let asked = Manifest {
        suite: "fake".to_owned(),
        parameters: BTreeMap::new(),
        generation: BTreeMap::from([("model".to_owned(), "brush".to_owned())]),
        tool_version: "0".to_owned(),
        label: None,
    };
    loop {
        // A run whose writer was abandoned is free a moment later.
        match RunWriter::create_or_open(folder, &asked, "test") {
            Err(StoreError::Locked { .. }) => std::thread::yield_now(),
            run => return run.unwrap(),
        }
    }
}

pub(crate) fn cases(n: usize, rounds: usize) -> Vec<GenerationCase> {
    let round = |case: usize, round: usize| RoundInput {
        prompt: format!("prompt {case}, round {round}"),
        images: vec![],
        mask: None,
    };
    let case = |number: usize| GenerationCase {
        id: CaseId::new(format!("{number:05}")),
        rounds: (1..=rounds).map(|place| round(number, place)).collect(),
    };
    (0..n).map(case).collect()
}

/// A stage with everything that a test may want to change.
pub(crate) struct Stage {
    pub(crate) cases: Vec<GenerationCase>,
    pub(crate) samples: u32,
    pub(crate) size: Option<&'static str>,
    pub(crate) any_size: bool,
    pub(crate) max_cost: Option<Usd>,
    pub(crate) concurrency: usize,
    pub(crate) retry: BTreeSet<FailureKind>,
    pub(crate) seed: Option<u64>,
}

impl Stage {
    pub(crate) fn new(n_cases: usize, rounds: usize) -> Self {
        Self {
            cases: cases(n_cases, rounds),
            samples: 1,
            size: None,
            any_size: false,
            max_cost: None,
            concurrency: 4,
            retry: BTreeSet::new(),
            seed: None,
        }
    }

    pub(crate) fn settings(&self) -> GenerateSettings<'_> {
        GenerateSettings {
            samples: self.samples,
            parameters: ImageParameters {
                size: self.size.map(|size| SizeRequest::parse(size).unwrap()),
                ..ImageParameters::default()
            },
            system: None,
            seed: self.seed,
            concurrency: NonZeroUsize::new(self.concurrency).unwrap(),
            max_cost: self.max_cost,
            retry: &self.retry,
            any_size: self.any_size,
            context: RoundContext::default(),
            decode: Arc::new(decode),
        }
    }

    /// Runs the stage; `on_event` may send a signal.
    pub(crate) fn try_run(
        &self,
        folder: &Path,
        generator: &Arc<FakeGenerator>,
        mut on_event: impl FnMut(&CallEvent<SampleId>, &watch::Sender<StopSignal>),
    ) -> Result<CallSummary, Box<Broken<CallSummary>>> {
        let (sender, stop) = watch::channel(StopSignal::GoOn);
        let mut tell = |event: CallEvent<SampleId>| on_event(&event, &sender);
        runtime().block_on(generate_images(
            open_run(folder),
            &self.cases,
            generator.clone(),
            self.settings(),
            stop,
            &mut tell,
        ))
    }

    pub(crate) fn run(&self, folder: &Path, generator: &Arc<FakeGenerator>) -> CallSummary {
        self.try_run(folder, generator, |_, _| {}).unwrap()
    }
}

/// The samples on record, as `id outcome`.
pub(crate) fn outcomes(folder: &Path) -> Vec<String> {
    let mut told = Vec::new();
    let visit = |seen: imgeval_store::ObservedSample| {
        let outcome = match &seen.sample.outcome {
            Outcome::Done(record) => {
                // Done means that the image lies in the store.
                Images::at(folder).read(&record.image()).unwrap();
                "done"
            }
            Outcome::Failed(failure) => failure.kind.code(),
        };
        told.push(format!("{} {outcome}", seen.sample.id));
    };
    RunReader::open(folder).unwrap().for_each_sample(None, visit).unwrap();
    told
}

/// How often each outcome was recorded, in all attempts ever.
pub(crate) fn attempts(folder: &Path) -> BTreeMap<&'static str, usize> {
    let mut told = BTreeMap::new();
    let visit = |attempt: imgeval_store::AttemptRecord| {
        let code = match attempt.outcome {
            Outcome::Done(_) => "done",
            Outcome::Failed(failure) => failure.kind.code(),
        };
        *told.entry(code).or_default() += 1;
    };
    RunReader::open(folder).unwrap().for_each_attempt(visit).unwrap();
    told
}

/// That a call which may cost `needed` cents did not begin.
pub(crate) fn shortage(needed: u64, left: u64, kept_back: u64, enough: u64) -> Stopped {
    let [needed, left, kept_back, enough] = [needed, left, kept_back, enough].map(cents);
    Stopped::Budget(Shortage { needed, left, kept_back, enough })
}

pub(crate) fn sample_id(case: usize, ordinal: u32, round: u32) -> SampleId {
    SampleId { case: CaseId::new(format!("{case:05}")), ordinal, round }
}
