//! Fitting.

use rayon::prelude::*;

use super::lbfgs::minimise;
use super::model::n_rows_of;
use super::{Features, LearnError, LogisticModel, LogisticParts, Standardisation, check_labels};
use crate::covariance::{cholesky, covariance_of, diagonal, dot, solve_lower, solve_upper};

/// Rows that are summed together, whatever the number of threads.
const BLOCK_ROWS: usize = 256;

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticSettings {
    /// Strength of the quadratic penalty, 1 / C of scikit-learn; above zero.
    pub penalty: f64,
    /// Done when no entry of the gradient of the mean loss is larger than this (scikit-learn's `tol`).
    pub tolerance: f64,
    pub max_iterations: usize,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self { penalty: 1.0, tolerance: 1e-6, max_iterations: 2_000 }
    }
}

/// A model, and whether the minimum was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticFit {
    pub model: LogisticModel,
    pub converged: bool,
    pub iterations: usize,
}

/// Weights that give each class the same total: rows / (classes x rows of the class), scikit-learn's `"balanced"`.
///
/// Labels of `n_classes` and more get a weight of zero, which [`fit_logistic`] refuses.
#[must_use]
pub fn balanced_weights(labels: &[usize], n_classes: usize) -> Vec<f64> {
    let mut counts = vec![0_usize; n_classes];
    for label in labels {
        if let Some(count) = counts.get_mut(*label) {
            *count += 1;
        }
    }
    let weight = |label: &usize| {
        counts.get(*label).map_or(0.0, |count| labels.len() as f64 / (n_classes * count) as f64)
    };
    labels.iter().map(weight).collect()
}

/// Fits on all rows. `labels` count classes from 0; `weights` are one for each row, all 1 if `None`.
///
/// # Errors
/// If labels or weights do not fit the rows, a class has no row, or a setting is not above zero.
pub fn fit_logistic(
    features: Features,
    labels: &[usize],
    n_classes: usize,
    weights: Option<&[f64]>,
    settings: LogisticSettings,
) -> Result<LogisticFit, LearnError> {
    check_labels(features.n_rows(), labels, n_classes)?;
    if !(settings.penalty > 0.0 && settings.penalty.is_finite() && settings.tolerance > 0.0) {
        return Err(LearnError::Settings { what: "penalty and tolerance must be positive" });
    }
    let ones;
    let weights = match weights {
        Some(weights) => weights,
        None => {
            ones = vec![1.0; features.n_rows()];
            &ones
        }
    };
    check_weights(features.n_rows(), weights)?;

    let standard = Standardisation::of(features);
    let objective = Objective {
        features,
        labels,
        weights,
        n_rows: n_rows_of(n_classes),
        standard: &standard,
        penalty: settings.penalty,
        total_weight: weights.iter().sum(),
    };
    let n_weights = objective.n_rows * features.n_features();
    let start = vec![0.0; n_weights + objective.n_rows];
    let evaluate = |place: &[f64]| objective.evaluate(place);
    let curvature = Curvature::of(features, &standard, settings.penalty / objective.total_weight)?;
    let precondition = |gradient: &[f64]| curvature.solve(gradient);
    let minimum = minimise(start, settings.tolerance, settings.max_iterations, evaluate, precondition);
    let mut weights = minimum.place;
    let intercepts = weights.split_off(n_weights);
    let Standardisation { mean, scale } = standard;
    let model = LogisticModel::from_parts(LogisticParts { n_classes, mean, scale, weights, intercepts })?;
    Ok(LogisticFit { model, converged: minimum.converged, iterations: minimum.iterations })
}

fn check_weights(n_rows: usize, weights: &[f64]) -> Result<(), LearnError> {
    if weights.len() != n_rows {
        return Err(LearnError::Count { what: "weights", rows: n_rows, found: weights.len() });
    }
    match weights.iter().position(|weight| !(*weight > 0.0 && weight.is_finite())) {
        Some(row) => Err(LearnError::Weight { row }),
        None => Ok(()),
    }
}

/// The weighted mean of the losses and the penalty divided by the total weight.
struct Objective<'a> {
    features: Features<'a>,
    labels: &'a [usize],
    weights: &'a [f64],
    /// Of weights of the model: 1 for two classes.
    n_rows: usize,
    standard: &'a Standardisation,
    penalty: f64,
    total_weight: f64,
}

/// Sums over a block of rows: losses, residuals, and residuals times features as they are.
struct Sums {
    loss: f64,
    residuals: Vec<f64>,
    products: Vec<f64>,
}

impl Objective<'_> {
    /// `place`: weights on standardized features, row by row, then intercepts.
    fn evaluate(&self, place: &[f64]) -> (f64, Vec<f64>) {
        let n_features = self.features.n_features();
        let (weights, intercepts) = place.split_at(self.n_rows * n_features);
        // Standardizing goes into the weights, so that the table stays as it is.
        let mut raw_weights = weights.to_vec();
        let mut raw_intercepts = intercepts.to_vec();
        for (row, intercept) in raw_weights.chunks_exact_mut(n_features).zip(&mut raw_intercepts) {
            for ((weight, mean), scale) in row.iter_mut().zip(&self.standard.mean).zip(&self.standard.scale) {
                *weight /= scale;
                *intercept -= *weight * mean;
            }
        }

        let block = |index: usize| self.sum_block(index, &raw_weights, &raw_intercepts);
        let n_blocks = self.features.n_rows().div_ceil(BLOCK_ROWS);
        let blocks: Vec<Sums> = (0..n_blocks).into_par_iter().map(block).collect();
        let mut total = self.no_sums();
        for block in &blocks {
            total.loss += block.loss;
            total.residuals.iter_mut().zip(&block.residuals).for_each(|(sum, value)| *sum += value);
            total.products.iter_mut().zip(&block.products).for_each(|(sum, value)| *sum += value);
        }

        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let value = (total.loss + self.penalty / 2.0 * squares) / self.total_weight;
        let mut gradient = Vec::with_capacity(place.len());
        for (row, weight) in weights.iter().enumerate() {
            let (class, feature) = (row / n_features, row % n_features);
            let centred = total.products[row] - self.standard.mean[feature] * total.residuals[class];
            gradient
                .push((centred / self.standard.scale[feature] + self.penalty * weight) / self.total_weight);
        }
        gradient.extend(total.residuals.iter().map(|residual| residual / self.total_weight));
        (value, gradient)
    }

    fn no_sums(&self) -> Sums {
        let products = vec![0.0; self.n_rows * self.features.n_features()];
        Sums { loss: 0.0, residuals: vec![0.0; self.n_rows], products }
    }

    fn sum_block(&self, index: usize, raw_weights: &[f64], raw_intercepts: &[f64]) -> Sums {
        let n_features = self.features.n_features();
        let mut sums = self.no_sums();
        let first = index * BLOCK_ROWS;
        let end = (first + BLOCK_ROWS).min(self.features.n_rows());
        let rows = self.features.values()[first * n_features..end * n_features].chunks_exact(n_features);
        for (row, (label, weight)) in rows.zip(self.labels[first..end].iter().zip(&self.weights[first..end]))
        {
            let logits = raw_weights.chunks_exact(n_features).zip(raw_intercepts);
            let logits: Vec<f64> = logits.map(|(weights, intercept)| intercept + dot(row, weights)).collect();
            let (loss, residuals) = loss_of(&logits, *label);
            sums.loss += weight * loss;
            let outputs = sums.products.chunks_exact_mut(n_features).zip(&mut sums.residuals);
            for ((products, sum), residual) in outputs.zip(residuals) {
                let residual = weight * residual;
                *sum += residual;
                for (product, value) in products.iter_mut().zip(row) {
                    *product += residual * f64::from(*value);
                }
            }
        }
        sums
    }
}

/// The largest curvature that the mean loss of two classes can have, with the penalty's. What further classes and weights of rows
/// change, the search learns.
struct Curvature {
    factor: Vec<f64>,
    n_features: usize,
}

impl Curvature {
    /// Of a probability of one half.
    const LARGEST: f64 = 0.25;

    fn of(features: Features, standard: &Standardisation, penalty: f64) -> Result<Self, LearnError> {
        let n_features = features.n_features();
        let rows: Vec<&[f32]> = features.rows().collect();
        let mut matrix = covariance_of(rows.len(), n_features, |index| standard.apply(rows[index]));
        matrix.iter_mut().for_each(|value| *value *= Self::LARGEST);
        // A thousandth of a millionth for the rounding of features that repeat each other.
        (0..n_features).for_each(|row| matrix[diagonal(row)] += penalty + 1e-9);
        let factor = cholesky(matrix, n_features)
            .ok_or(LearnError::Settings { what: "the penalty is too small for these features" })?;
        Ok(Self { factor, n_features })
    }

    /// The inverse times a gradient: weights row by row, then intercepts.
    fn solve(&self, gradient: &[f64]) -> Vec<f64> {
        let n_rows = gradient.len() / (self.n_features + 1);
        let (weights, intercepts) = gradient.split_at(n_rows * self.n_features);
        let rows = weights.chunks_exact(self.n_features);
        let mut solved: Vec<f64> =
            rows.flat_map(|row| solve_upper(&self.factor, solve_lower(&self.factor, row))).collect();
        solved.extend(intercepts.iter().map(|intercept| intercept / Self::LARGEST));
        solved
    }
}

/// Log loss of one row, and its derivative by each logit.
fn loss_of(logits: &[f64], label: usize) -> (f64, Vec<f64>) {
    if let [logit] = logits {
        let towards = if label == 1 { *logit } else { -logit };
        let wrong = 1.0 / (1.0 + towards.exp());
        // ln(1 + exp(-t)), without overflow.
        let loss = (-towards.abs()).exp().ln_1p() + (-towards).max(0.0);
        return (loss, vec![if label == 1 { -wrong } else { wrong }]);
    }
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let loss = largest + total.ln() - logits[label];
    let derivative = |(class, logit): (usize, &f64)| {
        (logit - largest).exp() / total - if class == label { 1.0 } else { 0.0 }
    };
    (loss, logits.iter().enumerate().map(derivative).collect())
}
