//! WISE's scores of the same rows: ours against plain Python.

use imgeval_metrics::BootstrapSettings;
use imgeval_suites::summary::SummaryBuilder;
use imgeval_suites::wise::{
    Category, Edition, ScoreRow, WiseScore, parse_score_rows, render_score_rows, scheme,
};
use serde_json::Value;

// Reference: scripts/reference/wise_scores.py (Python 3.11.7). The scoring functions of the benchmark's wise_culture.py and
// wise_science.py gave the same numbers for culture, time and space when run on its rows.
const FIXTURE: &str = include_str!("../fixtures/wise_scores.json");

fn rows(edition: Edition, codes: &str) -> Vec<ScoreRow> {
    let digits: Vec<f64> = codes.chars().map(|digit| f64::from(digit.to_digit(10).unwrap())).collect();
    let score = |digits: &[f64]| match *digits {
        [consistency, realism, aesthetic] => WiseScore::Legacy { consistency, realism, aesthetic },
        [score] => WiseScore::Verified { score },
        _ => panic!("one or three digits"),
    };
    let n = if edition == Edition::Legacy { 3 } else { 1 };
    let row = |(prompt_id, digits): (u32, &[f64])| ScoreRow {
        prompt_id,
        subcategory: "other".to_owned(),
        score: Some(score(digits)),
    };
    (1..).zip(digits.chunks(n)).map(row).collect()
}

fn check(edition: Edition, codes: &str, means: &str) {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let text = render_score_rows(&rows(edition, fixture[codes].as_str().unwrap()));
    let mut builder = SummaryBuilder::new(scheme(edition));
    for row in parse_score_rows(edition, &text).unwrap().rows {
        let part = Category::of(edition, row.prompt_id).unwrap() as usize;
        builder.add_score(part, &row.prompt_id.to_string(), row.score.unwrap().value());
    }
    assert_eq!(builder.scored_cases().count(), 1_000);
    let summary = builder.summarise(BootstrapSettings { seed: 0, replicates: 100 });
    for (part, line) in &summary.parts {
        let category = Category::ALL[*part];
        let expected = fixture[means][category.name()].as_f64().unwrap();
        assert_eq!(line.estimate.unwrap().value, expected, "{category:?}: the same sums in the same order");
    }
    assert_eq!(summary.parts.len(), Category::ALL.len());
    let overall = summary.overall().estimate.unwrap().value;
    assert!((overall - fixture[means]["overall"].as_f64().unwrap()).abs() < 1e-12);
}

#[test]
fn scores_of_the_papers_protocol_are_the_official_ones() {
    check(Edition::Legacy, "legacy", "legacy_means");
}

#[test]
fn scores_of_the_verified_protocol_are_the_official_ones() {
    check(Edition::Verified, "verified", "verified_means");
}
