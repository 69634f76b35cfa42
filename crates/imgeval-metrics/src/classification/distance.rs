//! Images unlike everything that a classifier has seen.

use crate::covariance::{cholesky, covariance_of, diagonal, solve_lower, triangle};
use crate::logistic::{Features, LearnError, Standardisation, check_labels};

/// The distance of a row from the nearest class mean, in units of the spread within classes (Mahalanobis; Lee et al. 2018, "A
/// simple unified framework for detecting out-of-distribution samples").
///
/// Features are standardized first. The covariance is pooled over the classes and drawn toward a multiple of the identity by as much
/// as Ledoit and Wolf 2004 find best, so that it can be inverted however few rows there are.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDistance {
    parts: DistanceParts,
}

/// Everything that makes a distance, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceParts {
    /// One for each feature.
    pub mean: Vec<f64>,
    /// One for each feature, greater than zero.
    pub scale: Vec<f64>,
    /// The lower triangle of the Cholesky factor of the covariance, row by row: 1, 2, 3 ... numbers.
    pub factor: Vec<f64>,
    /// The class means in units of the spread, class by class.
    pub centres: Vec<f64>,
    /// 0 (the covariance as it was found) to 1 (a multiple of the identity).
    pub shrinkage: f64,
}

impl ClassDistance {
    /// `labels` count classes from 0.
    ///
    /// # Errors
    /// If labels do not fit the rows, a class has no row, or no feature varies within the classes.
    pub fn fit(features: Features, labels: &[usize], n_classes: usize) -> Result<Self, LearnError> {
        check_labels(features.n_rows(), labels, n_classes)?;
        let standard = Standardisation::of(features);
        let means = class_means(features, labels, n_classes, &standard);
        let (covariance, shrinkage) = covariance_within(features, labels, &standard, &means);
        let factor = cholesky(covariance, features.n_features())
            .ok_or(LearnError::Settings { what: "no feature varies within the classes" })?;
        let centres = means.iter().flat_map(|mean| solve_lower(&factor, mean)).collect();
        let Standardisation { mean, scale } = standard;
        Self::from_parts(DistanceParts { mean, scale, factor, centres, shrinkage })
    }

    /// # Errors
    /// If lengths do not fit each other, a number is not finite, or a scale or a diagonal entry of the factor is not above zero.
    pub fn from_parts(parts: DistanceParts) -> Result<Self, LearnError> {
        let error = |what| Err(LearnError::Stored { what });
        let n_features = parts.mean.len();
        if n_features == 0
            || parts.scale.len() != n_features
            || parts.factor.len() != triangle(n_features)
            || parts.centres.is_empty()
            || !parts.centres.len().is_multiple_of(n_features)
        {
            return error("lengths of means, scales, factor and centers do not match");
        }
        let numbers = [&parts.mean, &parts.scale, &parts.factor, &parts.centres];
        if !numbers.into_iter().flatten().all(|value| value.is_finite()) || !parts.shrinkage.is_finite() {
            return error("a number is not finite");
        }
        let diagonal = (0..n_features).map(|row| parts.factor[diagonal(row)]);
        if !parts.scale.iter().copied().chain(diagonal).all(|value| value > 0.0) {
            return error("a scale or a diagonal entry of the factor is not above zero");
        }
        Ok(Self { parts })
    }

    #[must_use]
    pub fn parts(&self) -> &DistanceParts {
        &self.parts
    }

    /// The squared distance from the nearest class mean: larger is further outside. Of rows like those it was fitted on, about the
    /// number of features.
    ///
    /// # Errors
    /// If the row has another number of features, or one that is not finite.
    pub fn score(&self, row: &[f32]) -> Result<f64, LearnError> {
        let DistanceParts { mean, scale, factor, centres, .. } = &self.parts;
        if row.len() != mean.len() {
            return Err(LearnError::OtherLength { expected: mean.len(), found: row.len() });
        }
        Features::new(row, row.len())?;
        let places = row.iter().zip(mean).zip(scale);
        let standard: Vec<f64> =
            places.map(|((value, mean), scale)| (f64::from(*value) - mean) / scale).collect();
        let place = solve_lower(factor, &standard);
        let distance = |centre: &[f64]| -> f64 {
            place.iter().zip(centre).map(|(value, centre)| (value - centre).powi(2)).sum()
        };
        Ok(centres.chunks_exact(mean.len()).map(distance).fold(f64::INFINITY, f64::min))
    }
}

fn class_means(
    features: Features,
    labels: &[usize],
    n_classes: usize,
    standard: &Standardisation,
) -> Vec<Vec<f64>> {
    let mut means = vec![vec![0.0; features.n_features()]; n_classes];
    let mut counts = vec![0_usize; n_classes];
    for (row, label) in features.rows().zip(labels) {
        counts[*label] += 1;
        for (sum, value) in means[*label].iter_mut().zip(standard.apply(row)) {
            *sum += value;
        }
    }
    for (mean, count) in means.iter_mut().zip(counts) {
        mean.iter_mut().for_each(|sum| *sum /= count as f64);
    }
    means
}

/// The lower triangle of the shrunk covariance, row by row, and the shrinkage (scikit-learn's `ledoit_wolf` with `assume_centered=True`).
fn covariance_within(
    features: Features,
    labels: &[usize],
    standard: &Standardisation,
    means: &[Vec<f64>],
) -> (Vec<f64>, f64) {
    let n_features = features.n_features();
    let (n, p) = (features.n_rows() as f64, n_features as f64);
    let rows: Vec<&[f32]> = features.rows().collect();
    let centred = |index: usize| -> Vec<f64> {
        let means = &means[labels[index]];
        standard.apply(rows[index]).iter().zip(means).map(|(value, mean)| value - mean).collect()
    };
    let mut covariance = covariance_of(rows.len(), n_features, centred);
    let square = |index| centred(index).iter().map(|value| value * value).sum::<f64>();
    let squared_norms: f64 = (0..rows.len()).map(|index| square(index).powi(2)).sum();

    let trace: f64 = (0..n_features).map(|row| covariance[diagonal(row)]).sum();
    let mu = trace / p;
    let all_squares: f64 = covariance.iter().map(|value| value * value).sum();
    let diagonal_squares: f64 = (0..n_features).map(|row| covariance[diagonal(row)].powi(2)).sum();
    let delta_sum = 2.0 * all_squares - diagonal_squares;
    let delta = (delta_sum - 2.0 * mu * trace + p * mu * mu) / p;
    let beta = ((squared_norms / n - delta_sum) / (p * n)).min(delta);
    // Rounding may leave a little below zero where nothing is to be shrunk.
    let shrinkage = if beta > 0.0 { beta / delta } else { 0.0 };
    covariance.iter_mut().for_each(|value| *value *= 1.0 - shrinkage);
    (0..n_features).for_each(|row| covariance[diagonal(row)] += shrinkage * mu);
    (covariance, shrinkage)
}

/// Minus the logarithm of the summed exponentials of the logits (Liu et al. 2020, "Energy-based out-of-distribution detection", temperature 1): larger
/// is further outside. Infinite without logits.
#[must_use]
pub fn energy_score(logits: &[f64]) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return -largest;
    }
    -(largest + logits.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln())
}

/// The score above which an image counts as outside: of new images like the held-out ones, on average at least `inside_share` lie at
/// or below it, whatever the distribution (split conformal prediction, Papadopoulos et al. 2002).
///
/// `None` if there are too few held-out scores to tell (19 for a share of 0.95), a score is not a number or the share is not
/// between 0 and 1.
#[must_use]
pub fn outside_threshold(held_out: &[f64], inside_share: f64) -> Option<f64> {
    if !(inside_share > 0.0 && inside_share < 1.0) || held_out.iter().any(|score| score.is_nan()) {
        return None;
    }
    // A hair less, so that 20 x 0.95 is 19 despite rounding.
    let rank = ((held_out.len() + 1) as f64 * inside_share - 1e-9).ceil() as usize;
    let mut sorted = held_out.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(rank.checked_sub(1)?).copied()
}
