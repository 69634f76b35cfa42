//! How well a model does on groups that it has never seen.

use imgeval_metrics::{
    BootstrapSettings,
    classification::{
        Prediction, Temperature, brier_score, confidence_histogram, evaluate, expected_calibration_error,
    },
};

use crate::{
    Measured,
    architecture::{error::DiagnoseError, learn::Output},
};

/// Enough for two digits of an interval.
const REPLICATES: usize = 2_000;

pub(crate) fn bootstrap(seed: u64) -> BootstrapSettings {
    BootstrapSettings { seed, replicates: REPLICATES }
}

/// Share of right answers and ranking, each clustered by group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Separation {
    pub accuracy: Measured,
    /// Mean of the classes' accuracies; chance is one over the number of classes.
    pub balanced_accuracy: Measured,
    /// Area under the ROC curve (of several classes the mean of each against the rest); chance is 0.5.
    pub auc: Measured,
}

/// How a model does on the test groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    pub separation: Separation,
    /// The number by which logits are divided; fitted on the validation groups.
    pub temperature: f64,
    /// Expected calibration error (ten bins) without and with the temperature.
    pub calibration_error_before: f64,
    pub calibration_error: f64,
    /// Brier score without and with the temperature.
    pub brier_before: f64,
    pub brier: f64,
    /// Confidence in the first class, in ten bins, for the images of each class.
    pub histograms: Vec<[usize; 10]>,
    /// Share of test images beyond the distance that 95 % of the validation images keep; `None` if these were too few.
    pub outside_share: Option<f64>,
}

pub(crate) fn predictions(
    outputs: &[Output],
    labels: &[usize],
    groups: &[usize],
    temperature: Temperature,
) -> Vec<Prediction> {
    let prediction = |((output, label), group): ((&Output, &usize), &usize)| Prediction {
        group: *group,
        label: *label,
        probabilities: temperature.apply(&output.logits),
    };
    outputs.iter().zip(labels).zip(groups).map(prediction).collect()
}

pub(crate) fn separation(
    predictions: &[Prediction],
    n_classes: usize,
    seed: u64,
) -> Result<Separation, DiagnoseError> {
    let evaluation =
        evaluate(predictions, n_classes, bootstrap(seed)).ok_or(DiagnoseError::NothingToEvaluate)?;
    Ok(Separation {
        accuracy: evaluation.accuracy.into(),
        balanced_accuracy: evaluation.balanced_accuracy.into(),
        auc: evaluation.auc.into(),
    })
}

/// Everything about the test groups but the outside share.
pub(crate) fn evaluate_outputs(
    outputs: &[Output],
    labels: &[usize],
    groups: &[usize],
    temperature: Temperature,
    n_classes: usize,
    seed: u64,
) -> Result<Evaluation, DiagnoseError> {
    let raw = Temperature::new(1.0).ok_or(DiagnoseError::NothingToEvaluate)?;
    let before = predictions(outputs, labels, groups, raw);
    let after = predictions(outputs, labels, groups, temperature);
    let (calibration_error_before, brier_before) = calibration(&before)?;
    let (calibration_error, brier) = calibration(&after)?;
    let histogram = |class: usize| {
        let confidences: Vec<f64> =
            after.iter().filter(|one| one.label == class).map(|one| one.probabilities[0]).collect();
        confidence_histogram(&confidences).ok_or(DiagnoseError::NothingToEvaluate)
    };
    Ok(Evaluation {
        separation: separation(&after, n_classes, seed)?,
        temperature: temperature.value(),
        calibration_error_before,
        calibration_error,
        brier_before,
        brier,
        histograms: (0..n_classes).map(histogram).collect::<Result<_, _>>()?,
        outside_share: None,
    })
}

/// The class with the largest probability; of equals the first.
pub(crate) fn answer_of(probabilities: &[f64]) -> usize {
    (0..probabilities.len()).rev().max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0)
}

fn calibration(predictions: &[Prediction]) -> Result<(f64, f64), DiagnoseError> {
    let confidences: Vec<f64> =
        predictions.iter().map(|one| one.probabilities.iter().copied().fold(0.0, f64::max)).collect();
    let is_right: Vec<bool> =
        predictions.iter().map(|one| answer_of(&one.probabilities) == one.label).collect();
    let probabilities: Vec<Vec<f64>> = predictions.iter().map(|one| one.probabilities.clone()).collect();
    let labels: Vec<usize> = predictions.iter().map(|one| one.label).collect();
    expected_calibration_error(&confidences, &is_right)
        .zip(brier_score(&probabilities, &labels))
        .ok_or(DiagnoseError::NothingToEvaluate)
}
