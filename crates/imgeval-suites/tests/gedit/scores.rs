//! SC, PQ and their mean by group, language and set.

use std::collections::BTreeMap;

use imgeval_core::CaseId;
use imgeval_metrics::BootstrapSettings;
use imgeval_suites::{
    registry,
    suite::{Slice, SliceValue, SuiteCase, SuiteRef},
    summary::SummaryBuilder,
};
use serde_json::Value;

use super::{lines, shared};

// Reference: scripts/reference/gedit.py (Python 3.11.7).
const FIXTURE: &str = include_str!("../fixtures/gedit.json");

/// The main table as a slice, and those beside it, with their names in the reference.
fn tables(suite: SuiteRef) -> Vec<(Slice, &'static str, &'static str)> {
    let main = Slice { name: "", value: SliceValue::Combined, keep: |_| true };
    let named = |slice: Slice| {
        let set = if slice.name.starts_with("intersection") { "intersection" } else { "full" };
        let value = match slice.value {
            SliceValue::Combined => "overall",
            SliceValue::Asked(0) => "semantics",
            SliceValue::Asked(_) => "quality",
        };
        (slice, set, value)
    };
    std::iter::once(main).chain(suite.slices().iter().copied()).map(named).collect()
}

fn case_of(row: &Value) -> SuiteCase {
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    let is_intersection = row["intersection_exist"].as_bool().unwrap();
    let intersection = if is_intersection { "yes" } else { "no" };
    SuiteCase {
        id: CaseId::new(text("key")),
        tag: text("task_type"),
        rounds: Vec::new(),
        facts: BTreeMap::from([("intersection".to_owned(), intersection.to_owned())]),
        objects: None,
    }
}

/// A score from 0 to 10, or the smaller of two; in [0, 1].
fn tenth(score: &Value) -> f64 {
    let numbers = score.as_array().cloned().unwrap_or_else(|| vec![score.clone()]);
    numbers.iter().map(|number| number.as_f64().unwrap()).fold(10.0, f64::min) / 10.0
}

/// Compares every mean; gives how many there are.
fn check(rows: &[Value], statistics: &Value) -> usize {
    let mut n = 0;
    let mut equal = |found: f64, expected: &Value, what: &str| {
        let expected = expected.as_f64().unwrap();
        assert!((10.0 * found - expected).abs() < 1e-9, "{what}: {found} for {expected}");
        n += 1;
    };
    for language in ["en", "cn"] {
        let suite = registry::find(&format!("gedit-{language}")).unwrap();
        let scheme = suite.scheme(&BTreeMap::new());
        for (slice, set, value) in tables(suite) {
            let mut builder = SummaryBuilder::new(scheme.clone());
            for row in rows.iter().filter(|row| row["instruction_language"] == language) {
                let case = case_of(row);
                if !(slice.keep)(&case) {
                    continue;
                }
                let asked = [tenth(&row["sc"]), tenth(&row["pq"])];
                let score = match slice.value {
                    SliceValue::Combined => suite.combine(&asked),
                    SliceValue::Asked(place) => asked[place],
                };
                builder.add_score(suite.part_of(&scheme, &case).unwrap(), case.id.as_str(), score);
            }
            let summary = builder.summarise(BootstrapSettings { seed: 0, replicates: 50 });
            let expected = &statistics[language][set];
            for (part, line) in &summary.parts {
                let name = &scheme.parts[*part].name;
                equal(line.estimate.unwrap().value, &expected["groups"][name][value], name);
            }
            equal(summary.overall().estimate.unwrap().value, &expected["average"][value], "average");
        }
    }
    n
}

#[test]
fn means_by_group_language_and_set_are_those_of_the_definition() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let n = check(fixture["rows"].as_array().unwrap(), &fixture["statistics"]);
    assert_eq!(n, 2 * 2 * 3 * 12, "languages, sets, values, groups with their average");
}

#[test]
fn means_by_group_language_and_set_are_those_of_the_authors_code() {
    let (Some(rows), Some(statistics)) = (shared("rows.jsonl"), shared("statistics.json")) else { return };
    assert_eq!(check(&lines(&rows), &serde_json::from_str(&statistics).unwrap()), 144);
}
