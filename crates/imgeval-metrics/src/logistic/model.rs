//! A fitted model as plain vectors, and what it says of a row.

use super::{Features, LearnError};

/// Everything that makes a model, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticParts {
    pub n_classes: usize,
    /// One for each feature.
    pub mean: Vec<f64>,
    /// One for each feature, greater than zero.
    pub scale: Vec<f64>,
    /// On standardized features, row by row: one row of features for two classes (toward class 1), else one for each class.
    pub weights: Vec<f64>,
    /// One for each row of weights.
    pub intercepts: Vec<f64>,
}

/// A fitted logistic regression.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticModel {
    parts: LogisticParts,
}

pub(super) fn n_rows_of(n_classes: usize) -> usize {
    if n_classes == 2 { 1 } else { n_classes }
}

impl LogisticModel {
    /// # Errors
    /// If lengths do not fit each other, a number is not finite, or a scale is not above zero.
    pub fn from_parts(parts: LogisticParts) -> Result<Self, LearnError> {
        let error = |what| Err(LearnError::Stored { what });
        let n_features = parts.mean.len();
        if parts.n_classes < 2 || n_features == 0 {
            return error("it has fewer than two classes, or no features");
        }
        let n_rows = n_rows_of(parts.n_classes);
        let n_weights = n_rows.checked_mul(n_features);
        if parts.scale.len() != n_features
            || Some(parts.weights.len()) != n_weights
            || parts.intercepts.len() != n_rows
        {
            return error("lengths of means, scales, weights and intercepts do not match");
        }
        let numbers = [&parts.mean, &parts.scale, &parts.weights, &parts.intercepts];
        if !numbers.into_iter().flatten().all(|value| value.is_finite()) {
            return error("a number is not finite");
        }
        if !parts.scale.iter().all(|scale| *scale > 0.0) {
            return error("a scale is not positive");
        }
        Ok(Self { parts })
    }

    #[must_use]
    pub fn parts(&self) -> &LogisticParts {
        &self.parts
    }

    /// One for each class, before softmax. Of two classes both carry half, with opposite signs.
    ///
    /// # Errors
    /// If the row has another number of features, or one that is not finite.
    pub fn logits(&self, row: &[f32]) -> Result<Vec<f64>, LearnError> {
        let LogisticParts { n_classes, mean, scale, weights, intercepts } = &self.parts;
        if row.len() != mean.len() {
            return Err(LearnError::OtherLength { expected: mean.len(), found: row.len() });
        }
        Features::new(row, row.len())?;
        let logit = |(weights, intercept): (&[f64], &f64)| {
            let places = row.iter().zip(mean).zip(scale).zip(weights);
            let terms =
                places.map(|(((value, mean), scale), weight)| (f64::from(*value) - mean) / scale * weight);
            intercept + terms.sum::<f64>()
        };
        let logits: Vec<f64> = weights.chunks_exact(mean.len()).zip(intercepts).map(logit).collect();
        Ok(if *n_classes == 2 { vec![-logits[0] / 2.0, logits[0] / 2.0] } else { logits })
    }

    /// One for each class; they sum to 1.
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn probabilities(&self, row: &[f32]) -> Result<Vec<f64>, LearnError> {
        Ok(softmax(&self.logits(row)?))
    }
}

/// Probabilities of logits; empty of nothing.
#[must_use]
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / total).collect()
}
