//! Tables of features.

use super::LearnError;

/// Rows of features, row by row; every number is finite, there is at least one row and one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features<'a> {
    values: &'a [f32],
    n_features: usize,
}

impl<'a> Features<'a> {
    /// # Errors
    /// If `values` is empty or not a whole number of rows, or a number is not finite.
    pub fn new(values: &'a [f32], n_features: usize) -> Result<Self, LearnError> {
        if values.is_empty() || n_features == 0 || !values.len().is_multiple_of(n_features) {
            return Err(LearnError::Shape { n_values: values.len(), n_features });
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(LearnError::NotFinite { row: place / n_features, feature: place % n_features });
        }
        Ok(Self { values, n_features })
    }

    #[must_use]
    pub fn n_rows(self) -> usize {
        self.values.len() / self.n_features
    }

    #[must_use]
    pub fn n_features(self) -> usize {
        self.n_features
    }

    pub fn rows(self) -> std::slice::ChunksExact<'a, f32> {
        self.values.chunks_exact(self.n_features)
    }

    pub(crate) fn values(self) -> &'a [f32] {
        self.values
    }
}

/// What makes each feature's mean zero and its standard deviation one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standardisation {
    pub(crate) mean: Vec<f64>,
    /// The standard deviation of the rows as they are (not an estimate for more); 1 for a feature that does not vary.
    pub(crate) scale: Vec<f64>,
}

impl Standardisation {
    pub(crate) fn of(features: Features) -> Self {
        let n = features.n_rows() as f64;
        let mut mean = vec![0.0; features.n_features()];
        for row in features.rows() {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= n);
        let mut scale = vec![0.0; features.n_features()];
        for row in features.rows() {
            for ((square, value), mean) in scale.iter_mut().zip(row).zip(&mean) {
                *square += (f64::from(*value) - mean).powi(2);
            }
        }
        for (scale, mean) in scale.iter_mut().zip(&mean) {
            let deviation = (*scale / n).sqrt();
            // A feature that only varies by rounding of its sum does not vary.
            let varies = deviation > 10.0 * f64::EPSILON * mean.abs();
            *scale = if varies { deviation } else { 1.0 };
        }
        Self { mean, scale }
    }

    pub(crate) fn apply(&self, row: &[f32]) -> Vec<f64> {
        let places = row.iter().zip(&self.mean).zip(&self.scale);
        places.map(|((value, mean), scale)| (f64::from(*value) - mean) / scale).collect()
    }
}
