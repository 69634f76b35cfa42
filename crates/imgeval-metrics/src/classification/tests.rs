//! Reference: scripts/reference/classification.py (scikit-learn 1.9.1, SciPy 1.17.1, NumPy 2.4.6).

use imgeval_core::{Estimate, IntervalMethod};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::*;
use crate::BootstrapSettings;
use crate::fixture::{Case, check_close, parse_cases};
use crate::logistic::{Features, LearnError};

const FIXTURE: &str = include_str!("../../tests/fixtures/classification.txt");

fn cases(names: &[&str]) -> Vec<Case> {
    let cases: Vec<Case> =
        parse_cases(FIXTURE).into_iter().filter(|case| names.contains(&case.name.as_str())).collect();
    assert_eq!(cases.len(), names.len());
    cases
}

fn rows(case: &Case, name: &str) -> Vec<Vec<f64>> {
    let n_classes = case.whole_numbers("shape")[0];
    case.get(name).chunks_exact(n_classes).map(<[f64]>::to_vec).collect()
}

fn seeded(seed: u64, replicates: usize) -> BootstrapSettings {
    BootstrapSettings { seed, replicates }
}

#[test]
fn measures_are_those_of_scikit_learn() {
    for case in cases(&["ranked-two", "ranked-ties", "ranked-four"]) {
        let probabilities = rows(&case, "probabilities");
        let n_classes = probabilities[0].len();
        let labels = case.whole_numbers("labels");
        let predictions: Vec<Prediction> = probabilities
            .iter()
            .zip(&labels)
            .enumerate()
            .map(|(group, (probabilities, label))| Prediction {
                group,
                label: *label,
                probabilities: probabilities.clone(),
            })
            .collect();
        let Evaluation { accuracy, balanced_accuracy, auc } =
            evaluate(&predictions, n_classes, seeded(0, 100)).unwrap();
        let found = [accuracy.value, balanced_accuracy.value, auc.value];
        check_close(&case.name, &found, case.get("measures"), 1e-10, 0.0);
        let brier = brier_score(&probabilities, &labels).unwrap();
        check_close("brier", &[brier], case.get("brier"), 1e-10, 0.0);
        if n_classes == 2 {
            let scores: Vec<f64> = probabilities.iter().map(|row| row[1]).collect();
            let is_positive: Vec<bool> = labels.iter().map(|label| *label == 1).collect();
            assert_eq!(roc_auc(&scores, &is_positive), Some(auc.value));
        }
    }
}

#[test]
fn calibration_is_that_of_scipy_and_scikit_learn() {
    for case in cases(&["ranked-two", "ranked-ties", "ranked-four"]) {
        let labels = case.whole_numbers("labels");
        let mut confidences = Vec::new();
        let mut is_right = Vec::new();
        for (row, label) in rows(&case, "probabilities").iter().zip(&labels) {
            let largest = row.iter().copied().fold(0.0, f64::max);
            confidences.push(largest);
            is_right.push(row.iter().position(|value| *value == largest) == Some(*label));
        }
        let error = expected_calibration_error(&confidences, &is_right).unwrap();
        check_close("calibration error", &[error], case.get("calibration-error"), 1e-9, 0.0);
        let histogram = confidence_histogram(&confidences).unwrap();
        assert_eq!(histogram.to_vec(), case.whole_numbers("histogram"));

        // SciPy's search ends within about 1e-8 of the minimum.
        let temperature = Temperature::fit(&rows(&case, "logits"), &labels).unwrap();
        check_close("temperature", &[temperature.value()], case.get("temperature"), 1e-6, 0.0);
        let isotonic = Isotonic::fit(&confidences, &is_right).unwrap();
        let found: Vec<f64> = case.get("asked").iter().map(|score| isotonic.apply(*score)).collect();
        check_close("isotonic", &found, case.get("isotonic"), 1e-9, 1e-3);
        let stored = Isotonic::from_parts(isotonic.scores().to_vec(), isotonic.confidences().to_vec());
        assert_eq!(stored, Some(isotonic));
    }
}

#[test]
fn distances_are_those_of_scikit_learn() {
    for case in cases(&["distance-two", "distance-few"]) {
        let [n_features, n_classes] = case.whole_numbers("shape").try_into().unwrap();
        let rows = case.floats("rows");
        let features = Features::new(&rows, n_features).unwrap();
        let labels = case.whole_numbers("labels");
        let distance = ClassDistance::fit(features, &labels, n_classes).unwrap();
        check_close("shrinkage", &[distance.parts().shrinkage], case.get("shrinkage"), 1e-8, 0.0);
        let asked = case.floats("asked");
        let scores: Vec<f64> =
            asked.chunks_exact(n_features).map(|row| distance.score(row).unwrap()).collect();
        check_close("scores", &scores, case.get("scores"), 1e-7, 0.0);
        assert_eq!(distance.score(&[0.0]), Err(LearnError::OtherLength { expected: n_features, found: 1 }));
        assert_eq!(ClassDistance::from_parts(distance.parts().clone()), Ok(distance));
    }
}

#[test]
fn stored_distances_must_hold_together() {
    let good = DistanceParts {
        mean: vec![0.0; 2],
        scale: vec![1.0; 2],
        factor: vec![1.0, 0.5, 1.0],
        centres: vec![0.0; 4],
        shrinkage: 0.1,
    };
    assert!(ClassDistance::from_parts(good.clone()).is_ok());
    let bad = [
        DistanceParts { mean: vec![], ..good.clone() },
        DistanceParts { scale: vec![1.0, -1.0], ..good.clone() },
        DistanceParts { factor: vec![1.0, 0.5, 0.0], ..good.clone() },
        DistanceParts { factor: vec![1.0; 4], ..good.clone() },
        DistanceParts { centres: vec![0.0; 3], ..good.clone() },
        DistanceParts { shrinkage: f64::NAN, ..good },
    ];
    for parts in bad {
        assert!(matches!(ClassDistance::from_parts(parts), Err(LearnError::Stored { .. })));
    }
    let flat = [1.0, 1.0, 2.0, 2.0];
    let error = ClassDistance::fit(Features::new(&flat, 1).unwrap(), &[0, 0, 1, 1], 2).unwrap_err();
    assert_eq!(error.to_string(), "invalid settings: no feature varies within the classes");
}

#[test]
fn intervals_of_an_auc_solve_newcombes_equation() {
    for case in cases(&["auc-intervals"]) {
        for row in case.get("intervals").chunks_exact(5) {
            let (low, high) = auc_interval(row[0], row[1] as usize, row[2] as usize);
            check_close("auc interval", &[low, high], &row[3..], 1e-8, 1e-3);
        }
    }
    assert_eq!(auc_interval(0.7, 0, 5), (0.0, 1.0));
}

/// Images of groups: each has a share of luck of its own and one of its group.
fn draw(generator: &mut Pcg64, n_groups: usize, n_images: usize, gap: f64) -> Vec<Prediction> {
    // The sum of twelve uniform numbers, less 6, is nearly normal.
    let mut normal = || (0..12).map(|_| f64::from(generator.next_u32()) / 4_294_967_296.0).sum::<f64>() - 6.0;
    let mut predictions = Vec::new();
    for group in 0..2 * n_groups {
        let label = group % 2;
        let of_group = normal();
        for _ in 0..n_images {
            let score = (of_group + normal()) / 2.0_f64.sqrt() + gap * (label as f64 - 0.5);
            let probability = 1.0 / (1.0 + (-score).exp());
            predictions.push(Prediction {
                group,
                label,
                probabilities: vec![1.0 - probability, probability],
            });
        }
    }
    predictions
}

/// In how many of `n_trials` the intervals of accuracy, balanced accuracy and AUC hold the true values.
fn count_covered(
    n_trials: u64,
    (n_groups, n_images, gap): (usize, usize, f64),
    (accuracy, auc): (f64, f64),
) -> [usize; 3] {
    let mut generator = Pcg64::seed_from_u64(5);
    let mut covered = [0; 3];
    for seed in 0..n_trials {
        let predictions = draw(&mut generator, n_groups, n_images, gap);
        let found = evaluate(&predictions, 2, seeded(seed, 400)).unwrap();
        let pairs = [(found.accuracy, accuracy), (found.balanced_accuracy, accuracy), (found.auc, auc)];
        for (count, (estimate, truth)) in covered.iter_mut().zip(pairs) {
            *count += usize::from((estimate.interval.low..=estimate.interval.high).contains(&truth));
        }
    }
    covered
}

/// Of 400 trials 95 +- 3 % is nearly three standard errors wide; a percentile bootstrap of 40 groups is known to be a little short.
#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    // Two normal distributions of unit variance, 1 apart: the standard normal distribution at 0.5 and at 1 / sqrt(2).
    let covered = count_covered(400, (40, 3, 1.0), (0.691_462_461, 0.760_249_939));
    assert!(covered.iter().all(|covered| (364..=392).contains(covered)), "{covered:?} of 400");
}

/// About four mistakes are to be expected. Percentile intervals alone would hold the true accuracy in 92 % of such trials, the AUC in 89 %.
#[test]
fn nearly_perfect_classifiers_are_not_promised_more() {
    // 3 apart: the standard normal distribution at 1.5 and at 3 / sqrt(2).
    let covered = count_covered(1_000, (30, 1, 3.0), (0.933_192_799, 0.983_052_573));
    assert!(covered.iter().all(|covered| *covered >= 940), "{covered:?} of 1,000");
}

#[test]
fn few_or_perfect_groups_keep_an_honest_width() {
    let mut generator = Pcg64::seed_from_u64(9);
    let few = evaluate(&draw(&mut generator, 4, 50, 1.0), 2, seeded(0, 200)).unwrap();
    assert_eq!(few.accuracy.interval.method, IntervalMethod::WilsonOverPrompts);
    assert_eq!(few.balanced_accuracy.interval.method, IntervalMethod::CombinedParts);
    assert_eq!(few.auc.interval.method, IntervalMethod::NewcombeOverPrompts);
    assert_eq!((few.auc.n_clusters, few.auc.n), (8, 400));
    let width = |estimate: Estimate| estimate.interval.high - estimate.interval.low;
    assert!(width(few.accuracy) > 0.4 && width(few.auc) > 0.4, "{few:?}");

    let perfect = evaluate(&draw(&mut generator, 30, 2, 40.0), 2, seeded(0, 200)).unwrap();
    assert_eq!((perfect.auc.value, perfect.auc.interval.high), (1.0, 1.0));
    assert_eq!(perfect.auc.interval.method, IntervalMethod::NewcombeOverPrompts);
    assert!((0.85..0.95).contains(&perfect.auc.interval.low), "{perfect:?}");
    assert!((0.85..0.95).contains(&perfect.accuracy.interval.low), "{perfect:?}");
}

#[test]
fn copies_of_one_image_add_no_certainty() {
    let mut generator = Pcg64::seed_from_u64(2);
    let once = draw(&mut generator, 30, 1, 1.0);
    let four_times: Vec<Prediction> = once.iter().flat_map(|one| vec![one.clone(); 4]).collect();
    let [once, four_times] = [once, four_times].map(|all| evaluate(&all, 2, seeded(3, 500)).unwrap().auc);
    check_close("low", &[once.interval.low], &[four_times.interval.low], 1e-12, 0.0);
    check_close("high", &[once.interval.high], &[four_times.interval.high], 1e-12, 0.0);
}

#[test]
fn predictions_that_do_not_fit_have_no_evaluation() {
    let one =
        |label, probabilities: &[f64]| Prediction { group: 0, label, probabilities: probabilities.to_vec() };
    let check = |predictions: &[Prediction]| {
        assert_eq!(evaluate(predictions, 2, seeded(0, 10)), None, "{predictions:?}");
    };
    check(&[]);
    check(&[one(0, &[0.5, 0.5])]);
    check(&[one(0, &[0.5, 0.5]), one(2, &[0.5, 0.5])]);
    check(&[one(0, &[0.5, 0.5]), one(1, &[0.5])]);
    check(&[one(0, &[0.5, 0.5]), one(1, &[f64::NAN, 0.5])]);
    assert_eq!(roc_auc(&[1.0, 2.0], &[true, true]), None);
    assert_eq!(roc_auc(&[1.0, f64::NAN], &[true, false]), None);
    assert_eq!(roc_auc(&[1.0], &[true, false]), None);
}

#[test]
fn shares_of_unknown_images_count_groups() {
    let answers: Vec<(usize, usize)> = (0..60).map(|image| (image / 2, usize::from(image % 6 < 2))).collect();
    let shares = class_shares(&answers, 2, seeded(0, 1_000)).unwrap();
    check_close("shares", &[shares[0].value, shares[1].value], &[2.0 / 3.0, 1.0 / 3.0], 1e-12, 0.0);
    assert_eq!((shares[1].n_clusters, shares[1].n), (30, 60));
    // Both images of a group agree, so the interval is that of 30 observations: about 1.96 x sqrt(2/9/30) to each side.
    let width = shares[1].interval.high - shares[1].interval.low;
    assert!((width / 2.0 - 0.169).abs() < 0.02, "{width}");
    assert_eq!(class_shares(&[], 2, seeded(0, 10)), None);
    assert_eq!(class_shares(&[(0, 2)], 2, seeded(0, 10)), None);
}

#[test]
fn temperatures_stay_within_reason() {
    let apart: Vec<Vec<f64>> = (0..20).map(|image| vec![f64::from(image % 2) * 5.0, 2.5]).collect();
    let labels = |right: usize| -> Vec<usize> { (0..20).map(|image| (image + right) % 2).collect() };
    assert!((Temperature::fit(&apart, &labels(1)).unwrap().value() - 0.1).abs() < 1e-9, "all right");
    assert!((Temperature::fit(&apart, &labels(0)).unwrap().value() - 100.0).abs() < 1e-6, "all wrong");
    assert_eq!(Temperature::fit(&[vec![1.0, 1.0]], &[0]), Temperature::new(1.0));
    assert_eq!(Temperature::fit(&[], &[]), None);
    assert_eq!(Temperature::fit(&[vec![1.0, 1.0]], &[2]), None);
    assert_eq!(Temperature::new(0.0), None);
    check_close(
        "softened",
        &Temperature::new(2.0).unwrap().apply(&[0.0, 2.0 * 3.0_f64.ln()]),
        &[0.25, 0.75],
        1e-12,
        0.0,
    );
}

#[test]
fn confidence_without_sense_is_refused() {
    assert_eq!(confidence_histogram(&[0.0, 0.1, 0.95, 1.0]), Some([1, 1, 0, 0, 0, 0, 0, 0, 0, 2]));
    assert_eq!(confidence_histogram(&[1.1]), None);
    assert_eq!(confidence_histogram(&[f64::NAN]), None);
    assert_eq!(expected_calibration_error(&[], &[]), None);
    assert_eq!(brier_score(&[vec![0.5, 0.5], vec![1.0]], &[0, 0]), None);
    assert_eq!(Isotonic::fit(&[f64::NAN], &[true]), None);
    assert_eq!(Isotonic::from_parts(vec![0.0, 0.0], vec![0.0, 1.0]), None);
    assert_eq!(Isotonic::from_parts(vec![0.0, 1.0], vec![1.0, 0.0]), None);
}

#[test]
fn outside_begins_beyond_the_held_out() {
    let scores: Vec<f64> = (0..19).rev().map(f64::from).collect();
    assert_eq!(outside_threshold(&scores, 0.95), Some(18.0));
    assert_eq!(outside_threshold(&scores[1..], 0.95), None, "too few to tell");
    assert_eq!(outside_threshold(&scores, 0.5), Some(9.0));
    assert_eq!(outside_threshold(&scores, 1.0), None);
    // Of 99 scores and a new one, each is as likely to be the largest: 95 ranks of 100 are inside.
    let scores: Vec<f64> = (1..100).map(f64::from).collect();
    assert_eq!(outside_threshold(&scores, 0.95), Some(95.0));
    assert_eq!(energy_score(&[]), f64::INFINITY);
    check_close("energy", &[energy_score(&[1000.0, 1000.0])], &[-1000.0 - 2.0_f64.ln()], 1e-12, 0.0);
}
