//! Reference: scripts/reference/detection.py (scikit-learn 1.9.1, NumPy 2.4.6).

use std::path::Path;

use imgeval_core::IntervalMethod;
use serde_json::Value;

use super::*;
use crate::{
    BootstrapSettings,
    fixture::{check_close, parse_cases},
};

const FIXTURE: &str = include_str!("../../tests/fixtures/detection.txt");

fn scored(labels: &[f64], scores: &[f64]) -> Vec<ScoredImage> {
    let pairs = labels.iter().zip(scores).enumerate();
    pairs
        .map(|(cluster, (label, score))| ScoredImage { score: *score, is_fake: *label > 0.5, cluster })
        .collect()
}

fn measured(images: &[ScoredImage]) -> Detection {
    measure_detection(images, 0.5, BootstrapSettings { seed: 0, replicates: 50 }).unwrap()
}

/// All that is defined for the images, by the names that golden files have for it.
fn numbers(images: &[ScoredImage]) -> Vec<(&'static str, Defined<f64>)> {
    let (confusion, cuts) = (Confusion::at(images, 0.5), Cuts::of(images).unwrap());
    vec![
        ("accuracy", confusion.accuracy()),
        ("real_accuracy", confusion.real_accuracy()),
        ("fake_accuracy", confusion.fake_accuracy()),
        ("balanced_accuracy", confusion.balanced_accuracy()),
        ("f1", confusion.f1()),
        ("precision", confusion.precision()),
        ("recall", confusion.recall()),
        ("mcc", confusion.mcc()),
        ("average_precision", cuts.average_precision()),
        ("auc", cuts.auc()),
        ("eer_nearest", cuts.eer_nearest()),
        ("eer_interpolated", cuts.eer_interpolated()),
        ("tpr_at_fpr_0.01_interp", cuts.interpolated_tpr_at_fpr(0.01)),
        ("tpr_at_fpr_0.01_step", cuts.tpr_at_fpr(0.01)),
        ("tpr_at_fpr_0.05_interp", cuts.interpolated_tpr_at_fpr(0.05)),
        ("tpr_at_fpr_0.05_step", cuts.tpr_at_fpr(0.05)),
        ("tpr_at_fpr_0.1_interp", cuts.interpolated_tpr_at_fpr(0.1)),
        ("tpr_at_fpr_0.1_step", cuts.tpr_at_fpr(0.1)),
        ("best_accuracy", cuts.best_accuracy().map(|cut| cut.accuracy)),
        ("best_balanced_accuracy", cuts.best_balanced_accuracy().map(|cut| cut.accuracy)),
        ("univfd_best_threshold", univfd_threshold(images).map(|cut| cut.threshold)),
        ("univfd_best_threshold_accuracy_strict", univfd_threshold(images).map(|cut| cut.accuracy)),
        ("brier", brier_score_of_fake(images)),
        ("balanced_cllr", balanced_cllr(images)),
    ]
}

#[test]
fn measures_are_those_of_scikit_learn() {
    for case in parse_cases(FIXTURE) {
        let images = scored(case.get("labels"), case.get("scores"));
        let found = measured(&images);
        let Confusion { true_negatives, false_positives, false_negatives, true_positives } = found.confusion;
        let counts = [true_negatives, false_positives, false_negatives, true_positives];
        assert_eq!(counts.to_vec(), case.whole_numbers("confusion"), "{}", case.name);
        let accuracies = [found.accuracy, found.real_accuracy, found.fake_accuracy, found.balanced_accuracy];
        let close = |name: &str, found: &[f64]| check_close(name, found, case.get(name), 1e-10, 1e-3);
        close("accuracies", &accuracies.map(|estimate| estimate.unwrap().value));
        close("f1", &[found.f1.unwrap()]);
        close("average-precision", &[found.average_precision.unwrap().value]);
        close("auc", &[found.auc.unwrap().value]);
        close("eer-nearest", &[found.eer_nearest.unwrap()]);
        close("brier", &[found.brier.unwrap()]);
        let best = [found.best_accuracy, found.best_balanced_accuracy];
        close("best", &best.map(|cut| cut.unwrap().accuracy));
        let cuts = Cuts::of(&images).unwrap();
        close("tpr-at-fpr", &[0.01, 0.05, 0.1].map(|limit| cuts.tpr_at_fpr(limit).unwrap()));
        let roc = found.roc.unwrap();
        close("roc-fpr", &roc.iter().map(|point| point.fpr).collect::<Vec<_>>());
        close("roc-tpr", &roc.iter().map(|point| point.tpr).collect::<Vec<_>>());
        close("roc-thresholds", &roc[1..].iter().map(|point| point.threshold).collect::<Vec<_>>());
        let optional = |name: &str, found: Defined<f64>| match found {
            Ok(value) => check_close(name, &[value], case.get(name), 1e-10, 1e-3),
            Err(_) => assert!(!case.has(name), "{name} of {}", case.name),
        };
        optional("precision", found.precision);
        optional("mcc", found.mcc);
        optional("cllr", found.balanced_cllr);
    }
}

/// Where scikit-learn gives 0 for 0 / 0, the number is not defined here.
#[test]
fn golden_score_sets_agree() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/forensics/metrics/expected.json");
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let golden: Value = serde_json::from_str(&text).unwrap();
    let list =
        |value: &Value| value.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect::<Vec<_>>();
    let mut worst = 0.0_f64;
    for (name, set) in golden["sets"].as_object().unwrap() {
        let images = scored(&list(&set["labels"]), &list(&set["scores"]));
        let expected = &set["metrics"];
        for (measure, found) in numbers(&images) {
            match (found, expected.get(measure).and_then(Value::as_f64)) {
                (Ok(found), Some(expected)) => {
                    assert!((found - expected).abs() < 1e-9, "{name} {measure}: {found}, {expected}");
                    worst = worst.max((found - expected).abs());
                }
                (Ok(found), None) => assert!(!found.is_nan(), "{name} {measure}"),
                (Err(_), Some(expected)) => assert_eq!(expected, 0.0, "{name} {measure}"),
                (Err(_), None) => {}
            }
        }
        if let Some(roc) = expected.get("roc") {
            let found = Cuts::of(&images).unwrap().roc().unwrap();
            check_close(
                name,
                &found.iter().map(|point| point.fpr).collect::<Vec<_>>(),
                &list(&roc["fpr"]),
                1e-12,
                1.0,
            );
            check_close(
                name,
                &found.iter().map(|point| point.tpr).collect::<Vec<_>>(),
                &list(&roc["tpr"]),
                1e-12,
                1.0,
            );
        }
    }
    assert!(worst < 1e-9, "{worst}");
}

#[test]
fn one_class_leaves_only_the_share_that_is_called_fake() {
    let found = measured(&scored(&[1.0; 5], &[0.9, 0.8, 0.7, 0.2, 0.6]));
    assert!((found.called_fake.of_fakes.unwrap().value - 0.8).abs() < 1e-12);
    assert_eq!(found.called_fake.of_reals, None);
    let undefined =
        [found.auc, found.accuracy, found.average_precision, found.balanced_accuracy, found.real_accuracy];
    assert_eq!(undefined, [Err(Undefined::NoReals); 5]);
    let numbers = [
        found.precision,
        found.f1,
        found.mcc,
        found.eer_nearest,
        found.tpr_at_1_percent,
        found.balanced_cllr,
    ];
    assert_eq!(numbers, [Err(Undefined::NoReals); 6]);
    assert_eq!(measured(&scored(&[0.0], &[0.9])).auc, Err(Undefined::NoFakes));
}

#[test]
fn what_a_number_needs_is_said() {
    let few = measured(&scored(&[0.0, 0.0, 1.0], &[0.1, 0.2, 3.0]));
    assert_eq!(few.tpr_at_1_percent, Err(Undefined::FewReals { found: 2, needed: 100 }));
    assert_eq!(few.calibration, Err(Undefined::NotProbabilities));
    assert_eq!(few.univfd_threshold, Err(Undefined::UnequalHalves));
    let certain = measured(&scored(&[0.0, 1.0], &[1.0, 1.0]));
    assert_eq!(
        (certain.balanced_cllr, certain.mcc),
        (Err(Undefined::CertainAndWrong), Err(Undefined::AllCalledTheSame))
    );
    assert_eq!(Cuts::of(&[]).err(), Some(DetectionError::Empty));
    let broken = scored(&[0.0, 1.0], &[0.1, f64::NAN]);
    assert_eq!(Cuts::of(&broken).err(), Some(DetectionError::NotFinite { place: 1 }));
}

#[test]
fn images_of_one_prompt_add_no_certainty() {
    let image = |place: usize, copies: usize| ScoredImage {
        score: (place / copies * 7 % 40) as f64 / 40.0 * 0.7
            + if place / copies % 2 == 1 { 0.3 } else { 0.0 },
        is_fake: place / copies % 2 == 1,
        cluster: place / copies,
    };
    let once: Vec<ScoredImage> = (0..80).map(|place| image(place, 1)).collect();
    let thrice: Vec<ScoredImage> = (0..240).map(|place| image(place, 3)).collect();
    let [first, second] = [&once, &thrice].map(|images| measured(images));
    for (first, second) in [
        (first.average_precision, second.average_precision),
        (first.accuracy, second.accuracy),
        (first.auc, second.auc),
    ] {
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.interval.method, IntervalMethod::PromptBootstrap);
        assert!(first.interval.low < first.value && first.value < first.interval.high, "{first:?}");
        assert!((first.interval.low - second.interval.low).abs() < 1e-12, "{first:?} {second:?}");
    }
    assert_eq!(measured(&once), first, "same input, same numbers");
    let perfect = measured(&scored(&[0.0, 1.0].repeat(20), &[0.1, 0.9].repeat(20)));
    let interval = perfect.average_precision.unwrap().interval;
    assert!(interval.low < 0.9 && interval.method == IntervalMethod::WilsonOverPrompts, "{interval:?}");
}

#[test]
fn calibration_compares_scores_with_shares() {
    let honest = scored(&[0.0, 0.0, 0.0, 1.0], &[0.25; 4]);
    let found = calibration(&honest).unwrap();
    assert!(found.expected_error < 1e-12 && found.bins[2].n == 4 && found.bins[3].mean_score.is_none());
    let boastful = calibration(&scored(&[0.0, 1.0], &[1.0, 1.0])).unwrap();
    assert!((boastful.expected_error - 0.5).abs() < 1e-12 && boastful.bins[9].n == 2);
}
