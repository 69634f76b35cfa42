//! The area under the ROC curve.

use crate::intervals::Z_95;

/// The chance that a positive scores higher than a negative, ties counted half (scikit-learn's `roc_auc_score`).
///
/// `None` if one side is empty, lengths differ, or a score is not a number.
#[must_use]
pub fn roc_auc(scores: &[f64], is_positive: &[bool]) -> Option<f64> {
    let is_valid = scores.len() == is_positive.len() && !scores.iter().any(|score| score.is_nan());
    let n_positive = is_positive.iter().filter(|positive| **positive).count();
    if !is_valid || n_positive == 0 || n_positive == scores.len() {
        return None;
    }
    let ranking = Ranking::of(scores);
    Some(ranking.auc(|place| is_positive[place], |_| 1.0))
}

/// Places sorted by score, equal scores together.
pub(super) struct Ranking {
    ties: Vec<Vec<usize>>,
}

impl Ranking {
    pub(super) fn of(scores: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|left, right| scores[*left].total_cmp(&scores[*right]));
        #[expect(clippy::float_cmp, reason = "ties are scores that are equal to the last bit")]
        let ties =
            order.chunk_by(|left, right| scores[*left] == scores[*right]).map(<[usize]>::to_vec).collect();
        Self { ties }
    }

    /// Not a number if one side has no weight.
    pub(super) fn auc(&self, is_positive: impl Fn(usize) -> bool, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut negatives_below, mut positives, mut won) = (0.0, 0.0, 0.0);
        for tie in &self.ties {
            let (mut tied_positives, mut tied_negatives) = (0.0, 0.0);
            for place in tie {
                let side = if is_positive(*place) { &mut tied_positives } else { &mut tied_negatives };
                *side += weight(*place);
            }
            won += tied_positives * (negatives_below + tied_negatives / 2.0);
            positives += tied_positives;
            negatives_below += tied_negatives;
        }
        won / (positives * negatives_below)
    }
}

/// A 95 % interval of an AUC between `n_positive` and `n_negative` independent observations, as (low, high).
///
/// Newcombe 2006 ("Confidence intervals for an effect size measure based on the Mann-Whitney statistic", method 5): the values whose
/// distance from the one found is within 1.96 standard errors, with the standard error (Hanley and McNeil 1982, smoothed)
/// taken at the value itself; so it has a width where both sides are perfectly apart. (0, 1) if one side is empty.
#[must_use]
pub fn auc_interval(auc: f64, n_positive: usize, n_negative: usize) -> (f64, f64) {
    if n_positive == 0 || n_negative == 0 {
        return (0.0, 1.0);
    }
    let (positives, negatives) = (n_positive as f64, n_negative as f64);
    let mean_size = (positives + negatives) / 2.0 - 1.0;
    let is_inside = |value: f64| {
        let shape = (1.0 - value) / (2.0 - value) + value / (1.0 + value);
        let variance = value * (1.0 - value) * (1.0 + mean_size * shape) / (positives * negatives);
        (value - auc).powi(2) <= Z_95 * Z_95 * variance
    };
    // The value itself is inside, or is 0 or 1; from there to the end of the scale, being inside ends once.
    let edge = |end: f64| {
        let (mut inside, mut outside) = (auc, end);
        for _ in 0..60 {
            let middle = f64::midpoint(inside, outside);
            if is_inside(middle) { inside = middle } else { outside = middle }
        }
        inside
    };
    (edge(0.0), edge(1.0))
}
