//! Against lifelines 0.30.3 and SciPy, from `shared/golden/multiturn/survival` where it is there, and a table from a textbook's kind of
//! example that is small enough to be worked out by hand.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use super::*;
use crate::{BootstrapSettings, holm, permutation::mcnemar_exact};

const TOLERANCE: f64 = 1e-9;

fn check(what: &str, found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: {expected} is no number"));
    assert!((found - expected).abs() <= TOLERANCE, "{what}: {found} instead of {expected}");
}

fn times_of(dataset: &Value) -> Vec<Time> {
    let both = dataset["times"].as_array().unwrap().iter().zip(dataset["events"].as_array().unwrap());
    let time = |(time, event): (&Value, &Value)| Time {
        round: time.as_u64().unwrap() as u32,
        is_event: event.as_u64() == Some(1),
    };
    both.map(time).collect()
}

fn check_round(what: &str, found: Option<u32>, expected: &Value) {
    match found {
        Some(round) => check(what, f64::from(round), expected),
        None => assert_eq!(expected, "inf", "{what}"),
    }
}

fn check_curve(name: &str, dataset: &Value) {
    let curve = Curve::of(&times_of(dataset)).unwrap();
    let table = dataset["table"].as_array().unwrap();
    assert_eq!(curve.steps().len(), table.len(), "{name}");
    for (place, (step, row)) in curve.steps().iter().zip(table).enumerate() {
        let counts = [step.round as usize, step.at_risk, step.events, step.censored];
        let expected = ["t", "at_risk", "events", "censored"].map(|key| row[key].as_u64().unwrap() as usize);
        assert_eq!(counts, expected, "{name} {place}");
        check(name, step.survival, &dataset["survival"][place]);
        check(name, step.greenwood_se, &dataset["greenwood_se"][place]);
        for (key, band) in
            [("greenwood_band_clipped", step.greenwood_band), ("loglog_band", step.log_log_band)]
        {
            check(name, band.0, &dataset[key][place][0]);
            check(name, band.1, &dataset[key][place][1]);
        }
    }
    check_round(name, curve.median(), &dataset["median"]);
    let (low, high) = curve.median_interval();
    check_round(name, low, &dataset["median_interval_loglog"][0]);
    check_round(name, high, &dataset["median_interval_loglog"][1]);
    for (limit, expected) in dataset["rmst"].as_object().unwrap() {
        let found = curve.restricted_mean(limit.parse().unwrap()).unwrap();
        check(name, found.rounds, &expected["rmst"]);
        check(name, found.greenwood_se, &expected["se_greenwood"]);
    }
}

fn check_tests(golden: &Value) {
    let dataset = |name: &Value| times_of(&golden["datasets"][name.as_str().unwrap()]);
    for pair in golden["logrank"].as_array().unwrap() {
        let (a, b) = (dataset(&pair["a"]), dataset(&pair["b"]));
        let found = log_rank(&[&a, &b], Weights::Equal);
        if pair["observed_a"].as_f64() == Some(0.0) && pair["variance"].as_f64() == Some(0.0) {
            assert_eq!(found, Err(NotTestable::NoEvents));
            continue;
        }
        let (found, gehan) = (found.unwrap(), log_rank(&[&a, &b], Weights::AtRisk).unwrap());
        for (found, expected) in [(&found, &pair["logrank"]), (&gehan, &pair["gehan_wilcoxon"])] {
            check("chi2", found.chi_square, &expected["chi2"]);
            check("p", found.p_value, &expected["p"]);
        }
        check("observed", found.groups[0].observed, &pair["observed_a"]);
        check("expected", found.groups[0].expected, &pair["expected_a"]);
        check("variance", found.groups[0].variance, &pair["variance"]);
    }
    let three = &golden["three_groups"];
    let groups: Vec<Vec<Time>> = three["groups"].as_array().unwrap().iter().map(dataset).collect();
    let groups: Vec<&[Time]> = groups.iter().map(Vec::as_slice).collect();
    let found = log_rank(&groups, Weights::Equal).unwrap();
    check("three groups", found.chi_square, &three["chi2"]);
    check("three groups", found.p_value, &three["p"]);
    assert_eq!(found.degrees_of_freedom, 2);
}

fn check_statuses(golden: &Value) {
    let status = |name: &Value| match name.as_str().unwrap() {
        "ok" => RoundStatus::Ok,
        "failed" => RoundStatus::Failed,
        "refused" => RoundStatus::Refused,
        "missing" => RoundStatus::Missing,
        other => panic!("{other}"),
    };
    let sessions: Vec<Vec<RoundStatus>> = golden["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session.as_array().unwrap().iter().map(status).collect())
        .collect();
    for (refusals, key) in [(Refusals::Failed, "refusals_failed"), (Refusals::Censored, "refusals_censored")]
    {
        let times: Vec<Time> = sessions.iter().map(|session| time_of(session, refusals)).collect();
        let expected: Vec<Time> = golden[key]["time_event"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| Time {
                round: pair[0].as_u64().unwrap() as u32,
                is_event: pair[1].as_u64() == Some(1),
            })
            .collect();
        assert_eq!(times, expected, "{key}");
        let curve = Curve::of(&times).unwrap();
        for (round, expected) in golden[key]["km_at"].as_object().unwrap() {
            check(key, curve.at(round.parse().unwrap()).survival, expected);
        }
        check_round(key, curve.median(), &golden[key]["median"]);
    }
    let slices: Vec<&[RoundStatus]> = sessions.iter().map(Vec::as_slice).collect();
    let found: BTreeMap<String, [usize; 2]> = success_by_round(&slices, &REPORTED_ROUNDS)
        .iter()
        .map(|rate| (rate.round.to_string(), [rate.sessions, rate.count]))
        .collect();
    let expected: BTreeMap<String, [usize; 2]> = golden["sr_raw"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(round, row)| {
            (round.clone(), ["sessions", "ok"].map(|key| row[key].as_u64().unwrap() as usize))
        })
        .collect();
    assert_eq!(found, expected);
}

fn check_pairs(golden: &Value) {
    let statuses = |key: &str| -> Vec<Vec<RoundStatus>> {
        let first = golden["paired"][key].as_array().unwrap().iter();
        first
            .map(|failed| {
                let status = |round: u64| {
                    if round >= failed.as_u64().unwrap() { RoundStatus::Failed } else { RoundStatus::Ok }
                };
                (1..=10).map(status).collect()
            })
            .collect()
    };
    let (a, b) = (statuses("first_failed_round_a"), statuses("first_failed_round_b"));
    let sessions: Vec<[&[RoundStatus]; 2]> =
        a.iter().zip(&b).map(|(a, b)| [a.as_slice(), b.as_slice()]).collect();
    let settings = BootstrapSettings { seed: 0, replicates: 500 };
    let found = compare_paired(&sessions, &REPORTED_ROUNDS, settings);
    let expected = golden["paired"]["by_k"].as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(
            [u64::from(found.round), found.a_only as u64, found.b_only as u64],
            ["k", "a_only", "b_only"].map(|key| expected[key].as_u64().unwrap())
        );
        check("sr_a", found.rates[0], &expected["sr_a"]);
        check("sr_b", found.rates[1], &expected["sr_b"]);
        check("p_exact", found.p_exact, &expected["p_exact"]);
        check("p_holm", found.p_holm, &expected["p_holm"]);
        assert!((found.difference.value - (found.rates[1] - found.rates[0])).abs() < 1e-12);
    }
    for case in golden["mcnemar"].as_array().unwrap() {
        let count = |key: &str| case[key].as_u64().unwrap() as usize;
        check("mcnemar", mcnemar_exact(count("a_only"), count("b_only")), &case["p_exact"]);
    }
    for case in golden["holm"].as_array().unwrap() {
        let p: Vec<f64> = case["p"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        for (found, expected) in holm(&p).into_iter().zip(case["holm"].as_array().unwrap()) {
            check("holm", found, expected);
        }
    }
}

#[test]
fn survival_is_that_of_lifelines() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/multiturn/survival/expected.json");
    let Ok(bytes) = std::fs::read(path) else { return };
    let golden: Value = serde_json::from_slice(&bytes).unwrap();
    for (name, dataset) in golden["datasets"].as_object().unwrap() {
        check_curve(name, dataset);
    }
    check_tests(&golden);
    check_statuses(&golden["status_sessions"]);
    check_pairs(&golden);
}

/// Worked out by hand: 4 sessions, of which one fails in round 1, one in round 2, and one is censored after each.
#[test]
fn a_small_table_is_what_paper_and_pencil_give() {
    let times = [Time::event(1), Time::censored(1), Time::event(2), Time::censored(2)];
    let curve = Curve::of(&times).unwrap();
    let survival: Vec<f64> = curve.steps().iter().map(|step| step.survival).collect();
    assert_eq!(survival, [1.0, 0.75, 0.375]);
    let error = 0.375 * (1.0 / 12.0 + 1.0 / 2.0_f64).sqrt();
    assert!((curve.at(9).greenwood_se - error).abs() < 1e-12);
    assert_eq!((curve.median(), curve.last_round()), (Some(2), 2));
    let mean = curve.restricted_mean(2).unwrap();
    assert!((mean.rounds - 1.75).abs() < 1e-12);
    assert!((mean.greenwood_se - 0.75 * (1.0 / 12.0_f64).sqrt()).abs() < 1e-12);
    assert_eq!(curve.restricted_mean(3), None, "nobody was seen for 3 rounds");
    assert_eq!(Curve::of(&[]), None);

    let never = [Time::censored(3)];
    assert_eq!(log_rank(&[&never, &never], Weights::Equal), Err(NotTestable::NoEvents));
    assert_eq!(log_rank(&[&times], Weights::Equal), Err(NotTestable::TooFewGroups));
    // Whoever could fail was alone.
    let (early, late) = ([Time::censored(1)], [Time::event(2)]);
    assert_eq!(log_rank(&[&early, &late], Weights::Equal), Err(NotTestable::NeverTogether));
}

#[test]
fn rates_count_sessions_that_are_long_enough() {
    use RoundStatus::{Failed, Missing, Ok, Refused};
    let sessions: [&[RoundStatus]; 4] = [&[Ok, Ok, Ok], &[Ok, Refused, Ok], &[Failed], &[]];
    let counts = |rates: Vec<RoundRate>| -> Vec<(u32, usize, usize)> {
        rates.iter().map(|rate| (rate.round, rate.sessions, rate.count)).collect()
    };
    assert_eq!(counts(success_by_round(&sessions, &REPORTED_ROUNDS)), [(1, 3, 2), (2, 2, 1), (3, 2, 1)]);
    assert_eq!(counts(collapse_by_round(&sessions, &REPORTED_ROUNDS)), [(1, 3, 1), (2, 2, 1), (3, 2, 1)]);
    assert_eq!(time_of(&[Missing], Refusals::Censored), Time::censored(0));
    assert_eq!(time_of(&[Ok, Refused], Refusals::Failed), Time::event(2));

    let settings = BootstrapSettings { seed: 0, replicates: 10 };
    let pairs: [[&[RoundStatus]; 2]; 2] = [[&[Ok, Ok, Ok], &[Ok]], [&[Failed, Ok], &[Ok, Ok]]];
    let found = compare_paired(&pairs, &REPORTED_ROUNDS, settings);
    let sizes: Vec<_> = found.iter().map(|round| (round.round, round.sessions, round.b_only)).collect();
    assert_eq!(sizes, [(1, 2, 1), (2, 1, 1)], "round 3 has no session of both");
}
