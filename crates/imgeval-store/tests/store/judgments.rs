//! What judges and people said, over processes that end at any moment.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::{
    CaseId, ContentHash, Cost, EndpointMeta, Failure, FailureKind, JudgeIdentity, Outcome, SampleId, Usage,
    Usd,
};
use imgeval_store::{
    CallBegun, CallPurpose, Charge, GenerationBatch, JudgedItem, JudgedRole, JudgmentRecord, KeptReply,
    Manifest, Measurement, MeasurementRecord, RunReader, RunWriter, StoredJudge, StoredJudgment,
};
use rusqlite::Connection;

fn open(folder: &Path) -> RunWriter {
    let manifest = Manifest {
        suite: "wise-legacy".to_owned(),
        parameters: BTreeMap::new(),
        generation: BTreeMap::new(),
        tool_version: "0".to_owned(),
        label: None,
    };
    RunWriter::create_or_open(folder, &manifest, "test").unwrap()
}

fn judge(model: &str) -> StoredJudge {
    let text = |text: &str| text.to_owned();
    let judge = EndpointMeta { provider: text("chat"), endpoint: text("e"), model: text(model), version: 1 };
    let protocol_hash = ContentHash::of(b"wording");
    let identity = JudgeIdentity { judge, protocol: text("wise-legacy@1"), protocol_hash };
    StoredJudge { identity, protocol: text("wording") }
}

fn item(case: &str, repeat: u32) -> JudgedItem {
    let id = SampleId::new(CaseId::new(case), 0);
    JudgedItem::new(&judge("m").identity, JudgedRole::Sample, id, ContentHash::of(case.as_bytes()), repeat)
}

fn said(item: JudgedItem, outcome: Outcome<String>) -> JudgmentRecord {
    let amount = Usd::from_dollars(0.25).unwrap();
    let cost = Some(Cost { amount, basis: "told".to_owned() });
    JudgmentRecord {
        item,
        began_ms: 5,
        duration_ms: 7,
        outcome,
        usage: Usage { text_output: Some(9), ..Usage::default() },
        charge: Charge { cost, tries: 1, ..Charge::default() },
        raw: "{}".to_owned(),
        kept: None,
        reread_of: None,
    }
}

fn all(folder: &Path) -> Vec<StoredJudgment> {
    let mut all = Vec::new();
    RunReader::open(folder).unwrap().for_each_judgment(None, |judgment| all.push(judgment)).unwrap();
    all
}

#[test]
fn every_reply_is_kept_in_order_and_a_killed_call_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open(folder.path());
    run.record_judge(&judge("m")).unwrap();
    run.record_judge(&judge("m")).unwrap();
    assert_eq!(run.judges().unwrap(), [judge("m")]);
    let begun = |item: JudgedItem| CallBegun {
        work_key: item.work_key.clone(),
        purpose: CallPurpose::Judgment(item),
        prompt: String::new(),
        seed: None,
        began_ms: 3,
        estimate: Usd::from_dollars(1.0),
    };
    let calls = vec![begun(item("1", 0)), begun(item("2", 0))];
    run.record_generation(&GenerationBatch { begun: calls, ..GenerationBatch::default() }).unwrap();
    let prose = said(item("1", 0), Outcome::Done("I like it.\0".to_owned()));
    let judgments = vec![prose.clone()];
    run.record_generation(&GenerationBatch { judgments, ..GenerationBatch::default() }).unwrap();
    let second = said(item("1", 0), Outcome::Done("Score: 1".to_owned()));
    run.record_judgment(&second).unwrap();
    drop(run);

    let mut run = open(folder.path());
    assert_eq!(run.settle_interrupted_calls().unwrap(), 1);
    let spend = run.spend().unwrap();
    assert_eq!((spend.known.dollars(), spend.possible.dollars(), spend.calls), (0.5, 1.0, 3));
    let judgments = all(folder.path());
    let texts: Vec<_> = judgments.iter().map(|judgment| judgment.outcome.done().cloned()).collect();
    assert_eq!(texts, [Some("I like it.\0".to_owned()), Some("Score: 1".to_owned()), None]);
    assert_eq!(judgments[2].item, item("2", 0));
    assert!(
        matches!(&judgments[2].outcome, Outcome::Failed(failure) if failure.kind == FailureKind::Interrupted)
    );
    let mut calls = Vec::new();
    RunReader::open(folder.path()).unwrap().for_each_judgment_call(|call| calls.push(call)).unwrap();
    assert_eq!(calls[..2], [prose, second]);

    run.withdraw_judgments(&item("1", 0).work_key).unwrap();
    assert_eq!(all(folder.path()).len(), 1, "taken back, not deleted");
    for words in ["first", "second"] {
        run.replace_judgment(&said(item("3", 0), Outcome::Done(words.to_owned()))).unwrap();
    }
    let last = all(folder.path()).pop().unwrap();
    assert_eq!((all(folder.path()).len(), last.outcome), (2, Outcome::Done("second".to_owned())));
    let mut n_calls = 0;
    RunReader::open(folder.path()).unwrap().for_each_judgment_call(|_| n_calls += 1).unwrap();
    assert_eq!(n_calls, 5, "what was replaced stays on record");
}

#[test]
fn repeats_roles_judges_and_images_are_told_apart() {
    let identity = judge("m").identity;
    let id = SampleId::new(CaseId::new("1"), 0);
    let image = ContentHash::of(b"1");
    let key = |role, id: &SampleId, image: &ContentHash, repeat| {
        JudgedItem::new(&identity, role, id.clone(), image.clone(), repeat).work_key
    };
    let first = key(JudgedRole::Sample, &id, &image, 0);
    let other_id = SampleId { ordinal: 1, ..id.clone() };
    let others = [
        key(JudgedRole::Sample, &id, &image, 1),
        key(JudgedRole::Anchor, &id, &image, 0),
        key(JudgedRole::Sample, &other_id, &image, 0),
        key(JudgedRole::Sample, &id, &ContentHash::of(b"2"), 0),
        judge("n").identity.work_key("sample", &id, &image, 0),
    ];
    assert!(!others.contains(&first));
    assert_eq!(key(JudgedRole::Sample, &id, &image, 0), first);
}

#[test]
fn a_measurement_replaces_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open(folder.path());
    let failure = Failure { kind: FailureKind::Unreadable, detail: "cut".to_owned() };
    let record = |outcome| MeasurementRecord {
        meter: "edit@1".to_owned(),
        id: SampleId::new(CaseId::new("1"), 0),
        image: ContentHash::of(b"1"),
        outcome,
    };
    run.record_measurements(&[record(Outcome::Failed(failure))]).unwrap();
    let done = record(Outcome::Done(Measurement::default().with("psnr", 1.0)));
    run.record_measurements(std::slice::from_ref(&done)).unwrap();
    assert_eq!(run.measurements().unwrap(), [done]);
}

#[test]
fn a_run_of_format_3_is_read_as_it_lies_and_takes_judgments_once_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let database = Connection::open(folder.path().join("run.db")).unwrap();
    let columns = ["judge_id", "role", "image_sha256", "repeat"];
    let columns = columns.map(|name| format!("ALTER TABLE calls_in_flight DROP COLUMN {name};")).concat();
    let tables = "DROP TABLE judgments; DROP TABLE judges; DROP TABLE measurements; PRAGMA user_version = 3;";
    // Columns that came with format 5.
    let kept = ["kept_status", "kept", "reread_of"];
    let kept = kept.map(|name| format!("ALTER TABLE attempts DROP COLUMN {name};")).concat();
    database.execute_batch(&format!("{columns}{kept}{tables}")).unwrap();
    drop(database);
    let reader = RunReader::open(folder.path()).unwrap();
    assert!(reader.judges().unwrap().is_empty() && reader.measurements().unwrap().is_empty());
    assert_eq!(reader.spend().unwrap().calls, 0);
    assert!(all(folder.path()).is_empty());
    let mut run = open(folder.path());
    run.record_judge(&judge("m")).unwrap();
    run.record_judgment(&said(item("1", 0), Outcome::Done("x".to_owned()))).unwrap();
    assert_eq!(all(folder.path()).len(), 1);
}

#[test]
fn only_failures_without_any_words_may_be_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open(folder.path());
    run.record_judge(&judge("m")).unwrap();
    let failed = |case: &str, reply: Option<&str>| JudgmentRecord {
        kept: reply.map(|text| KeptReply::pack(200, text)),
        ..said(
            item(case, 0),
            Outcome::Failed(Failure { kind: FailureKind::Transport, detail: "no JSON".to_owned() }),
        )
    };
    let words = || Outcome::Done("Score: 1".to_owned());
    for judgment in [
        failed("1", Some("first")),
        failed("1", None),
        failed("2", Some("other")),
        said(item("2", 0), words()),
        said(item("3", 0), words()),
    ] {
        run.record_judgment(&judgment).unwrap();
    }
    let unused = run.unused_judgments().unwrap();
    let told: Vec<_> = unused
        .iter()
        .map(|one| {
            let (kept, raw) = run.reply_of_judgment(one.judgment_id).unwrap();
            (
                one.item == item("1", 0),
                one.is_last,
                one.is_charged,
                kept.map(|kept| kept.text().unwrap()),
                raw,
            )
        })
        .collect();
    let expected = [(true, None), (false, Some("first".to_owned()))];
    assert_eq!(told, expected.map(|(is_last, text)| (true, is_last, true, text, "{}".to_owned())));
    let reread = JudgmentRecord { reread_of: Some(unused[1].judgment_id), ..said(item("1", 0), words()) };
    run.record_judgment(&reread).unwrap();
    assert_eq!(run.unused_judgments().unwrap(), []);
    let mut calls = Vec::new();
    RunReader::open(folder.path()).unwrap().for_each_judgment_call(|call| calls.push(call)).unwrap();
    assert_eq!((calls.last(), calls[0].kept.as_ref().map(|kept| kept.status)), (Some(&reread), Some(200)));
}
