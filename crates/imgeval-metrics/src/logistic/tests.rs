//! Reference: scripts/reference/classification.py (scikit-learn 1.9.1).

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::*;
use crate::classification::energy_score;
use crate::fixture::{check_close, parse_cases};

const FIXTURE: &str = include_str!("../../tests/fixtures/classification.txt");

fn fit(
    rows: &[f32],
    n_features: usize,
    labels: &[usize],
    n_classes: usize,
) -> Result<LogisticFit, LearnError> {
    let settings = LogisticSettings::default();
    fit_logistic(Features::new(rows, n_features)?, labels, n_classes, None, settings)
}

/// Both stop where the gradient is below 1e-9 or less; weights then agree to 2e-6 of the larger of 1 and the weight.
#[test]
fn weights_are_those_of_scikit_learn() {
    let cases = parse_cases(FIXTURE);
    for name in ["two", "two-balanced", "three", "four-balanced"] {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let [n_features, n_classes, _, balanced] = case.whole_numbers("shape").try_into().unwrap();
        let labels = case.whole_numbers("labels");
        let rows = case.floats("rows");
        let weights = balanced_weights(&labels, n_classes);
        let chosen: Vec<f64> = weights.iter().copied().step_by((labels.len() / 10).max(1)).collect();
        check_close("sample weights", &chosen, case.get("sample-weights"), 1e-10, 0.0);

        let features = Features::new(&rows, n_features).unwrap();
        let settings =
            LogisticSettings { penalty: case.get("shape")[2], tolerance: 1e-9, max_iterations: 5_000 };
        let weights = (balanced == 1).then_some(weights.as_slice());
        let fit = fit_logistic(features, &labels, n_classes, weights, settings).unwrap();
        assert!(fit.converged, "{name}: {} iterations", fit.iterations);
        let parts = fit.model.parts();
        check_close("mean", &parts.mean, case.get("mean"), 1e-9, 1e-3);
        check_close("scale", &parts.scale, case.get("scale"), 1e-9, 0.0);
        check_close(name, &parts.weights, case.get("weights"), 2e-6, 1.0);
        check_close(name, &parts.intercepts, case.get("intercepts"), 2e-6, 1.0);
        let first = || features.rows().take(20);
        let probabilities: Vec<f64> = first().flat_map(|row| fit.model.probabilities(row).unwrap()).collect();
        check_close(name, &probabilities, case.get("probabilities"), 2e-6, 1.0);
        let energy: Vec<f64> = first().map(|row| energy_score(&fit.model.logits(row).unwrap())).collect();
        check_close(name, &energy, case.get("energy"), 1e-5, 1.0);
        assert_eq!(LogisticModel::from_parts(parts.clone()), Ok(fit.model));
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let mut generator = Pcg64::seed_from_u64(1);
    let rows: Vec<f32> = (0..1_000 * 10).map(|_| generator.next_u32() as f32 / 1e9).collect();
    let labels: Vec<usize> = rows.chunks(10).map(|row| usize::from(row[0] + row[1] > row[2] + 2.0)).collect();
    let with = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| fit(&rows, 10, &labels, 2).unwrap())
    };
    assert_eq!(with(1), with(4));
}

/// Without a penalty the weights would grow for ever; with it there is a minimum.
#[test]
fn classes_that_are_wholly_apart_are_learnt() {
    let rows = [-2.0, -1.5, -1.0, 1.0, 1.5, 2.0];
    let fit = fit(&rows, 1, &[0, 0, 0, 1, 1, 1], 2).unwrap();
    assert!(fit.converged);
    // scikit-learn 1.9.1, the same six rows.
    check_close(
        "apart",
        &fit.model.probabilities(&[-1.0]).unwrap(),
        &[0.692_359_16, 0.307_640_84],
        1e-5,
        0.0,
    );
    assert!(fit.model.logits(&[1e30]).unwrap().iter().all(|logit| logit.is_finite()));
}

#[test]
fn too_few_iterations_are_said() {
    let rows = [-2.0, -1.5, 0.3, 1.0, -0.2, 2.0];
    let features = Features::new(&rows, 1).unwrap();
    let settings = LogisticSettings { max_iterations: 1, tolerance: 1e-12, ..LogisticSettings::default() };
    let fit = fit_logistic(features, &[0, 0, 0, 1, 1, 1], 2, None, settings).unwrap();
    assert_eq!((fit.converged, fit.iterations), (false, 1));
}

#[test]
fn unfit_input_is_refused() {
    let check = |result: Result<LogisticFit, LearnError>, message: &str| {
        assert_eq!(result.unwrap_err().to_string(), message);
    };
    let two = [0, 1];
    check(fit(&[1.0, 2.0, 3.0], 2, &two, 2), "3 numbers do not form a table of rows with 2 features each");
    check(fit(&[], 2, &[], 2), "0 numbers do not form a table of rows with 2 features each");
    check(fit(&[1.0, f32::NAN], 1, &two, 2), "feature 0 of row 1 is not a finite number");
    check(fit(&[1.0, 2.0], 1, &[0], 2), "2 rows of features come with 1 labels: each row needs one");
    check(
        fit(&[1.0, 2.0], 1, &[0, 2], 2),
        "class 2 of row 1 does not exist: there are 2 classes, counted from 0",
    );
    check(fit(&[1.0, 2.0], 1, &[0, 0], 2), "class 1 has no rows: each class needs at least one example");
    check(fit(&[1.0, 2.0], 1, &[0, 0], 1), "1 classes are not enough: at least two are needed");
    let features = Features::new(&[1.0, 2.0], 1).unwrap();
    let settings = LogisticSettings::default();
    let fit = |weights, settings| fit_logistic(features, &two, 2, weights, settings);
    check(fit(Some(&[1.0, 0.0]), settings), "weight of row 1 is not a positive finite number");
    check(fit(Some(&[1.0]), settings), "2 rows of features come with 1 weights: each row needs one");
    check(
        fit(None, LogisticSettings { penalty: 0.0, ..settings }),
        "invalid settings: penalty and tolerance must be positive",
    );
    let model = fit(None, settings).unwrap().model;
    assert_eq!(model.logits(&[1.0, 2.0]), Err(LearnError::OtherLength { expected: 1, found: 2 }));
    assert_eq!(model.logits(&[f32::INFINITY]), Err(LearnError::NotFinite { row: 0, feature: 0 }));
}

#[test]
fn stored_models_must_hold_together() {
    let good = LogisticParts {
        n_classes: 3,
        mean: vec![0.0; 2],
        scale: vec![1.0; 2],
        weights: vec![0.0; 6],
        intercepts: vec![0.0; 3],
    };
    assert!(LogisticModel::from_parts(good.clone()).is_ok());
    let bad = [
        LogisticParts { n_classes: 1, ..good.clone() },
        LogisticParts { n_classes: usize::MAX, ..good.clone() },
        LogisticParts { mean: vec![], ..good.clone() },
        LogisticParts { scale: vec![1.0, 0.0], ..good.clone() },
        LogisticParts { weights: vec![0.0; 5], ..good.clone() },
        LogisticParts { intercepts: vec![f64::NAN; 3], ..good.clone() },
        LogisticParts { intercepts: vec![0.0; 1], ..good },
    ];
    for parts in bad {
        assert!(matches!(LogisticModel::from_parts(parts), Err(LearnError::Stored { .. })));
    }
}
