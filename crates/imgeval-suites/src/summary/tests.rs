use imgeval_metrics::BootstrapSettings;

use super::*;
use crate::{
    geneval::{self, Tag},
    reason_edit::{self, Folder},
    wise::{self, Category, Edition},
};

fn quick() -> BootstrapSettings {
    BootstrapSettings { seed: 0, replicates: 300 }
}

fn value(line: &ScoreLine) -> f64 {
    line.estimate.unwrap().value
}

#[test]
fn parts_weigh_the_same_and_missing_is_not_wrong() {
    let mut builder = SummaryBuilder::new(geneval::scheme());
    let (single, position) = (Tag::SingleObject as usize, Tag::Position as usize);
    for prompt in ["a", "b", "c"] {
        builder.expect_case(single, prompt, None);
    }
    builder.add_score(single, "a", 1.0);
    builder.add_score(single, "a", 0.0);
    builder.add_score(single, "b", 1.0);
    builder.add_failed(single, "b");
    builder.expect_case(position, "d", None);
    builder.add_score(position, "d", 0.0);
    builder.add_score(position, "d", 0.0);
    let summary = builder.summarise(quick());
    assert_eq!(summary.images_per_case, Some(2));
    let line = summary.part(single).unwrap();
    assert_eq!((line.n_correct, line.n_scored, line.n_missing), (2, 3, 3));
    assert_eq!((line.n_prompts, line.n_prompts_scored, line.n_prompts_any_correct), (3, 2, 2));
    assert_eq!(line.bounds, (2.0 / 6.0, 5.0 / 6.0));
    let overall = summary.overall();
    assert!((value(overall) - (2.0 / 3.0) / 2.0).abs() < 1e-12);
    assert_eq!(overall.bounds, (1.0 / 6.0, 2.5 / 6.0));
    let with_missing = overall.with_missing.unwrap();
    assert!(with_missing.low < overall.bounds.0 && with_missing.high > overall.bounds.1);
}

#[test]
fn a_part_without_images_has_no_score_and_full_bounds() {
    let mut builder = SummaryBuilder::new(geneval::scheme());
    builder.expect_case(Tag::Position as usize, "a", None);
    let summary = builder.summarise(quick());
    assert_eq!(summary.parts[0].1.estimate, None);
    assert_eq!(summary.overall().bounds, (0.0, 1.0));
}

/// Scores of all of WISE's prompts: `value` by id.
fn wise_builder(value: impl Fn(u32) -> Option<f64>) -> SummaryBuilder {
    let mut builder = SummaryBuilder::new(wise::scheme(Edition::Legacy));
    for id in 1..=1_000 {
        let part = Category::of(Edition::Legacy, id).unwrap() as usize;
        builder.add_case(part, &id.to_string(), Some(if id % 2 == 0 { "even" } else { "odd" }));
        if let Some(value) = value(id) {
            builder.add_score(part, &id.to_string(), value);
        }
    }
    builder
}

#[test]
fn parts_count_by_their_official_weights() {
    let all = |id| Some(if id <= 400 { 1.0 } else { f64::from(id % 2) });
    let summary = wise_builder(all).summarise(quick());
    let odd = |ids: std::ops::RangeInclusive<u32>| f64::from(ids.filter(|id| id % 2 == 1).count() as u32);
    let (time, space) = (odd(401..=567) / 167.0, odd(568..=700) / 133.0);
    assert!((value(summary.overall()) - (0.4 + 0.167 * time + 0.133 * space + 0.15)).abs() < 1e-9);
    assert_eq!(summary.groups.len(), 12);
    assert_eq!((summary.overall().n_scored, summary.overall().n_missing), (1_000, 0));
}

#[test]
fn without_a_weighted_part_the_overall_score_is_withheld() {
    let mut builder = SummaryBuilder::new(wise::scheme(Edition::Verified));
    builder.add_score(0, "1", 1.0);
    builder.add_failed(1, "500");
    let summary = builder.summarise(quick());
    assert_eq!(summary.overall().estimate, None);
    assert_eq!(summary.without_score, [1, 2, 3, 4, 5]);
    assert_eq!(value(&summary.parts[0].1), 1.0);
    assert_eq!(summary.parts[1].1.bounds, (0.0, 1.0));
    let (low, high) = summary.overall().bounds;
    assert!((low - 0.4).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
}

#[test]
fn cases_that_are_expected_and_absent_are_missing() {
    let mut builder = wise_builder(|id| (id > 10).then_some(0.5));
    (1..=10_u32).for_each(|id| builder.expect_case(0, &id.to_string(), Some("even")));
    let summary = builder.summarise(quick());
    let culture = summary.part(0).unwrap();
    assert_eq!((culture.n_prompts, culture.n_prompts_scored, culture.n_missing), (400, 390, 10));
    assert!((value(culture) - 0.5).abs() < 1e-12);
    assert!(
        (culture.bounds.0 - 195.0 / 400.0).abs() < 1e-12 && (culture.bounds.1 - 205.0 / 400.0).abs() < 1e-12
    );
}

#[test]
fn totals_over_images_count_every_image_the_same() {
    let mut builder = SummaryBuilder::new(reason_edit::scheme());
    for index in 0..30 {
        builder.add_score(Folder::LeftRight as usize, &format!("left-right-{index}"), 0.8);
    }
    for index in 0..10 {
        builder.add_score(Folder::Color as usize, &format!("color-{index}"), 0.4);
    }
    builder.add_score(Folder::Reasoning as usize, "reasoning-1", 0.1);
    let summary = builder.summarise(quick());
    let lines: Vec<(&str, f64)> = summary.lines().map(|line| (line.name, value(line.line))).collect();
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["left-right", "color", "reasoning", "understanding", "reasoning (all)", "overall"]);
    for ((name, value), expected) in lines.iter().zip([0.8, 0.4, 0.1, 0.7, 0.1, 28.1 / 41.0]) {
        assert!((value - expected).abs() < 1e-12, "{name}: {value}");
    }
    // One stream for both, so that the two lines say the same.
    assert_eq!(summary.part(Folder::Reasoning as usize), Some(&summary.totals[1]));
    let metric = builder.summarise_metric(quick());
    let understanding = metric.iter().find(|line| line.name == "understanding").unwrap();
    assert!((understanding.value.unwrap() - 0.7).abs() < 1e-12);
    let (low, high) = understanding.interval.unwrap();
    assert!(0.6 < low && low < 0.7 && 0.7 < high && high < 0.8);
    assert!(!metric.iter().any(|line| line.name == "reasoning (all)"));
}

#[test]
fn equal_images_make_a_metric_infinite_and_absent_ones_are_missing() {
    let mut builder = SummaryBuilder::new(reason_edit::scheme());
    let mirror = Folder::Mirror as usize;
    builder.expect_case(mirror, "mirror-1", None);
    builder.expect_case(mirror, "mirror-2", None);
    builder.add_score(mirror, "mirror-1", f64::INFINITY);
    let all = builder.summarise_metric(quick()).pop().unwrap();
    assert_eq!((all.value, all.interval, all.n_missing), (Some(f64::INFINITY), None, 1));
    let mut builder = SummaryBuilder::new(reason_edit::scheme());
    builder.expect_case(mirror, "mirror-1", None);
    builder.add_score(mirror, "mirror-2", 0.5);
    let summary = builder.summarise(quick());
    assert_eq!(summary.overall().bounds, (0.25, 0.75));
    assert_eq!((summary.totals[1].estimate, summary.totals[1].bounds), (None, (0.0, 1.0)));
}

#[test]
fn cases_named_by_numbers_are_summed_in_the_order_of_the_numbers() {
    let mut builder = SummaryBuilder::new(wise::scheme(Edition::Legacy));
    for id in ["10", "9", "00052", "x", "2"] {
        builder.add_score(0, id, 0.5);
    }
    let ids: Vec<&str> = builder.scored_cases().map(|case| case.id).collect();
    assert_eq!(ids, ["2", "9", "10", "00052", "x"]);
}

#[test]
fn a_gap_is_taken_over_cases_that_both_have() {
    let original = wise_builder(|id| Some(f64::from(id % 3) / 4.0));
    let better = |id: u32| f64::from(id % 3) / 4.0 + f64::from(id % 2) / 2.0;
    let rewritten = wise_builder(|id| (id > 1).then(|| better(id)));
    let gap = compute_gap(&original.summarise(quick()), &rewritten.summarise(quick()), quick()).unwrap();
    assert_eq!((gap.n_unpaired, gap.parts.len()), (1, 6));
    let overall = gap.overall.unwrap();
    assert!((overall.value - 0.25).abs() < 0.005);
    let (low, high) = overall.interval.unwrap();
    assert!(low < overall.value && overall.value < high && high - low < 0.05);
    let verified = SummaryBuilder::new(wise::scheme(Edition::Verified)).summarise(quick());
    assert_eq!(compute_gap(&original.summarise(quick()), &verified, quick()), None);
}
