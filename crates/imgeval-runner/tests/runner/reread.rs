//! What is kept of replies, what unusable ones cost, and reading them anew.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use imgeval_core::{Cost, Failure, FailureKind, Outcome, ReadImage, Reading, SizeRequest, Usage, Usd};
use imgeval_runner::{RereadImages, RereadSummary, reread_images};
use imgeval_store::{AttemptRecord, GenerationBatch, KeptReply, RunReader};

use crate::fake_generator::{
    FakeGenerator, Reply, Stage, cents, decode, open_run, outcomes, sample_id, shortage,
};

fn attempts(folder: &Path) -> Vec<AttemptRecord> {
    let mut attempts = Vec::new();
    RunReader::open(folder).unwrap().for_each_attempt(|attempt| attempts.push(attempt)).unwrap();
    attempts.sort_by_key(|attempt| attempt.id.clone());
    attempts
}

fn kept(folder: &Path) -> Vec<Option<String>> {
    let text = |attempt: AttemptRecord| attempt.kept.map(|kept| kept.text().unwrap());
    attempts(folder).into_iter().map(text).collect()
}

#[test]
fn a_reply_is_kept_whole_unless_its_image_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { size: Some("4x3"), ..Stage::new(5, 1) };
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00000" => Reply::Image,
        "00001" => Reply::Garbage,
        "00002" => Reply::Fail(FailureKind::EmptyReply),
        "00003" => Reply::Square,
        _ => Reply::Wasted(2),
    });
    stage.run(folder.path(), &generator);
    let whole = |case: &str| Some(format!("whole reply about {case}/0000"));
    let expected = [
        None,
        whole("00001"),
        whole("00002"),
        // Of the wrong size, but stored.
        None,
        // The image is stored; a reply before it was paid for too.
        Some("unusable reply 2".to_owned()),
    ];
    assert_eq!(kept(folder.path()), expected);
}

#[test]
fn what_unusable_replies_cost_is_spent_and_keeps_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    // A call may cost three cents, and each of its unusable replies costs two.
    let stage = Stage { max_cost: Some(cents(8)), concurrency: 1, ..Stage::new(3, 1) };
    let generator = FakeGenerator::new(|_| Reply::Wasted(9));
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.spend.known, summary.spend.possible), (cents(6), Usd::ZERO));
    let expected = shortage(3, 2, 0, 15);
    assert_eq!((summary.stopped, summary.not_started, summary.spend.calls), (Some(expected), 2, 1));
    assert_eq!(kept(folder.path()), [Some("unusable reply 3".to_owned())]);
    let again = stage.run(folder.path(), &generator);
    assert_eq!((again.spend.known, again.not_started), (cents(6), 3), "the next start knows it too");
}

#[test]
fn an_unusable_reply_adds_to_the_cost_of_its_image() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { max_cost: Some(cents(100)), ..Stage::new(2, 1) };
    let summary = stage.run(folder.path(), &FakeGenerator::new(|_| Reply::Wasted(2)));
    assert_eq!((summary.made, summary.spend.known, summary.spend.possible), (2, cents(12), Usd::ZERO));
}

/// A reader that has learned what `IMAGE ...`, `AT ...` and `NO ...` mean.
fn read(status: u16, text: &str) -> Option<Reading<ReadImage>> {
    let failed = |kind| Outcome::Failed(Failure { kind, detail: format!("status {status}") });
    let outcome = match text.split_once(' ')? {
        ("IMAGE", image) => Outcome::Done(ReadImage::Bytes(image.as_bytes().to_vec())),
        ("AT", address) => Outcome::Done(ReadImage::Address(address.to_owned())),
        ("NO", _) => failed(FailureKind::Moderated),
        _ => failed(FailureKind::EmptyReply),
    };
    Some(Reading {
        outcome,
        usage: Usage { text_output: Some(5), ..Usage::default() },
        cost: Some(Cost { amount: cents(1), basis: "told".to_owned() }),
        revised_prompt: Some("revised".to_owned()),
        state: Some("state".to_owned()),
        raw: "without the image".to_owned(),
    })
}

fn reread(folder: &Path) -> RereadSummary {
    let wanted = SizeRequest::parse("4x3");
    let settings = RereadImages { wanted, decode: Arc::new(decode), read: &read };
    reread_images(&mut open_run(folder), &settings).unwrap()
}

/// Puts replies into the run as an earlier version would have left them.
fn leave(folder: &Path, replies: &[(usize, FailureKind, Option<&str>, &str)]) {
    let mut run = open_run(folder);
    let have = run.generated_samples().unwrap();
    for (case, kind, kept, raw) in replies {
        let id = sample_id(*case, 0, 1);
        let template = attempts(folder).into_iter().find(|attempt| attempt.id == id).unwrap();
        let failure = Failure { kind: *kind, detail: String::new() };
        let attempt = AttemptRecord {
            work_key: have[&id].work_key.clone(),
            outcome: Outcome::Failed(failure),
            kept: kept.map(|text| KeptReply::pack(200, text)),
            raw: (*raw).to_owned(),
            ..template
        };
        run.record_generation(&GenerationBatch { attempts: vec![attempt], ..GenerationBatch::default() })
            .unwrap();
    }
}

#[test]
fn kept_replies_are_read_anew_and_what_is_done_stays() {
    let folder = tempfile::tempdir().unwrap();
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00000" => Reply::Image,
        _ => Reply::Fail(FailureKind::EmptyReply),
    });
    Stage::new(9, 1).run(folder.path(), &generator);
    let empty = FailureKind::EmptyReply;
    leave(
        folder.path(),
        &[
            (1, empty, Some("IMAGE 4x3 found"), ""),
            // The last attempt is not the one whose reply holds the image.
            (2, empty, Some("IMAGE 4x3 earlier"), ""),
            (2, FailureKind::Transport, None, ""),
            (3, empty, Some("AT https://images.example/"), ""),
            (4, empty, Some("NO images"), ""),
            (5, empty, Some("still nothing"), ""),
            // Earlier versions cut images out of all that they kept.
            (6, empty, None, "IMAGE <9 bytes of base64 cut out>"),
            (7, empty, None, "IMAGE 4x3 old"),
            (8, empty, Some("IMAGE 4x4 square"), ""),
        ],
    );
    let spend = open_run(folder.path()).spend().unwrap();
    let summary = reread(folder.path());
    assert_eq!(summary.recovered, [1, 2, 7].map(|case| sample_id(case, 0, 1)));
    let changed: Vec<_> = summary.changed.iter().map(|(id, failure)| (id.clone(), failure.kind)).collect();
    let expected = [(4, FailureKind::Moderated), (8, FailureKind::WrongSize)]
        .map(|(case, kind)| (sample_id(case, 0, 1), kind));
    assert_eq!(changed, expected);
    assert_eq!(summary.addresses, [sample_id(3, 0, 1)]);
    assert_eq!(summary.unchanged, BTreeMap::from([(empty, 2)]));
    assert_eq!(
        outcomes(folder.path()),
        [
            "00000/0000 done",
            "00001/0000 done",
            "00002/0000 done",
            "00003/0000 empty-reply",
            "00004/0000 moderated",
            "00005/0000 empty-reply",
            "00006/0000 empty-reply",
            "00007/0000 done",
            "00008/0000 wrong-size",
        ]
    );
    let run = open_run(folder.path());
    let sample = &run.generated_samples().unwrap()[&sample_id(1, 0, 1)];
    assert_eq!(sample.state.as_deref(), Some("state"), "a further round can go on");
    assert_eq!(run.spend().unwrap().calls, spend.calls, "nothing was asked");
    drop(run);

    let before = attempts(folder.path()).len();
    let again = reread(folder.path());
    assert_eq!((again.recovered.len(), again.changed.len()), (0, 0));
    assert_eq!(attempts(folder.path()).len(), before, "what is known already is not recorded again");
    let next = FakeGenerator::new(|_| Reply::Image);
    Stage::new(9, 1).run(folder.path(), &next);
    assert_eq!(next.asked_ids().len(), 0, "answers stand");
}

#[test]
fn a_cost_that_nobody_knew_counts_once_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    Stage::new(1, 1).run(folder.path(), &FakeGenerator::new(|_| Reply::Fail(FailureKind::Transport)));
    leave(folder.path(), &[(0, FailureKind::Transport, Some("IMAGE 4x3 paid"), "")]);
    assert_eq!(open_run(folder.path()).spend().unwrap().known, Usd::ZERO);
    assert_eq!(reread(folder.path()).recovered.len(), 1);
    assert_eq!(open_run(folder.path()).spend().unwrap().known, cents(1));
}
