//! Judging with a fake: what is asked, what is kept word for word, what is spent, and what survives an interruption.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use imgeval_core::{
    CaseId, ContentHash, Cost, Decoding, EndpointMeta, Failure, FailureKind, Judge, JudgeIdentity,
    JudgeQuestion, Outcome, Permit, ProviderDown, QuestionPart, SampleId, TextAnswer, Usage, Usd, WholeReply,
};
use imgeval_runner::{
    Broken, CallError, CallEvent, CallSummary, JudgeSettings, MakeQuestion, StopSignal, Stopped, judge_images,
};
use imgeval_store::{JudgedItem, JudgedRole, JudgmentRecord, RunReader, RunWriter, Spend, StoredJudge};
use tokio::sync::watch;

use crate::fake_generator::{cents, open_run, runtime, shortage};

/// What the fake does when it is asked.
#[derive(Debug, Clone)]
enum Reply {
    /// Costs two cents.
    Say(&'static str),
    Fail(FailureKind),
    /// Costs nothing and was not sent.
    Down,
    /// Waits for its turn until nothing may be sent any more.
    Park,
    /// Never answers.
    Hang,
    /// Answers once nothing new may be sent.
    Slow,
    Panic,
}

/// Case and how often it was asked before.
type Script = dyn Fn(&str, usize) -> Reply + Send + Sync;

struct FakeJudge {
    meta: EndpointMeta,
    estimate: Option<Usd>,
    script: Box<Script>,
    asked: Mutex<Vec<String>>,
}

impl FakeJudge {
    fn new(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Self::at_price(Some(cents(3)), script)
    }

    fn at_price(
        estimate: Option<Usd>,
        script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    ) -> Arc<Self> {
        let script = Box::new(script);
        Arc::new(Self { meta: identity().judge, estimate, script, asked: Mutex::default() })
    }

    fn good() -> Arc<Self> {
        Self::new(|_, _| Reply::Say("score 5"))
    }

    /// The cases asked about, sorted.
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

fn answer(outcome: Outcome<String>, tries: u32) -> TextAnswer {
    let cost = outcome.done().is_some().then(|| Cost { amount: cents(2), basis: "told".to_owned() });
    let raw = format!("raw {outcome:?}");
    let whole = Some(WholeReply::new(200, format!("whole {raw}")));
    let (usage, unused, wasted) = (Usage::default(), None, None);
    TextAnswer { outcome, usage, cost, raw, whole, unused, wasted, tries, lost_tries: 0, down: None }
}

fn failed(kind: FailureKind) -> Outcome<String> {
    Outcome::Failed(Failure { kind, detail: "so it is".to_owned() })
}

#[async_trait]
impl Judge for FakeJudge {
    fn meta(&self) -> &EndpointMeta {
        &self.meta
    }

    fn estimate(&self, _question: &JudgeQuestion) -> Option<Cost> {
        self.estimate.map(|amount| Cost { amount, basis: "guessed".to_owned() })
    }

    async fn judge(&self, question: &JudgeQuestion, permit: &dyn Permit) -> Result<TextAnswer, ProviderDown> {
        let [QuestionPart::Text(case)] = question.parts.as_slice() else { panic!("{question:?}") };
        let before = self.asked.lock().unwrap().iter().filter(|asked| *asked == case).count();
        let reply = (self.script)(case, before);
        if let Reply::Park = reply {
            permit.revoked().await;
        }
        if !permit.may_send(0).await {
            return Ok(answer(failed(FailureKind::Interrupted), 0));
        }
        self.asked.lock().unwrap().push(case.clone());
        tokio::task::yield_now().await;
        match reply {
            Reply::Say(words) => Ok(answer(Outcome::Done(words.to_owned()), 1)),
            Reply::Fail(kind) => Ok(answer(failed(kind), 1)),
            Reply::Down => {
                Err(ProviderDown { message: "the key is wrong".to_owned(), hint: "mend it".to_owned() })
            }
            Reply::Park => unreachable!("it was revoked"),
            Reply::Hang => std::future::pending().await,
            Reply::Slow => {
                permit.revoked().await;
                Ok(answer(Outcome::Done("score 1".to_owned()), 1))
            }
            Reply::Panic => panic!("a bug in a client"),
        }
    }
}

fn identity() -> JudgeIdentity {
    JudgeIdentity {
        judge: EndpointMeta {
            provider: "fake".to_owned(),
            endpoint: String::new(),
            model: "eye".to_owned(),
            version: 1,
        },
        protocol: "own@1".to_owned(),
        protocol_hash: ContentHash::of(b"own"),
    }
}

/// A run that knows the judge.
fn open_judged_run(folder: &Path) -> RunWriter {
    let run = open_run(folder);
    run.record_judge(&StoredJudge { identity: identity(), protocol: "words".to_owned() }).unwrap();
    run
}

fn item(case: &str) -> JudgedItem {
    let id = SampleId::new(CaseId::new(case.to_owned()), 0);
    JudgedItem::new(&identity(), JudgedRole::Sample, id, ContentHash::of(case.as_bytes()), 0)
}

fn make_question() -> MakeQuestion {
    Arc::new(|item: &JudgedItem| {
        let case = item.id.case.as_str().to_owned();
        match case.as_str() {
            "gone" => {
                Err(Failure { kind: FailureKind::NotAccessible, detail: "the image is gone".to_owned() })
            }
            "breaks" => panic!("a bug in the preparation"),
            _ => Ok(JudgeQuestion {
                system: None,
                parts: vec![QuestionPart::Text(case)],
                decoding: Decoding::default(),
            }),
        }
    })
}

fn is_readable(text: &str) -> bool {
    text.starts_with("score ")
}

/// The stage with everything that a test may want to change.
struct Stage {
    cases: Vec<String>,
    concurrency: usize,
    max_cost: Option<Usd>,
    only: Option<BTreeSet<FailureKind>>,
    retry: BTreeSet<FailureKind>,
}

impl Stage {
    fn new(cases: &[&str]) -> Self {
        let cases = cases.iter().map(|case| (*case).to_owned()).collect();
        Self { cases, concurrency: 2, max_cost: None, only: None, retry: BTreeSet::new() }
    }

    fn numbered(n: usize) -> Self {
        let cases: Vec<String> = (0..n).map(|number| format!("{number:02}")).collect();
        Self { cases, ..Self::new(&[]) }
    }

    fn settings(&self) -> JudgeSettings<'_> {
        JudgeSettings {
            concurrency: NonZeroUsize::new(self.concurrency).unwrap(),
            max_cost: self.max_cost,
            max_tries: 3,
            only: self.only.as_ref(),
            retry: &self.retry,
            is_readable: &is_readable,
            question: make_question(),
        }
    }

    fn items(&self) -> Vec<JudgedItem> {
        self.cases.iter().map(|case| item(case)).collect()
    }

    /// Runs the stage; `on_event` may send a signal. Every item is counted once, and the summary agrees with the store.
    fn try_run(
        &self,
        folder: &Path,
        judge: &Arc<FakeJudge>,
        mut on_event: impl FnMut(&CallEvent<JudgedItem>, &watch::Sender<StopSignal>),
    ) -> Result<CallSummary, Box<Broken<CallSummary>>> {
        let run = open_judged_run(folder);
        let (sender, stop) = watch::channel(StopSignal::GoOn);
        let mut tell = |event: CallEvent<JudgedItem>| on_event(&event, &sender);
        let stage = judge_images(run, self.items(), judge.clone(), self.settings(), stop, &mut tell);
        let result = runtime().block_on(stage);
        let summary = result.as_ref().unwrap_or_else(|broken| &broken.summary);
        let failed: usize = summary.failed.values().chain(summary.failed_before.values()).sum();
        let counted = summary.done_before + summary.made + failed + summary.not_started + summary.abandoned;
        assert_eq!(counted, self.cases.len(), "{summary:?}");
        if result.is_ok() {
            assert_eq!(summary.spend, RunReader::open(folder).unwrap().spend().unwrap());
        }
        result
    }

    fn run(&self, folder: &Path, judge: &Arc<FakeJudge>) -> CallSummary {
        self.try_run(folder, judge, |_, _| {}).unwrap()
    }
}

/// What is on record, in order, as `case: words` or `case: outcome`.
fn on_record(folder: &Path) -> Vec<String> {
    let mut told = Vec::new();
    let visit = |judgment: JudgmentRecord| {
        let words = match &judgment.outcome {
            Outcome::Done(words) => words.clone(),
            Outcome::Failed(failure) => failure.kind.code().to_owned(),
        };
        told.push(format!("{}: {words}", judgment.item.id.case));
    };
    RunReader::open(folder).unwrap().for_each_judgment_call(visit).unwrap();
    told
}

fn kinds(counts: &[(FailureKind, usize)]) -> BTreeMap<FailureKind, usize> {
    counts.iter().copied().collect()
}

#[test]
fn a_second_start_asks_only_what_has_no_readable_answer() {
    let folder = tempfile::tempdir().unwrap();
    let summary = Stage::new(&["a", "b"]).run(folder.path(), &FakeJudge::good());
    assert_eq!((summary.made, summary.stopped, summary.spend.known), (2, None, cents(4)));

    let again = FakeJudge::good();
    let mut planned = None;
    let stage = Stage::new(&["a", "b", "c"]);
    let summary = stage.try_run(folder.path(), &again, |event, _| {
        if let CallEvent::Planned { .. } = event {
            planned = Some(event.clone());
        }
    });
    let spent = Spend { known: cents(4), calls: 2, tries: 2, ..Spend::default() };
    assert_eq!(planned, Some(CallEvent::Planned { calls: 1, done: 2, spent }));
    assert_eq!(again.asked(), ["c"]);
    let summary = summary.unwrap();
    assert_eq!((summary.done_before, summary.made, summary.spend.known), (2, 1, cents(6)));
}

#[test]
fn another_image_or_repeat_of_a_sample_is_another_question() {
    let folder = tempfile::tempdir().unwrap();
    Stage::new(&["a"]).run(folder.path(), &FakeJudge::good());
    let id = SampleId::new(CaseId::new("a".to_owned()), 0);
    let item = |role, image: &[u8], repeat| {
        JudgedItem::new(&identity(), role, id.clone(), ContentHash::of(image), repeat)
    };
    let items = vec![
        item(JudgedRole::Sample, b"a", 0),
        item(JudgedRole::Sample, b"other", 0),
        item(JudgedRole::Sample, b"a", 1),
        item(JudgedRole::Anchor, b"a", 0),
    ];
    let judge = FakeJudge::good();
    let stage = Stage::new(&[]);
    let (_sender, stop) = watch::channel(StopSignal::GoOn);
    let mut ignore = |_| {};
    let run = open_judged_run(folder.path());
    let judging = judge_images(run, items, judge.clone(), stage.settings(), stop, &mut ignore);
    let summary = runtime().block_on(judging).unwrap();
    assert_eq!((summary.done_before, summary.made, judge.asked().len()), (1, 3, 3));
}

#[test]
fn replies_that_cannot_be_read_are_asked_again_thrice_in_all_and_every_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let judge = FakeJudge::new(|case, before| match (case, before) {
        ("late", 2) => Reply::Say("score 4"),
        ("late" | "never", 0) => Reply::Say("I like it"),
        ("late" | "never", 1) => Reply::Say("4?"),
        ("never", _) => Reply::Say("who knows\u{1b}[31m\nwell"),
        _ => Reply::Say("score 3"),
    });
    let stage = Stage { concurrency: 1, ..Stage::new(&["late", "never", "fine"]) };
    let mut told = Vec::new();
    let summary = stage
        .try_run(folder.path(), &judge, |event, _| {
            if let CallEvent::Landed { item, failure, .. } = event {
                told.push((item.id.case.to_string(), failure.clone()));
            }
        })
        .unwrap();
    assert_eq!((summary.made, summary.failed), (2, kinds(&[(FailureKind::Unparsed, 1)])));
    assert_eq!(
        on_record(folder.path()),
        [
            "late: I like it",
            "never: I like it",
            "fine: score 3",
            "late: 4?",
            "never: 4?",
            "late: score 4",
            "never: who knows\u{1b}[31m\nwell",
        ]
    );
    assert_eq!(summary.spend.known, cents(14), "what cannot be read is paid too");
    let detail = "no score in: who knows [31m well".to_owned();
    let unparsed = Failure { kind: FailureKind::Unparsed, detail };
    let expected = [("fine", None), ("late", None), ("never", Some(unparsed))];
    assert_eq!(told, expected.map(|(case, failure)| (case.to_owned(), failure)), "each is told once");

    let again = FakeJudge::good();
    let summary = stage.run(folder.path(), &again);
    assert_eq!((summary.done_before, summary.made), (2, 0));
    assert_eq!(summary.failed_before, kinds(&[(FailureKind::Unparsed, 1)]));
    assert_eq!(again.asked(), [""; 0], "three unreadable answers stand");
}

#[test]
fn questions_interrupted_between_unreadable_replies_go_on_counting() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(&["a"]);
    let judge = FakeJudge::new(|_, before| if before == 1 { Reply::Hang } else { Reply::Say("hm") });
    let (sender, stop) = watch::channel(StopSignal::GoOn);
    runtime().block_on(async {
        let mut ignore = |_| {};
        let run = open_judged_run(folder.path());
        let all = judge_images(run, stage.items(), judge.clone(), stage.settings(), stop, &mut ignore);
        let hangs = async {
            while judge.asked().len() < 2 {
                tokio::task::yield_now().await;
            }
            sender.send(StopSignal::Now).unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = all => assert_eq!(ended.unwrap().abandoned, 1),
            () = hangs => {}
        }
    });
    let again = FakeJudge::new(|_, _| Reply::Say("hm"));
    let summary = stage.run(folder.path(), &again);
    assert_eq!(summary.failed, kinds(&[(FailureKind::Unparsed, 1)]));
    assert_eq!(on_record(folder.path()), ["a: hm", "a: interrupted", "a: hm", "a: hm"]);
}

#[test]
fn refusals_stand_until_named_and_faults_are_asked_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(&["no", "blocked", "late", "broken", "fine"]);
    let judge = FakeJudge::new(|case, _| match case {
        "no" => Reply::Fail(FailureKind::Refused),
        "blocked" => Reply::Fail(FailureKind::Moderated),
        "late" => Reply::Fail(FailureKind::TimedOut),
        "broken" => Reply::Fail(FailureKind::Transport),
        _ => Reply::Say("score 0"),
    });
    use FailureKind::{Moderated, Refused, TimedOut, Transport};
    let summary = stage.run(folder.path(), &judge);
    let all = [(Refused, 1), (Moderated, 1), (TimedOut, 1), (Transport, 1)];
    assert_eq!((summary.made, summary.failed), (1, kinds(&all)));
    assert_eq!(judge.asked().len(), 5, "none is asked again at once");

    let again = FakeJudge::good();
    let summary = stage.run(folder.path(), &again);
    assert_eq!(again.asked(), ["broken", "late"]);
    assert_eq!(summary.failed_before, kinds(&[(Refused, 1), (Moderated, 1)]));

    stage.retry.insert(Refused);
    let again = FakeJudge::good();
    let summary = stage.run(folder.path(), &again);
    assert_eq!((again.asked(), summary.made), (vec!["no".to_owned()], 1));
}

#[test]
fn only_what_ended_as_named_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let first = FakeJudge::new(|case, _| match case {
        "late" => Reply::Fail(FailureKind::TimedOut),
        "no" => Reply::Fail(FailureKind::Refused),
        "odd" => Reply::Say("hm"),
        _ => Reply::Say("score 1"),
    });
    let mut stage = Stage::new(&["late", "no", "odd", "fine"]);
    stage.run(folder.path(), &first);
    stage.cases.push("new".to_owned());
    stage.only = Some(BTreeSet::from([FailureKind::Unparsed]));
    let judge = FakeJudge::new(|_, before| Reply::Say(if before == 1 { "score 2" } else { "hm" }));
    let summary = stage.run(folder.path(), &judge);
    assert_eq!(judge.asked(), ["odd", "odd"], "as often as at first");
    assert_eq!((summary.done_before, summary.made, summary.not_started), (1, 1, 1));
    assert_eq!(summary.failed_before, kinds(&[(FailureKind::TimedOut, 1), (FailureKind::Refused, 1)]));
    stage.only = Some(BTreeSet::from([FailureKind::TimedOut, FailureKind::Unparsed]));
    let judge = FakeJudge::good();
    stage.run(folder.path(), &judge);
    assert_eq!(judge.asked(), ["late"]);
}

#[test]
fn the_budget_stops_before_it_is_passed_and_a_higher_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage { max_cost: Some(cents(10)), ..Stage::numbered(6) };
    let judge = FakeJudge::good();
    let summary = stage.run(folder.path(), &judge);
    assert_eq!(summary.stopped, Some(shortage(3, 4, 3, 15)));
    assert_eq!((summary.made, summary.not_started, summary.spend.known), (3, 3, cents(6)));
    // What a question cost is known from the start.
    assert_eq!(stage.run(folder.path(), &judge).stopped, Some(shortage(3, 4, 3, 15)));
    stage.max_cost = Some(cents(100));
    let summary = stage.run(folder.path(), &FakeJudge::good());
    assert_eq!((summary.done_before, summary.made, summary.spend.known), (3, 3, cents(12)));
}

#[test]
fn asking_again_keeps_to_the_budget_too() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { max_cost: Some(cents(5)), ..Stage::new(&["a"]) };
    let judge = FakeJudge::new(|_, _| Reply::Say("hm"));
    let summary = stage.run(folder.path(), &judge);
    assert_eq!((judge.asked().len(), summary.not_started, summary.spend.known), (2, 1, cents(4)));
    assert_eq!(summary.stopped, Some(shortage(3, 1, 1, 7)));
}

#[test]
fn without_a_price_a_limit_is_refused_before_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { max_cost: Some(cents(99)), ..Stage::numbered(3) };
    let judge = FakeJudge::at_price(None, |_, _| Reply::Say("score 1"));
    let broken = stage.try_run(folder.path(), &judge, |_, _| {}).unwrap_err();
    assert!(matches!(&broken.error, CallError::PriceUnknown { what } if what == "eye"), "{broken:?}");
    assert_eq!(judge.asked(), [""; 0]);
    assert_eq!(broken.summary.not_started, 3);
}

#[test]
fn a_stop_waits_for_the_calls_under_way_and_keeps_their_words() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::numbered(6);
    let judge = FakeJudge::new(|case, _| match case {
        "01" => Reply::Slow,
        _ => Reply::Say("score 5"),
    });
    let summary = stage
        .try_run(folder.path(), &judge, |event, stop| {
            if matches!(event, CallEvent::Landed { item, .. } if item.id.case.as_str() == "00") {
                stop.send(StopSignal::FinishCalls).unwrap();
            }
        })
        .unwrap();
    assert_eq!((summary.stopped.clone(), summary.abandoned), (Some(Stopped::Interrupted), 0));
    assert!((1..=3).contains(&summary.made), "{summary:?}");
    assert_eq!(judge.asked().len(), summary.made);
    let again = FakeJudge::good();
    let rest = stage.run(folder.path(), &again);
    assert_eq!((rest.done_before, again.asked().len()), (summary.made, 6 - summary.made));
    assert_eq!(on_record(folder.path()).len(), 6, "no question was asked twice");
}

#[test]
fn abandoned_calls_stay_on_record_and_the_next_start_settles_and_asks_them() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::numbered(5);
    let judge = FakeJudge::new(|case, _| match case {
        "00" => Reply::Hang,
        _ => Reply::Say("score 5"),
    });
    let summary = stage
        .try_run(folder.path(), &judge, |event, stop| {
            if matches!(event, CallEvent::Landed { item, .. } if item.id.case.as_str() == "02") {
                stop.send(StopSignal::Now).unwrap();
            }
        })
        .unwrap();
    assert_eq!(summary.stopped, Some(Stopped::Interrupted));
    assert!((1..=2).contains(&summary.abandoned), "{summary:?}");
    let again = FakeJudge::good();
    let mut interrupted = 0;
    let summary = stage
        .try_run(folder.path(), &again, |event, _| {
            if let CallEvent::Interrupted { calls } = event {
                interrupted = *calls;
            }
        })
        .unwrap();
    assert_eq!(summary.done_before + summary.made, 5);
    assert!(again.asked().contains(&"00".to_owned()));
    assert_eq!(summary.spend.possible, cents(3).times(interrupted as u64), "perhaps it was billed");
    assert!(on_record(folder.path()).contains(&"00: interrupted".to_owned()));
}

/// As when the process is killed: nobody gets to tidy up.
#[test]
fn a_future_that_is_dropped_leaves_its_calls_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::numbered(4);
    let judge = FakeJudge::new(|_, _| Reply::Hang);
    let (_sender, stop) = watch::channel(StopSignal::GoOn);
    runtime().block_on(async {
        let mut ignore = |_| {};
        let run = open_judged_run(folder.path());
        let all = judge_images(run, stage.items(), judge.clone(), stage.settings(), stop, &mut ignore);
        let two_hang = async {
            while judge.asked().len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ended = all => panic!("{ended:?}"),
            () = two_hang => {}
        }
    });
    let again = FakeJudge::good();
    let summary = stage.run(folder.path(), &again);
    assert_eq!((summary.made, summary.spend.possible, summary.spend.lost_tries), (4, cents(6), 2));
    assert_eq!(again.asked().len(), 4);
    let record = on_record(folder.path());
    assert_eq!(record.iter().filter(|line| line.ends_with(": interrupted")).count(), 2, "{record:?}");
}

#[test]
fn a_judge_that_is_down_stops_everything_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 1, ..Stage::numbered(5) };
    let judge = FakeJudge::new(|case, _| if case == "01" { Reply::Down } else { Reply::Say("score 5") });
    let summary = stage.run(folder.path(), &judge);
    assert!(matches!(&summary.stopped, Some(Stopped::Down(down)) if down.message == "the key is wrong"));
    assert_eq!((summary.made, summary.not_started, summary.spend.total()), (1, 4, cents(2)));
    assert_eq!(on_record(folder.path()), ["00: score 5"]);
    let again = FakeJudge::good();
    assert_eq!(stage.run(folder.path(), &again).made, 4);
}

#[test]
fn a_call_that_waits_for_its_turn_is_neither_under_way_nor_sent_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let judge = FakeJudge::new(|case, _| if case == "00" { Reply::Park } else { Reply::Down });
    let summary = Stage::numbered(2).run(folder.path(), &judge);
    assert_eq!((summary.not_started, summary.abandoned, summary.spend.possible), (2, 0, Usd::ZERO));
    assert_eq!(judge.asked(), ["01"]);
    assert_eq!(open_run(folder.path()).settle_interrupted_calls().unwrap(), 0);
}

#[test]
fn a_question_that_cannot_be_made_fails_alone_and_is_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(&["gone", "a", "breaks", "b"]);
    let judge = FakeJudge::good();
    let mut told = BTreeMap::new();
    let summary = stage
        .try_run(folder.path(), &judge, |event, _| {
            if let CallEvent::Landed { item, failure: Some(failure), .. } = event {
                told.insert(item.id.case.to_string(), failure.detail.clone());
            }
        })
        .unwrap();
    assert_eq!((summary.made, summary.stopped), (2, None));
    assert_eq!(summary.failed, kinds(&[(FailureKind::NotAccessible, 2)]));
    assert_eq!(told["gone"], "the image is gone");
    assert!(told["breaks"].starts_with("preparing it ended unexpectedly: "), "{told:?}");
    assert_eq!((judge.asked(), on_record(folder.path()).len()), (vec!["a".to_owned(), "b".to_owned()], 2));
    let summary = stage.run(folder.path(), &FakeJudge::good());
    assert_eq!((summary.failed, summary.done_before), (kinds(&[(FailureKind::NotAccessible, 2)]), 2));
}

#[test]
fn a_bug_in_a_client_is_an_error_and_its_call_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 1, ..Stage::numbered(3) };
    let judge = FakeJudge::new(|case, _| if case == "01" { Reply::Panic } else { Reply::Say("score 5") });
    let broken = stage.try_run(folder.path(), &judge, |_, _| {}).unwrap_err();
    assert!(matches!(broken.error, CallError::Broke { .. }), "{broken:?}");
    assert_eq!((broken.summary.made, broken.summary.abandoned), (1, 1));
    let summary = stage.run(folder.path(), &FakeJudge::good());
    assert_eq!((summary.made, summary.spend.possible), (2, cents(3)));
}

#[test]
fn replies_are_told_only_when_they_are_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let judge = FakeJudge::new(|case, _| match case {
        "03" => Reply::Fail(FailureKind::Refused),
        "05" => Reply::Say("hm"),
        _ => Reply::Say("score 5"),
    });
    let mut told = 0;
    Stage { concurrency: 4, ..Stage::numbered(12) }
        .try_run(folder.path(), &judge, |event, _| {
            if let CallEvent::Landed { item, .. } = event {
                let case = format!("{}: ", item.id.case);
                let known = on_record(folder.path()).iter().filter(|line| line.starts_with(&case)).count();
                assert_eq!(known, if item.id.case.as_str() == "05" { 3 } else { 1 }, "{case}");
                told += 1;
            }
        })
        .unwrap();
    assert_eq!(told, 12);
}

#[test]
fn a_store_that_fails_ends_the_stage_and_the_answer_that_was_lost_is_possibly_billed() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_run(folder.path()));
    let database = || rusqlite::Connection::open(folder.path().join("run.db")).unwrap();
    // The answer of 02 cannot be recorded beside that of 01.
    let index = "CREATE UNIQUE INDEX full ON judgments (CASE case_id WHEN '02' THEN '01' ELSE case_id END)";
    let stage = Stage { concurrency: 1, ..Stage::numbered(6) };
    let judge = FakeJudge::good();
    // A run with an index that is not its own would not be opened.
    let fill_the_disk = |event: &CallEvent<JudgedItem>, _: &_| {
        if matches!(event, CallEvent::Planned { .. }) {
            database().execute_batch(index).unwrap();
        }
    };
    let broken = stage.try_run(folder.path(), &judge, fill_the_disk).unwrap_err();
    database().execute_batch("DROP INDEX full").unwrap();
    assert!(matches!(broken.error, CallError::Store(_)), "{broken:?}");
    assert_eq!(judge.asked(), ["00", "01", "02"], "no further call begins");
    let summary = &broken.summary;
    assert_eq!((summary.made, summary.abandoned, summary.not_started), (2, 1, 3));
    assert_eq!(on_record(folder.path()), ["00: score 5", "01: score 5"]);

    let again = FakeJudge::good();
    let summary = stage.run(folder.path(), &again);
    assert_eq!(again.asked(), ["02", "03", "04", "05"]);
    assert_eq!((summary.done_before, summary.made, summary.spend.possible), (2, 4, cents(3)));
}

#[test]
fn interrupted_after_any_reply_every_question_is_paid_once() {
    for stop_after in 1..=6 {
        for signal in [StopSignal::FinishCalls, StopSignal::Now] {
            let folder = tempfile::tempdir().unwrap();
            let (stage, judge) = (Stage::numbered(6), FakeJudge::good());
            let mut n_landed = 0;
            let first = stage.try_run(folder.path(), &judge, |event, stop| {
                n_landed += usize::from(matches!(event, CallEvent::Landed { .. }));
                if n_landed == stop_after {
                    stop.send(signal).unwrap();
                }
            });
            let first = first.unwrap();
            let second = stage.run(folder.path(), &judge);
            assert_eq!(first.made + second.made, 6);
            let record = on_record(folder.path());
            assert_eq!(record.iter().filter(|line| line.ends_with("score 5")).count(), 6, "{record:?}");
            assert_eq!(second.spend.known, cents(12));
            assert_eq!(second.spend.possible, cents(3).times(first.abandoned as u64));
        }
    }
}
