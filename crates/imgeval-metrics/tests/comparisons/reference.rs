//! Reference: scripts/reference/comparisons.py; the versions stand in the fixture's first line.

use imgeval_core::IntervalMethod;
use imgeval_metrics::{
    BootstrapSettings, Cluster, Comparison, ComparisonPlan, ComparisonTest, IndependentPart, PairedCluster,
    PairedPart, PromptSpread, clopper_pearson_interval, compare_independent, compare_runs, holm,
    plan_comparison, rank_with_ties, wilson_interval,
};

const FIXTURE: &str = include_str!("../fixtures/comparisons.txt");

/// The lines of a kind, each as its fields.
fn cases(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = FIXTURE.lines().map(|line| line.split(';').collect::<Vec<_>>());
    let cases: Vec<_> = lines.filter(|fields| fields[0] == kind).map(|fields| fields[1..].to_vec()).collect();
    assert!(cases.len() >= 3, "{kind}");
    cases
}

fn numbers(field: &str) -> Vec<f64> {
    field.split(' ').map(|number| number.parse().unwrap()).collect()
}

fn clusters(field: &str) -> Vec<Cluster> {
    let cluster = |text: &str| {
        let (sum, n) = text.split_once('/').unwrap();
        Cluster { sum: sum.parse().unwrap(), n: n.parse().unwrap() }
    };
    field.split(' ').map(cluster).collect()
}

fn compare(case: &[&str], settings: BootstrapSettings) -> Comparison {
    let pairs = clusters(case[0]).into_iter().zip(clusters(case[1])).map(|(a, b)| PairedCluster { a, b });
    let part = PairedPart { key: 1, weight: 1.0, pairs: pairs.collect() };
    compare_runs(&[part], settings).unwrap()
}

fn assert_close(ours: f64, reference: f64, tolerance: f64, case: &[&str]) {
    assert!((ours - reference).abs() <= tolerance, "{ours} instead of {reference}: {case:?}");
}

#[test]
fn intervals_of_proportions_are_those_of_statsmodels() {
    for case in cases("proportion") {
        let (right, n): (usize, usize) = (case[0].parse().unwrap(), case[1].parse().unwrap());
        let (exact, wilson) =
            (clopper_pearson_interval(right, n), wilson_interval(right as f64 / n as f64, n));
        let ours = [exact.0, exact.1, wilson.0, wilson.1];
        for (ours, reference) in ours.into_iter().zip(numbers(case[2])) {
            assert_close(ours, reference, 1e-9, &case);
        }
    }
}

#[test]
fn mcnemar_is_that_of_statsmodels() {
    for case in cases("mcnemar") {
        let overall = compare(&case, BootstrapSettings::default()).overall;
        assert_eq!(overall.test, ComparisonTest::McNemarExact);
        assert_close(overall.p_value.unwrap(), numbers(case[2])[0], 1e-12, &case);
    }
}

#[test]
fn sign_flips_are_those_of_scipy() {
    let mut n_exact = 0;
    for case in cases("flips") {
        let part = &compare(&case, BootstrapSettings::default()).parts[0];
        let [reference, is_exact] = numbers(case[2]).try_into().unwrap();
        if is_exact == 1.0 {
            n_exact += 1;
            assert_eq!(part.test, ComparisonTest::SignFlipExact);
            assert_close(part.p_value.unwrap(), reference, 1e-12, &case);
        } else {
            assert_eq!(part.test, ComparisonTest::SignFlipRandom);
            // Four standard errors of our 10,000 and scipy's 100,000 flips.
            let tolerance = 4.0 * (reference * (1.0 - reference) * 1.1e-4).sqrt();
            assert_close(part.p_value.unwrap(), reference, tolerance, &case);
        }
    }
    assert_eq!(n_exact, 4);
}

#[test]
fn exchanged_prompts_are_those_of_scipy() {
    for case in cases("exchanged") {
        let part = IndependentPart { key: 2, weight: 1.0, a: clusters(case[0]), b: clusters(case[1]) };
        let overall = compare_independent(&[part], BootstrapSettings::default()).unwrap().overall;
        let reference = numbers(case[2])[0];
        let tolerance = 4.0 * (reference * (1.0 - reference) * 1.1e-4).sqrt() + 1e-4;
        assert_close(overall.p_value.unwrap(), reference, tolerance, &case);
    }
}

/// The interval's ends lie on a grid of one image, so that the noise of 10,000 and 100,000 replicates moves them by a step.
#[test]
fn the_bootstrap_of_pairs_is_that_of_scipy() {
    for case in cases("bootstrap") {
        let interval = compare(&case, BootstrapSettings::default()).overall.interval;
        assert_eq!(interval.method, IntervalMethod::PromptBootstrap);
        let reference = numbers(case[2]);
        assert_close(interval.low, reference[0], 0.005, &case);
        assert_close(interval.high, reference[1], 0.005, &case);
        // Where many pairs differ, correcting for bias and skew would change next to nothing.
        assert_close(interval.low, reference[2], 0.01, &case);
        assert_close(interval.high, reference[3], 0.01, &case);
    }
}

#[test]
fn intervals_of_few_pairs_are_those_of_scipy() {
    for (kind, method) in
        [("student", IntervalMethod::PairedStudent), ("adjusted", IntervalMethod::AdjustedPairs)]
    {
        for case in cases(kind) {
            let interval = compare(&case, BootstrapSettings::default()).parts[0].interval;
            let reference = numbers(case[2]);
            assert_eq!(interval.method, method, "{case:?}");
            assert_close(interval.low, reference[0], 1e-9, &case);
            assert_close(interval.high, reference[1], 1e-9, &case);
        }
    }
}

#[test]
fn holm_is_that_of_statsmodels() {
    for case in cases("holm") {
        for (ours, reference) in holm(&numbers(case[0])).into_iter().zip(numbers(case[1])) {
            assert_close(ours, reference, 1e-12, &case);
        }
    }
}

#[test]
fn ranks_are_those_of_scipy_where_all_differences_are_clear() {
    for case in cases("ranks") {
        let values = numbers(case[0]);
        let ranks = rank_with_ties(&values, |a, b| values[a] != values[b]);
        for (range, (best, worst)) in ranks.iter().zip(numbers(case[1]).into_iter().zip(numbers(case[2]))) {
            assert_eq!((range.best as f64, range.worst as f64), (best, worst), "{case:?}");
        }
    }
}

/// Tolerance: statsmodels counts the chance of finding the opposite sign, which is below 10^-6.
#[test]
fn power_is_that_of_statsmodels() {
    for case in cases("power") {
        let [variance, n, difference] = numbers(case[0]).try_into().unwrap();
        let [detectable, needed] = numbers(case[1]).try_into().unwrap();
        let plan = ComparisonPlan {
            n_prompts: n as usize,
            images_per_prompt: 1,
            // Of a difference of two single images.
            spread: PromptSpread::unseparated(variance / 2.0),
            correlation: 0.0,
        };
        let ours = plan_comparison(plan, difference);
        assert_close(ours.detectable.unwrap() / detectable, 1.0, 1e-5, &case);
        assert_eq!(ours.prompts_needed.unwrap(), (needed * (1.0 - 1e-5)).ceil() as u64, "{case:?}");
    }
}
