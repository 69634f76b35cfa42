//! Calls, attempts, generated samples and what they cost.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::{
    CaseId, ContentHash, Cost, Failure, FailureKind, ImageFormat, ImageNote, ImageRecord, ImageRef, Outcome,
    Sample, SampleId, Usage, Usd, WorkKey,
};
use imgeval_store::{
    AttemptRecord, CallBegun, CallPurpose, Charge, FileStamp, GenerationBatch, ImportedSample, KeptReply,
    Manifest, RecordedSample, RewriteRecord, RunReader, RunWriter, Spend,
};
use proptest::prelude::*;

pub(super) fn asked_of(model: &str) -> Manifest {
    Manifest {
        suite: "fake".to_owned(),
        parameters: BTreeMap::new(),
        generation: BTreeMap::from([("model".to_owned(), model.to_owned())]),
        tool_version: "0".to_owned(),
        label: None,
    }
}

pub(super) fn new_run(folder: &Path) -> RunWriter {
    let mut run = RunWriter::create_or_open(folder, &asked_of("m"), "test").unwrap();
    run.begin_paid_work().unwrap();
    run
}

pub(super) fn id(ordinal: u32, round: u32) -> SampleId {
    SampleId { case: CaseId::new("00000"), ordinal, round }
}

fn key(id: &SampleId) -> WorkKey {
    WorkKey::new(format!("key of {id}"))
}

pub(super) fn image(name: &str) -> ImageRecord {
    let (hash, format) = (ContentHash::of(name.as_bytes()), ImageFormat::WebP);
    ImageRecord { hash, format, width: 640, height: 480, notes: vec![ImageNote::Alpha] }
}

pub(super) fn failed(kind: FailureKind) -> Outcome<ImageRecord> {
    Outcome::Failed(Failure { kind, detail: "because".to_owned() })
}

pub(super) fn attempt(id: SampleId, outcome: Outcome<ImageRecord>) -> AttemptRecord {
    AttemptRecord {
        work_key: key(&id),
        began_ms: 1_700_000_000_123,
        duration_ms: 4567,
        prompt: "a prompt".to_owned(),
        seed: Some(u64::MAX),
        outcome,
        kept_image: None,
        usage: Usage { text_input: Some(7), image_output: Some(0), ..Usage::default() },
        charge: Charge {
            cost: Some(Cost { amount: Usd::from_nanos(40), basis: "list".to_owned() }),
            possible: Usd::from_nanos(3),
            is_unpriced: false,
            tries: 2,
            lost_tries: 1,
        },
        revised_prompt: Some("another".to_owned()),
        state: Some("resp_1".to_owned()),
        raw: "{\"ü\": []}".repeat(100),
        kept: None,
        reread_of: None,
        id,
    }
}

pub(super) fn call(purpose: CallPurpose, work_key: WorkKey, estimate: Option<i64>) -> CallBegun {
    CallBegun {
        work_key,
        purpose,
        prompt: "a prompt".to_owned(),
        seed: Some(3),
        began_ms: 5,
        estimate: estimate.map(Usd::from_nanos),
    }
}

pub(super) fn record(run: &mut RunWriter, attempts: &[AttemptRecord]) {
    run.record_generation(&GenerationBatch { attempts: attempts.to_vec(), ..GenerationBatch::default() })
        .unwrap();
}

pub(super) fn attempts(folder: &Path) -> Vec<AttemptRecord> {
    let mut attempts = Vec::new();
    RunReader::open(folder).unwrap().for_each_attempt(|attempt| attempts.push(attempt)).unwrap();
    attempts
}

fn sources(folder: &Path) -> Vec<String> {
    let mut sources = Vec::new();
    let reader = RunReader::open(folder).unwrap();
    reader.for_each_sample(None, |seen| sources.push(seen.sample.source)).unwrap();
    sources
}

/// Whether a run with these attempts takes another model; reading it beforehand must say the same.
fn takes_another_model(attempts: &[AttemptRecord]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    record(&mut run, attempts);
    assert_eq!(run.has_result().unwrap(), RunReader::open_same(folder.path(), &asked_of("n")).is_err());
    drop(run);
    let Ok(run) = RunWriter::create_or_open(folder.path(), &asked_of("n"), "test") else {
        assert!(RunReader::open_same(folder.path(), &asked_of("m")).unwrap().is_some());
        return false;
    };
    assert_eq!(run.manifest(), &asked_of("n"));
    assert!(run.generated_samples().unwrap().is_empty() && run.unused_replies().unwrap().is_empty());
    let spend = RunReader::open(folder.path()).unwrap().spend().unwrap();
    assert_eq!(spend.calls, attempts.len() as u64, "what may have been paid stays on record");
    true
}

#[test]
fn a_run_without_a_result_takes_other_parameters() {
    let reply = |status| Some(KeptReply::pack(status, "{}"));
    let of = |kind| attempt(id(0, 1), failed(kind));
    assert!(takes_another_model(&[]));
    assert!(takes_another_model(&[
        of(FailureKind::Transport),
        AttemptRecord { kept: reply(400), ..of(FailureKind::RejectedRequest) },
    ]));
    assert!(!takes_another_model(&[attempt(id(0, 1), Outcome::Done(image("a")))]));
    for answer in FailureKind::ANSWERS {
        assert!(!takes_another_model(&[of(*answer)]), "{}", answer.code());
    }
    // An image may still be read from it.
    let unread = AttemptRecord { kept: reply(200), ..of(FailureKind::Transport) };
    assert!(!takes_another_model(&[unread, attempt(id(1, 1), failed(FailureKind::TimedOut))]));
}

#[test]
fn an_attempt_is_read_back_to_the_last_field() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let kept = AttemptRecord {
        kept_image: Some(ImageRef { hash: ContentHash::of(b"large"), format: ImageFormat::Png }),
        seed: None,
        charge: Charge { is_unpriced: true, ..Charge::default() },
        ..attempt(id(1, 1), failed(FailureKind::WrongSize))
    };
    let written = [
        attempt(id(0, 1), Outcome::Done(image("a"))),
        kept,
        AttemptRecord {
            kept: Some(KeptReply::pack(202, "{\"all\": \"of it\"}")),
            reread_of: Some(1),
            ..attempt(id(2, 1), failed(FailureKind::EmptyReply))
        },
    ];
    record(&mut run, &written);
    assert_eq!(attempts(folder.path()), written);
    let samples = run.generated_samples().unwrap();
    assert_eq!(samples[&id(0, 1)].outcome, written[0].outcome);
    assert_eq!(samples[&id(0, 1)].state.as_deref(), Some("resp_1"));
    assert_eq!(
        (&samples[&id(1, 1)].outcome, &samples[&id(1, 1)].kept_image),
        (&written[1].outcome, &written[1].kept_image)
    );
    assert_eq!(samples[&id(1, 1)].work_key, written[1].work_key);
}

#[test]
fn a_failure_gives_way_to_a_later_attempt_and_a_finished_sample_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let outcome = |run: &RunWriter| run.generated_samples().unwrap()[&id(0, 1)].outcome.clone();
    let steps = [
        (failed(FailureKind::TimedOut), failed(FailureKind::TimedOut)),
        (failed(FailureKind::Refused), failed(FailureKind::Refused)),
        (Outcome::Done(image("first")), Outcome::Done(image("first"))),
        (Outcome::Done(image("second")), Outcome::Done(image("first"))),
        (failed(FailureKind::TimedOut), Outcome::Done(image("first"))),
    ];
    for (number, (landed, expected)) in (1..).zip(steps) {
        record(&mut run, &[attempt(id(0, 1), landed)]);
        assert_eq!(outcome(&run), expected);
        assert_eq!(attempts(folder.path()).len(), number, "every attempt stays on record");
    }
    assert_eq!(sources(folder.path()), ["generated:00000/0000"]);
}

#[test]
fn rounds_are_samples_of_their_own_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    for (ordinal, round) in [(1, 1), (0, 2), (0, 1), (0, 10)] {
        record(&mut run, &[attempt(id(ordinal, round), Outcome::Done(image("same")))]);
    }
    let mut seen = Vec::new();
    let reader = RunReader::open(folder.path()).unwrap();
    reader.for_each_sample(None, |sample| seen.push((sample.sample.id, sample.repeats_bytes))).unwrap();
    assert_eq!(seen, [(id(0, 1), false), (id(0, 2), true), (id(0, 10), true), (id(1, 1), true)]);
}

#[test]
fn numbers_beyond_all_bounds_are_added_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let cost = Some(Cost { amount: Usd::from_nanos(i64::MAX), basis: "told".to_owned() });
    let charge = Charge {
        cost,
        possible: Usd::from_nanos(i64::MAX),
        tries: u32::MAX,
        lost_tries: u32::MAX,
        ..Charge::default()
    };
    let usage = Usage { text_input: Some(u64::MAX), ..Usage::default() };
    let boundless = |ordinal| AttemptRecord {
        usage,
        charge: charge.clone(),
        began_ms: i64::MAX,
        ..attempt(id(ordinal, 1), Outcome::Done(image("a")))
    };
    record(&mut run, &[boundless(0), boundless(1)]);
    let rewrite = RewriteRecord {
        work_key: WorkKey::new("r"),
        prompt: "cat".to_owned(),
        outcome: Outcome::Done("a cat".to_owned()),
        usage,
        charge: charge.clone(),
        raw: String::new(),
    };
    for _ in 0..3 {
        let rewrites = vec![rewrite.clone()];
        run.record_generation(&GenerationBatch { rewrites, ..GenerationBatch::default() }).unwrap();
    }
    let begun = vec![call(CallPurpose::Rewrite, WorkKey::new("w"), Some(i64::MAX))];
    let sent_again = vec![(WorkKey::new("w"), Usd::from_nanos(i64::MAX)); 2];
    run.record_generation(&GenerationBatch { begun, sent_again, ..GenerationBatch::default() }).unwrap();
    let boundless = Usd::from_nanos(i64::MAX);
    let spend = run.spend().unwrap();
    assert_eq!((spend.known, spend.possible, spend.total()), (boundless, boundless, boundless));
    assert_eq!(run.image_costs().unwrap(), [(id(0, 1), boundless), (id(1, 1), boundless)]);
    assert_eq!(attempts(folder.path())[0].charge, charge);
    drop(run);

    // What this program never writes.
    let database = rusqlite::Connection::open(folder.path().join("run.db")).unwrap();
    let sql = "UPDATE attempts SET cost_nanos = -5, possible_nanos = -5, is_unpriced = 7, tries = 1 << 40, lost_tries = -1;
               UPDATE rewrites SET cost_nanos = -5, calls = -1; DELETE FROM calls_in_flight";
    database.execute_batch(sql).unwrap();
    drop(database);
    let charge = attempts(folder.path()).swap_remove(0).charge;
    assert_eq!((charge.cost.as_ref().map(|cost| cost.amount), charge.tries), (Some(Usd::ZERO), u32::MAX));
    assert_eq!((charge.possible, charge.is_unpriced, charge.lost_tries), (Usd::ZERO, true, 0));
    let spend = RunReader::open(folder.path()).unwrap().spend().unwrap();
    assert_eq!((spend.known, spend.calls, spend.unpriced_calls), (Usd::ZERO, 2, 2));
    RunWriter::open(folder.path(), "test").unwrap();
}

#[test]
fn calls_that_never_came_back_are_attempts_and_possible_costs() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let begun = vec![
        call(CallPurpose::Image(id(0, 1)), key(&id(0, 1)), Some(50)),
        call(CallPurpose::Image(id(1, 1)), key(&id(1, 1)), Some(50)),
        call(CallPurpose::Image(id(2, 1)), key(&id(2, 1)), None),
        call(CallPurpose::Rewrite, WorkKey::new("r"), Some(7)),
        call(CallPurpose::Image(id(3, 1)), key(&id(3, 1)), Some(50)),
    ];
    run.record_generation(&GenerationBatch { begun, ..GenerationBatch::default() }).unwrap();
    let withdrawn = vec![key(&id(3, 1))];
    run.record_generation(&GenerationBatch { withdrawn, ..GenerationBatch::default() }).unwrap();
    record(&mut run, &[attempt(id(0, 1), Outcome::Done(image("a")))]);
    let expected = Spend {
        known: Usd::from_nanos(40),
        possible: Usd::from_nanos(3 + 50 + 7),
        calls: 4,
        unpriced_calls: 1,
        tries: 2 + 3,
        lost_tries: 1 + 3,
    };
    assert_eq!(run.spend().unwrap(), expected, "what is under way may be billed");
    drop(run);

    let mut run = RunWriter::open(folder.path(), "test").unwrap();
    assert_eq!(run.settle_interrupted_calls().unwrap(), 3);
    assert_eq!(run.settle_interrupted_calls().unwrap(), 0);
    assert_eq!(run.spend().unwrap(), expected);
    assert_eq!(run.generated_samples().unwrap().len(), 1, "an interrupted call makes no sample");
    let attempts = attempts(folder.path());
    assert_eq!(attempts.len(), 3);
    let Outcome::Failed(failure) = &attempts[1].outcome else { panic!("{:?}", attempts[1]) };
    assert_eq!(failure.kind, FailureKind::Interrupted);
    assert_eq!(
        (attempts[1].prompt.as_str(), attempts[1].seed, attempts[1].began_ms),
        ("a prompt", Some(3), 5)
    );
    // Once settled, the same work may begin again.
    let begun = vec![call(CallPurpose::Image(id(1, 1)), key(&id(1, 1)), Some(50))];
    let again = GenerationBatch { begun, ..GenerationBatch::default() };
    run.record_generation(&again).unwrap();
    assert!(run.record_generation(&again).is_err(), "but not twice at the same time");
}

#[test]
fn a_call_that_is_sent_again_may_be_billed_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let begun = vec![
        call(CallPurpose::Image(id(0, 1)), key(&id(0, 1)), Some(50)),
        call(CallPurpose::Rewrite, WorkKey::new("r"), None),
    ];
    run.record_generation(&GenerationBatch { begun, ..GenerationBatch::default() }).unwrap();
    let sent_again = vec![(key(&id(0, 1)), Usd::from_nanos(50)), (WorkKey::new("r"), Usd::ZERO)];
    run.record_generation(&GenerationBatch { sent_again, ..GenerationBatch::default() }).unwrap();
    let before = run.spend().unwrap();
    assert_eq!((before.possible, before.unpriced_calls), (Usd::from_nanos(100), 1));
    run.settle_interrupted_calls().unwrap();
    assert_eq!(run.spend().unwrap(), before);
}

#[test]
fn a_batch_is_recorded_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let begun = vec![call(CallPurpose::Image(id(0, 1)), key(&id(0, 1)), None); 2];
    let attempts = vec![attempt(id(1, 1), Outcome::Done(image("a")))];
    assert!(
        run.record_generation(&GenerationBatch { begun, attempts, ..GenerationBatch::default() }).is_err()
    );
    assert_eq!((run.generated_samples().unwrap().len(), run.spend().unwrap()), (0, Spend::default()));
}

#[test]
fn a_kept_image_can_be_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    record(&mut run, &[attempt(id(0, 1), failed(FailureKind::WrongSize))]);
    record(&mut run, &[attempt(id(1, 1), Outcome::Done(image("done")))]);
    let accepted = vec![(id(0, 1), image("large")), (id(1, 1), image("large"))];
    run.record_generation(&GenerationBatch { accepted, ..GenerationBatch::default() }).unwrap();
    let samples = run.generated_samples().unwrap();
    assert_eq!(samples[&id(0, 1)].outcome, Outcome::Done(image("large")));
    assert_eq!(samples[&id(0, 1)].state.as_deref(), Some("resp_1"));
    assert_eq!(samples[&id(1, 1)].outcome, Outcome::Done(image("done")), "what is done stays");
    assert_eq!(
        attempts(folder.path())[0].outcome,
        failed(FailureKind::WrongSize),
        "history is not rewritten"
    );
}

#[test]
fn replies_may_be_read_anew_as_long_as_their_sample_has_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let kept = |text: &str| Some(KeptReply::pack(200, text));
    let empty = |ordinal: u32, text: &str| AttemptRecord {
        kept: kept(text),
        ..attempt(id(ordinal, 1), failed(FailureKind::EmptyReply))
    };
    let unpaid = AttemptRecord {
        charge: Charge { tries: 1, ..Charge::default() },
        ..attempt(id(0, 1), failed(FailureKind::Transport))
    };
    let of_other_work = AttemptRecord { work_key: WorkKey::new("another prompt"), ..empty(0, "another") };
    let done = attempt(id(1, 1), Outcome::Done(image("a")));
    record(&mut run, &[of_other_work, empty(0, "first"), unpaid, empty(1, "gone"), done]);
    let unused = run.unused_replies().unwrap();
    let told: Vec<_> = unused
        .iter()
        .map(|one| {
            let (kept, raw) = run.reply_of_attempt(one.attempt_id).unwrap();
            assert_eq!((&one.id, raw.is_empty(), one.seed), (&id(0, 1), false, Some(u64::MAX)));
            (one.failure.kind, one.is_last, one.is_charged, kept.map(|kept| kept.text().unwrap()))
        })
        .collect();
    let first = (FailureKind::EmptyReply, false, true, Some("first".to_owned()));
    assert_eq!(told, [(FailureKind::Transport, true, false, None), first.clone()]);

    // Another failure that was read from the first reply: it is the last word now, and read again.
    let reread_of = Some(unused[1].attempt_id);
    record(&mut run, &[AttemptRecord { reread_of, ..attempt(id(0, 1), failed(FailureKind::Moderated)) }]);
    let unused = run.unused_replies().unwrap();
    let last: Vec<_> = unused.iter().map(|one| (one.failure.kind, one.is_last)).collect();
    assert_eq!(last, [(FailureKind::Transport, false), (FailureKind::Moderated, true)]);

    record(&mut run, &[AttemptRecord { reread_of, ..attempt(id(0, 1), Outcome::Done(image("b"))) }]);
    assert_eq!(run.unused_replies().unwrap(), []);
    assert_eq!(attempts(folder.path()).len(), 7, "nothing is rewritten");
}

#[test]
fn an_import_leaves_generated_samples_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    record(
        &mut run,
        &[attempt(id(0, 1), Outcome::Done(image("a"))), attempt(id(1, 1), failed(FailureKind::Refused))],
    );
    let before = run.generated_samples().unwrap();
    assert!(run.known_files().unwrap().is_empty());
    run.forget_vanished_files().unwrap();
    run.settle_vanished_samples(Path::new("")).unwrap();
    run.forget_samples(&["generated:00000/0000", "generated:00000/0001"]).unwrap();
    let mut import = |content: &str| {
        let source = format!("{content}.png");
        let sample = Sample { id: id(0, 1), source, outcome: Outcome::Done(image(content)) };
        let stamp = FileStamp { size: 1, modified_ns: 2 };
        let imported = ImportedSample { sample, stamp, rewritten_prompt: None };
        run.record_samples(vec![imported], Some(Path::new(""))).unwrap()
    };
    assert_eq!(import("b"), [RecordedSample::Failed]);
    assert_eq!(import("a"), [RecordedSample::AlreadyThere], "a file of the generated image");
    assert_eq!(run.generated_samples().unwrap(), before);
    assert_eq!(sources(folder.path()).len(), 3);
}

#[test]
fn rewriting_costs_add_up_and_the_last_answer_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = new_run(folder.path());
    let work_key = WorkKey::new("r");
    let rewrite = |outcome: Outcome<String>| RewriteRecord {
        work_key: work_key.clone(),
        prompt: "cat".to_owned(),
        outcome,
        usage: Usage::default(),
        charge: attempt(id(0, 1), failed(FailureKind::Refused)).charge,
        raw: String::new(),
    };
    let empty = Failure { kind: FailureKind::EmptyReply, detail: "no text".to_owned() };
    for outcome in [Outcome::Failed(empty), Outcome::Done("a cat".to_owned())] {
        let rewrites = vec![rewrite(outcome.clone())];
        run.record_generation(&GenerationBatch { rewrites, ..GenerationBatch::default() }).unwrap();
        assert_eq!(run.rewrites().unwrap()[&work_key], outcome);
    }
    let spend = RunReader::open(folder.path()).unwrap().spend().unwrap();
    assert_eq!((spend.known, spend.possible), (Usd::from_nanos(80), Usd::from_nanos(6)));
    assert_eq!((spend.calls, spend.tries, spend.lost_tries), (2, 4, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is recorded and settled, attempts that are on record never change, and spending never shrinks.
    #[test]
    fn attempts_are_only_ever_added(steps in prop::collection::vec((0_u32..3, 1_u32..3, 0_usize..8), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let mut run = new_run(folder.path());
        let mut before = Vec::new();
        let mut spent = Usd::ZERO;
        for (ordinal, round, what) in steps {
            let id = id(ordinal, round);
            let mut batch = GenerationBatch::default();
            match what {
                0..3 => batch.attempts.push(attempt(id, Outcome::Done(image("a")))),
                3..5 => batch.attempts.push(attempt(id, failed(FailureKind::ALL[what]))),
                5 => batch.accepted.push((id, image("b"))),
                6 => batch.begun.push(call(CallPurpose::Image(id.clone()), key(&id), Some(9))),
                _ => drop(run.settle_interrupted_calls().unwrap()),
            }
            // A call that is under way already cannot begin.
            run.record_generation(&batch).ok();
            let after = attempts(folder.path());
            prop_assert_eq!(after.get(..before.len()), Some(&before[..]));
            before = after;
            let now = run.spend().unwrap();
            prop_assert!(now.known >= spent);
            spent = now.known;
        }
        let done = run.generated_samples().unwrap();
        for attempt in &before {
            let is_done = attempt.outcome.done().is_some();
            prop_assert!(!is_done || done[&attempt.id].outcome.done().is_some());
        }
    }
}
