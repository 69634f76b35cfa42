//! Parts of a run that become one.

use std::path::Path;

use imgeval_core::{FailureKind, ImageFormat, ImageRef, Outcome, WorkKey};
use imgeval_store::{CallPurpose, GenerationBatch, MergeSummary, RunReader, RunWriter, StoreError};

use super::generation::{asked_of, attempt, attempts, call, failed, id, image, new_run, record};

fn merge(into: &Path, part: &Path) -> Result<MergeSummary, StoreError> {
    let part = RunReader::open(part)?;
    RunWriter::create_or_open(into, part.manifest(), "test")?.merge(&part)
}

/// Rows of a table, without what was numbered.
fn samples(folder: &Path) -> Vec<String> {
    let mut samples = Vec::new();
    let reader = RunReader::open(folder).unwrap();
    reader.for_each_sample(None, |seen| samples.push(format!("{:?}", seen.sample))).unwrap();
    samples
}

#[test]
fn parts_give_the_run_of_one_worker_and_merging_again_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let calls = |ordinal| {
        let first = attempt(id(ordinal, 1), failed(FailureKind::TimedOut));
        let mut again = attempt(id(ordinal, 1), Outcome::Done(image(&format!("image {ordinal}"))));
        again.began_ms += 1;
        // Twice the same in every field, as two retries within a millisecond are.
        [first.clone(), first, again]
    };
    let (mut whole, mut a, mut b) = (new_run(&at("whole")), new_run(&at("a")), new_run(&at("b")));
    for ordinal in 0..4 {
        record(&mut whole, &calls(ordinal));
        record(if ordinal % 2 == 0 { &mut a } else { &mut b }, &calls(ordinal));
    }
    let stored = ImageRef { hash: image("image 1").hash, format: ImageFormat::WebP };
    b.images().put(&stored, b"image 1").unwrap();
    let added = merge(&at("all"), &at("a")).unwrap();
    assert_eq!(added, MergeSummary { samples: 2, calls: 6, ..MergeSummary::default() });
    let added = merge(&at("all"), &at("b")).unwrap();
    assert_eq!(added, MergeSummary { samples: 2, calls: 6, images: 1, ..MergeSummary::default() });
    for part in ["a", "b", "all", "whole"] {
        assert_eq!(merge(&at("all"), &at(part)).unwrap(), MergeSummary::default(), "{part}");
    }
    assert_eq!(samples(&at("all")), samples(&at("whole")));
    assert_eq!(attempts(&at("all")).len(), 12);
    let spend = |name| RunReader::open(&at(name)).unwrap().spend().unwrap();
    assert_eq!(spend("all"), spend("whole"));
    let merged = RunReader::open(&at("all")).unwrap();
    assert_eq!(merged.images().read(&stored).unwrap(), b"image 1");

    // A part that went on brings only what is new.
    record(&mut a, &calls(8));
    let added = merge(&at("all"), &at("a")).unwrap();
    assert_eq!(added, MergeSummary { samples: 1, calls: 3, ..MergeSummary::default() });
}

#[test]
fn a_finished_sample_wins_over_a_failed_one_in_any_order() {
    for order in [["failed", "done"], ["done", "failed"]] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        record(&mut new_run(&at("failed")), &[attempt(id(0, 1), failed(FailureKind::Refused))]);
        record(&mut new_run(&at("done")), &[attempt(id(0, 1), Outcome::Done(image("x")))]);
        for part in order {
            merge(&at("all"), &at(part)).unwrap();
        }
        assert_eq!(samples(&at("all")), samples(&at("done")), "{order:?}");
        assert_eq!(attempts(&at("all")).len(), 2);
    }
}

#[test]
fn what_does_not_belong_together_is_refused_and_nothing_of_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    record(&mut new_run(&at("a")), &[attempt(id(0, 1), Outcome::Done(image("x")))]);
    merge(&at("all"), &at("a")).unwrap();

    let others = [attempt(id(1, 1), Outcome::Done(image("z"))), attempt(id(0, 1), Outcome::Done(image("y")))];
    record(&mut new_run(&at("other")), &others);
    let error = merge(&at("all"), &at("other")).unwrap_err();
    assert!(matches!(&error, StoreError::Conflict { path, .. } if *path == at("other")), "{error}");
    assert!(error.to_string().contains("another sample"), "{error}");
    assert_eq!(samples(&at("all")), samples(&at("a")));

    let mut begun = new_run(&at("begun"));
    let under_way = call(CallPurpose::Image(id(3, 1)), WorkKey::new("k"), None);
    let batch = GenerationBatch { begun: vec![under_way], ..GenerationBatch::default() };
    begun.record_generation(&batch).unwrap();
    assert!(matches!(merge(&at("all"), &at("begun")), Err(StoreError::Unfinished { .. })));

    drop(RunWriter::create_or_open(&at("n"), &asked_of("n"), "test").unwrap());
    let part = RunReader::open(&at("n")).unwrap();
    let error = RunWriter::open(&at("all"), "test").unwrap().merge(&part).unwrap_err();
    assert!(matches!(error, StoreError::Mismatch { .. }), "{error}");
}
