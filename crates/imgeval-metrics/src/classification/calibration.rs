//! Making confidence honest, and telling how honest it is.

use crate::logistic::softmax;

/// Bins of a confidence histogram and of the calibration error.
pub const CONFIDENCE_BINS: usize = 10;
/// Temperatures beyond which nothing is learned any more: a held-out set without a single error asks for zero.
const TEMPERATURES: (f64, f64) = (0.1, 100.0);

/// Softens or sharpens all logits by one factor (Guo et al. 2017, "On calibration of modern neural networks").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature(f64);

impl Temperature {
    /// `None` unless finite and above zero.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self(value))
    }

    /// The temperature with the least log loss on held-out images, between 0.1 and 100. Of logits that say nothing (equal for every
    /// class) it is 1.
    ///
    /// `None` without images, or if lengths differ, a label does not exist or a logit is not finite.
    #[must_use]
    pub fn fit(logits: &[Vec<f64>], labels: &[usize]) -> Option<Self> {
        let fits = |(logits, label): (&Vec<f64>, &usize)| {
            *label < logits.len() && logits.iter().all(|logit| logit.is_finite())
        };
        if logits.is_empty() || logits.len() != labels.len() || !logits.iter().zip(labels).all(fits) {
            return None;
        }
        // The derivative of the loss by 1 / temperature: it only rises, because the loss is convex.
        let slope = |inverse: f64| -> f64 {
            let slope_of = |(logits, label): (&Vec<f64>, &usize)| {
                let scaled: Vec<f64> = logits.iter().map(|logit| logit * inverse).collect();
                let expected: f64 =
                    softmax(&scaled).iter().zip(logits).map(|(share, logit)| share * logit).sum();
                expected - logits[*label]
            };
            logits.iter().zip(labels).map(slope_of).sum()
        };
        let (mut low, mut high) = (1.0 / TEMPERATURES.1, 1.0 / TEMPERATURES.0);
        let says_nothing =
            logits.iter().all(|logits| logits.iter().all(|logit| (logit - logits[0]).abs() < 1e-12));
        if says_nothing {
            return Some(Self(1.0));
        }
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if slope(middle) > 0.0 { high = middle } else { low = middle }
        }
        Some(Self(1.0 / f64::midpoint(low, high)))
    }

    /// 1 changes nothing, more is less confident.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// Probabilities.
    #[must_use]
    pub fn apply(self, logits: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = logits.iter().map(|logit| logit / self.0).collect();
        softmax(&scaled)
    }
}

/// A confidence for each score that never falls as the score rises (isotonic regression by pool adjacent violators).
///
/// As scikit-learn's `IsotonicRegression(out_of_bounds="clip")`: equal scores are averaged first, between two scores the confidence
/// is interpolated, beyond the outermost it stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    scores: Vec<f64>,
    confidences: Vec<f64>,
}

/// Outcomes that were pooled.
struct Pool {
    first: f64,
    last: f64,
    sum: f64,
    n: f64,
}

impl Isotonic {
    /// From scores and whether each was right. `None` without scores, or if lengths differ or a score is not finite.
    #[must_use]
    pub fn fit(scores: &[f64], outcomes: &[bool]) -> Option<Self> {
        if scores.is_empty()
            || scores.len() != outcomes.len()
            || !scores.iter().all(|score| score.is_finite())
        {
            return None;
        }
        let mut pairs: Vec<(f64, bool)> = scores.iter().copied().zip(outcomes.iter().copied()).collect();
        pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
        let mut pools: Vec<Pool> = Vec::new();
        #[expect(clippy::float_cmp, reason = "ties are scores that are equal to the last bit")]
        for tie in pairs.chunk_by(|left, right| left.0 == right.0) {
            let sum = tie.iter().filter(|(_, outcome)| *outcome).count() as f64;
            let mut pool = Pool { first: tie[0].0, last: tie[0].0, sum, n: tie.len() as f64 };
            while let Some(before) = pools.pop_if(|before| before.sum * pool.n >= pool.sum * before.n) {
                pool = Pool {
                    first: before.first,
                    last: pool.last,
                    sum: before.sum + pool.sum,
                    n: before.n + pool.n,
                };
            }
            pools.push(pool);
        }
        let mut isotonic = Self { scores: Vec::new(), confidences: Vec::new() };
        for Pool { first, last, sum, n } in pools {
            isotonic.scores.push(first);
            isotonic.confidences.push(sum / n);
            if last > first {
                isotonic.scores.push(last);
                isotonic.confidences.push(sum / n);
            }
        }
        Some(isotonic)
    }

    /// `None` unless there are as many scores as confidences, at least one, scores rise, and confidences in [0, 1] never fall.
    #[must_use]
    pub fn from_parts(scores: Vec<f64>, confidences: Vec<f64>) -> Option<Self> {
        let is_valid = !scores.is_empty()
            && scores.len() == confidences.len()
            && scores.iter().all(|score| score.is_finite())
            && confidences.iter().all(|confidence| (0.0..=1.0).contains(confidence))
            && scores.is_sorted_by(|left, right| left < right)
            && confidences.is_sorted();
        is_valid.then_some(Self { scores, confidences })
    }

    /// The scores between which confidence is a straight line, rising.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// One for each of [`Self::scores`].
    #[must_use]
    pub fn confidences(&self) -> &[f64] {
        &self.confidences
    }

    /// In [0, 1]; not a number for a score that is none.
    #[must_use]
    pub fn apply(&self, score: f64) -> f64 {
        if score.is_nan() {
            return f64::NAN;
        }
        let above = self.scores.partition_point(|known| *known < score);
        let last = self.scores.len() - 1;
        if above == 0 {
            return self.confidences[0];
        }
        if above > last {
            return self.confidences[last];
        }
        let (left, right) = (self.scores[above - 1], self.scores[above]);
        let (low, high) = (self.confidences[above - 1], self.confidences[above]);
        low + (high - low) * ((score - left) / (right - left))
    }
}

/// How many confidences lie in each tenth of [0, 1]; a tenth holds its lower end, the last both.
///
/// `None` if one lies outside or is not a number.
#[must_use]
pub fn confidence_histogram(confidences: &[f64]) -> Option<[usize; CONFIDENCE_BINS]> {
    let mut counts = [0; CONFIDENCE_BINS];
    for confidence in confidences {
        counts[bin_of(*confidence)?] += 1;
    }
    Some(counts)
}

fn bin_of(confidence: f64) -> Option<usize> {
    let bin = || (confidence * CONFIDENCE_BINS as f64) as usize;
    (0.0..=1.0).contains(&confidence).then(|| bin().min(CONFIDENCE_BINS - 1))
}

/// The distance of mean confidence and share of right answers, over the bins of [`confidence_histogram`], weighted by their images.
///
/// `None` without images, if lengths differ, or as [`confidence_histogram`].
#[must_use]
pub fn expected_calibration_error(confidences: &[f64], is_right: &[bool]) -> Option<f64> {
    if confidences.is_empty() || confidences.len() != is_right.len() {
        return None;
    }
    let mut surplus = [0.0; CONFIDENCE_BINS];
    for (confidence, is_right) in confidences.iter().zip(is_right) {
        surplus[bin_of(*confidence)?] += confidence - f64::from(u8::from(*is_right));
    }
    Some(surplus.iter().map(|surplus| surplus.abs()).sum::<f64>() / confidences.len() as f64)
}

/// The mean squared distance of probabilities and truth (Brier 1950): the sum over classes, for two classes half of it, as scikit-learn's
/// `brier_score_loss`.
///
/// `None` without images, or if lengths differ, images have different numbers of classes, or a label does not exist.
#[must_use]
pub fn brier_score(probabilities: &[Vec<f64>], labels: &[usize]) -> Option<f64> {
    let n_classes = probabilities.first()?.len();
    let fits =
        |(probabilities, label): (&Vec<f64>, &usize)| probabilities.len() == n_classes && *label < n_classes;
    if probabilities.len() != labels.len() || !probabilities.iter().zip(labels).all(fits) {
        return None;
    }
    let distance = |(probabilities, label): (&Vec<f64>, &usize)| -> f64 {
        let truth = |class| if class == *label { 1.0 } else { 0.0 };
        probabilities
            .iter()
            .enumerate()
            .map(|(class, probability)| (probability - truth(class)).powi(2))
            .sum()
    };
    let sum: f64 = probabilities.iter().zip(labels).map(distance).sum();
    let scale = if n_classes == 2 { 0.5 } else { 1.0 };
    Some(sum * scale / labels.len() as f64)
}
