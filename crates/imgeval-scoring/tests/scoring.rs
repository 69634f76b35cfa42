//! Runs that the version before the redesign made, read back without a process.
#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]
#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

#[path = "../examples/print_scores.rs"]
#[allow(dead_code, reason = "its main is for people")]
mod print_scores;

use std::{
    fs,
    path::{Path, PathBuf},
};

use imgeval_metrics::BootstrapSettings;
use imgeval_scoring::{Evaluator, OpenedRun, Run, ScoringError, Side, Trust, compare_sides, plan};
use imgeval_suites::summary::Summary;
use serde_json::Value;
use tempfile::TempDir;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../imgeval/tests/fixtures/old_runs");

/// A copy, because SQLite leaves files beside a database that is only read.
fn run(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join(name);
    copy(&Path::new(FIXTURES).join(name), &to);
    (folder, to)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn expected(name: &str) -> Value {
    let text = fs::read_to_string(Path::new(FIXTURES).join("expected").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn score_of(line: &imgeval_suites::summary::ScoreLine) -> Option<f64> {
    line.estimate.map(|estimate| estimate.value)
}

fn assert_same(found: Option<f64>, expected: &Value, what: &str) {
    match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{what}: {found}"),
        (None, None) => {}
        other => panic!("{what}: {other:?}"),
    }
}

fn summaries(run: &Run) -> Vec<(&Evaluator, Summary)> {
    let summarise =
        |evaluator| (evaluator, run.summarise(evaluator, BootstrapSettings::default()).unwrap().0);
    run.evaluators().iter().map(summarise).collect()
}

#[test]
fn detections_give_the_verdicts_and_intervals_that_they_gave() {
    let (_folder, path) = run("geneval");
    let run = Run::open(&path).unwrap();
    let old = expected("geneval-score.json");
    let found = summaries(&run);
    let [(evaluator, summary)] = found.as_slice() else { panic!("one detector has looked") };
    assert_same(score_of(summary.overall()), &old["overall"]["score"], "overall");
    let interval = summary.overall().estimate.unwrap().interval;
    assert_same(Some(interval.low), &old["overall"]["interval"]["low"], "low");
    assert_same(Some(interval.high), &old["overall"]["interval"]["high"], "high");
    for tag in old["tags"].as_array().unwrap() {
        let name = tag["tag"].as_str().unwrap();
        let line = summary.lines().find(|line| line.name == name).unwrap().line;
        assert_same(score_of(line), &tag["score"], name);
        assert_eq!(line.n_correct as u64, tag["images_correct"].as_u64().unwrap(), "{name}");
        assert_eq!(line.n_missing as u64, tag["images_missing"].as_u64().unwrap(), "{name}");
    }
    assert_eq!(run.protocol(Some(evaluator)).fingerprint(), old["protocol"]["fingerprint"].as_str().unwrap());
    assert_eq!(run.note(evaluator), old["note"].as_str().unwrap());
    let coverage = run.coverage().unwrap();
    assert_eq!(coverage.usable as u64, old["coverage"]["usable_images"].as_u64().unwrap());
}

#[test]
fn replies_give_the_scores_that_they_gave_and_judges_are_trusted_as_before() {
    for name in ["wise-legacy", "reason-edit"] {
        let (_folder, path) = run(name);
        let run = Run::open(&path).unwrap();
        let old = expected(&format!("{name}-score.json"));
        let found = summaries(&run);
        let judges = old["judges"].as_array().unwrap();
        assert_eq!(found.len(), judges.len(), "{name}");
        for ((evaluator, summary), old) in found.iter().zip(judges) {
            assert_eq!(evaluator.id(), old["judge"]["id"].as_str().unwrap());
            for (line, old) in summary.lines().zip(old["scores"].as_array().unwrap()) {
                assert_eq!(line.name, old["name"].as_str().unwrap(), "{name}");
                assert_same(score_of(line.line), &old["score"], line.name);
                assert_same(Some(line.line.bounds.0), &old["bounds"]["worst"], line.name);
            }
            let protocol = run.protocol(Some(evaluator)).fingerprint();
            assert_eq!(protocol, old["protocol"]["fingerprint"].as_str().unwrap(), "{name}");
        }
        let trust = Trust::of(&run, BootstrapSettings::default()).unwrap();
        let agreement = old["trust"]["agreement"].as_array().unwrap();
        assert_eq!(trust.pairs.len(), agreement.len(), "{name}");
        for (pair, old) in trust.pairs.iter().zip(agreement) {
            assert_same(pair.agreement.exact, &old["exact"], name);
        }
        assert_eq!(trust.noise.len(), old["trust"]["noise"].as_array().unwrap().len(), "{name}");
    }
}

#[test]
fn a_run_is_compared_with_another_and_planned_for() {
    let settings = BootstrapSettings::default();
    let ((_a, a), (_b, b)) = (run("reason-edit"), run("reason-edit-b"));
    let (a, b) = (OpenedRun::open(&a, settings).unwrap(), OpenedRun::open(&b, settings).unwrap());
    let side = |run| Side { run, observer: 0 };
    let comparison = compare_sides(side(&a), side(&b), settings);
    assert!(comparison.is_paired);
    assert!(!comparison.conclusion.is_empty() && comparison.lines.last().unwrap().part == "overall");
    let plan = plan(side(&a), 0.05, 0.0).unwrap();
    assert_eq!(plan.lines.last().unwrap().part, "overall");
}

#[test]
fn who_asks_for_somebody_else_is_told_who_is_there() {
    let (_folder, path) = run("geneval");
    let run = Run::open(&path).unwrap();
    let error = run.choose(Some("nobody")).unwrap_err();
    assert!(matches!(&error, ScoringError::NoSuchEvaluator { known, .. } if known.len() == 1), "{error}");
    assert!(run.choose(None).unwrap().is_some());
    assert!(matches!(Run::open(Path::new("/nowhere/at/all")), Err(ScoringError::Store(_))));
}

#[test]
fn the_example_prints_the_scores_of_a_run() {
    let (_folder, path) = run("wise-legacy");
    let text = print_scores::scores_of(&path).unwrap();
    assert!(text.starts_with("wise-legacy of "), "{text}");
    assert!(text.ends_with("  overall: -\n"), "a part has no score: {text}");
}
