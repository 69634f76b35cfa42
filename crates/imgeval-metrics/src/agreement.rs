//! How far two judges, or a judge and people, agree; how steady one judge is; whether it drifts.
//!
//! Every number is `None` where it is not defined (no items, or a side without variation), never zero.

use crate::{BootstrapSettings, PairedDifference, PairedStratum, paired_difference};

/// Two scores of one item each, on one scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Items that both have scored.
    pub n: usize,
    /// Share of items with the same score.
    pub exact: Option<f64>,
    /// Share of items whose scores are at most one step apart.
    pub within_one: Option<f64>,
    /// Cohen's kappa (1960), all disagreements alike.
    pub kappa: Option<f64>,
    /// Cohen's weighted kappa (1968), disagreements by their distance.
    pub linear_kappa: Option<f64>,
    /// By the square of their distance.
    pub quadratic_kappa: Option<f64>,
    /// Spearman's rank correlation; ties share their mean rank.
    pub spearman: Option<f64>,
    /// Kendall's tau-b.
    pub kendall: Option<f64>,
}

/// Compares two sides' scores. `step` is the distance between neighboring scores of the scale (1 for 0, 1, 2).
///
/// Kappa takes the scores that occur, put to whole steps, as categories; distances are those of the scores.
#[must_use]
pub fn compute_agreement(pairs: &[(f64, f64)], step: f64) -> Agreement {
    let share = |is_counted: &dyn Fn(f64) -> bool| {
        let count = pairs.iter().filter(|(left, right)| is_counted((left - right).abs() / step)).count();
        (!pairs.is_empty()).then(|| count as f64 / pairs.len() as f64)
    };
    let kappa = |weight: &dyn Fn(f64) -> f64| weighted_kappa(pairs, &|distance| weight(distance / step));
    Agreement {
        n: pairs.len(),
        exact: share(&|distance| distance < 0.5),
        within_one: share(&|distance| distance < 1.5),
        kappa: kappa(&|distance| f64::from(u8::from(distance >= 0.5))),
        linear_kappa: kappa(&|distance| distance),
        quadratic_kappa: kappa(&|distance| distance * distance),
        spearman: spearman(pairs),
        kendall: kendall_tau_b(pairs),
    }
}

/// One minus observed over expected disagreement; the expectation takes the sides as independent. Needs no table of
/// categories: sums over the scores that occur on each side are the same.
fn weighted_kappa(pairs: &[(f64, f64)], weight: &dyn Fn(f64) -> f64) -> Option<f64> {
    let left = counts(pairs.iter().map(|(left, _)| *left));
    let right = counts(pairs.iter().map(|(_, right)| *right));
    // Where a side always says the same, kappa is 0 (or 0/0) whatever the other says: it measures nothing.
    if left.len() < 2 || right.len() < 2 {
        return None;
    }
    let n = pairs.len() as f64;
    let observed: f64 = pairs.iter().map(|(left, right)| weight((left - right).abs())).sum::<f64>() / n;
    let mut expected = 0.0;
    for (score, count) in &left {
        for (other, others) in &right {
            expected += weight((score - other).abs()) * (*count as f64 / n) * (*others as f64 / n);
        }
    }
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// The scores that occur, sorted, with their numbers.
fn counts(scores: impl Iterator<Item = f64>) -> Vec<(f64, usize)> {
    let mut sorted: Vec<f64> = scores.collect();
    sorted.sort_by(f64::total_cmp);
    let mut counts: Vec<(f64, usize)> = Vec::new();
    for score in sorted {
        match counts.last_mut() {
            Some((last, count)) if *last == score => *count += 1,
            _ => counts.push((score, 1)),
        }
    }
    counts
}

/// Pearson's correlation of the ranks. `None` if a side has no variation.
#[must_use]
pub fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let left = mean_ranks(&pairs.iter().map(|(left, _)| *left).collect::<Vec<_>>());
    let right = mean_ranks(&pairs.iter().map(|(_, right)| *right).collect::<Vec<_>>());
    let centre = (pairs.len() as f64 + 1.0) / 2.0;
    let sum = |product: &dyn Fn(f64, f64) -> f64| {
        left.iter().zip(&right).map(|(left, right)| product(left - centre, right - centre)).sum::<f64>()
    };
    let spread = sum(&|left, _| left * left) * sum(&|_, right| right * right);
    (spread > 0.0).then(|| sum(&|left, right| left * right) / spread.sqrt())
}

/// Ranks from 1; equal values share the mean of their ranks.
fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|first, second| values[*first].total_cmp(&values[*second]));
    let mut ranks = vec![0.0; values.len()];
    let mut n_before = 0;
    for tied in order.chunk_by(|first, second| values[*first] == values[*second]) {
        for index in tied {
            ranks[*index] = n_before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        }
        n_before += tied.len();
    }
    ranks
}

/// Kendall 1945: concordant minus discordant pairs over the geometric mean of the pairs not tied on either side. `None` if
/// a side has no variation. Linear in the number of items but for the different scores of a scale, squared.
#[must_use]
pub fn kendall_tau_b(pairs: &[(f64, f64)]) -> Option<f64> {
    let mut cells: Vec<((f64, f64), usize)> = Vec::new();
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|first, second| first.0.total_cmp(&second.0).then(first.1.total_cmp(&second.1)));
    for pair in sorted {
        match cells.last_mut() {
            Some((last, count)) if *last == pair => *count += 1,
            _ => cells.push((pair, 1)),
        }
    }
    let (mut balance, mut untied_left, mut untied_right) = (0.0, 0.0, 0.0);
    for (index, ((left, right), count)) in cells.iter().enumerate() {
        for ((other_left, other_right), others) in &cells[index + 1..] {
            let n_pairs = (count * others) as f64;
            let (left_differs, right_differs) = (left != other_left, right != other_right);
            untied_left += if left_differs { n_pairs } else { 0.0 };
            untied_right += if right_differs { n_pairs } else { 0.0 };
            if left_differs && right_differs {
                balance += if (left < other_left) == (right < other_right) { n_pairs } else { -n_pairs };
            }
        }
    }
    let spread: f64 = untied_left * untied_right;
    (spread > 0.0).then(|| balance / spread.sqrt())
}

/// How much one judge differs from itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgeNoise {
    /// Items that were judged at least twice.
    pub n: usize,
    /// Root of the mean variance within an item (n - 1), in the unit of the scores: what one judgment is off by.
    pub standard_deviation: Option<f64>,
    /// Share of items whose repeats do not all agree.
    pub flip_share: Option<f64>,
}

/// `repeats` holds the scores of each item; those with fewer than two say nothing.
#[must_use]
pub fn compute_noise(repeats: &[Vec<f64>]) -> JudgeNoise {
    let variances: Vec<f64> =
        repeats.iter().filter(|scores| scores.len() > 1).map(|scores| variance(scores)).collect();
    let n = variances.len();
    let mean = |total: f64| (n > 0).then(|| total / n as f64);
    let n_flips = variances.iter().filter(|variance| **variance > 1e-18).count();
    JudgeNoise {
        n,
        standard_deviation: mean(variances.iter().sum()).map(f64::sqrt),
        flip_share: mean(n_flips as f64),
    }
}

/// Of at least two scores.
fn variance(scores: &[f64]) -> f64 {
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (scores.len() - 1) as f64
}

/// Whether a judge scores the same images otherwise than before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Now minus before.
    pub difference: PairedDifference,
    /// 95 % limit on the mean difference caused by the judge's noise alone.
    pub noise_limit: Option<f64>,
    /// Whether the difference is beyond both its own interval and the noise. Without a noise the interval alone
    /// decides, without either it is not known.
    pub is_beyond_noise: Option<bool>,
}

/// Compares anchors: score before and score now of each image. `noise` is the standard deviation of one judgment
/// ([`JudgeNoise`]), if it was measured. `None` if there is no anchor.
#[must_use]
pub fn compute_drift(
    anchors: &[(f64, f64)],
    noise: Option<f64>,
    settings: BootstrapSettings,
) -> Option<Drift> {
    let differences: Vec<f64> = anchors.iter().map(|(before, now)| now - before).collect();
    let stratum = PairedStratum { key: 0, weight: 1.0, differences };
    let difference = paired_difference(&[stratum], settings)?;
    // The difference of two judgments has twice the variance of one.
    let noise_limit = noise.map(|noise| 1.96 * noise * (2.0 / anchors.len() as f64).sqrt());
    let is_beyond_interval = difference.interval.map(|(low, high)| low > 0.0 || high < 0.0);
    let is_beyond_limit = noise_limit.map(|limit| difference.value.abs() > limit);
    let is_beyond_noise = match (is_beyond_interval, is_beyond_limit) {
        (Some(interval), Some(limit)) => Some(interval && limit),
        (one, other) => one.or(other),
    };
    Some(Drift { difference, noise_limit, is_beyond_noise })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scripts/reference/agreement.py (scikit-learn 1.9.1, scipy 1.17.1).
    const FIXTURE: &str = include_str!("../tests/fixtures/agreement.txt");

    fn close(ours: Option<f64>, reference: &str) -> bool {
        match (ours, reference) {
            (None, reference) => reference == "nan",
            (Some(ours), reference) => {
                reference.parse::<f64>().is_ok_and(|value| (ours - value).abs() < 1e-12)
            }
        }
    }

    /// Lines of two rows of scores, then the six numbers.
    #[test]
    fn agreement_is_that_of_scikit_learn_and_scipy() {
        let cases: Vec<&str> = FIXTURE.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(cases.len() >= 40);
        for case in cases {
            let [left, right, expected] = case.split(';').collect::<Vec<_>>().try_into().unwrap();
            let scores =
                |text: &str| text.split(' ').map(|score| score.parse().unwrap()).collect::<Vec<f64>>();
            let pairs: Vec<_> = scores(left).into_iter().zip(scores(right)).collect();
            let ours = compute_agreement(&pairs, 1.0);
            let Agreement { exact, kappa, linear_kappa, quadratic_kappa, spearman, kendall, .. } = ours;
            let values = [exact, kappa, linear_kappa, quadratic_kappa, spearman, kendall];
            let is_flat =
                |score: fn(&(f64, f64)) -> f64| pairs.iter().all(|pair| score(pair) == score(&pairs[0]));
            let is_undefined = is_flat(|pair| pair.0) || is_flat(|pair| pair.1);
            for (index, (value, reference)) in values.into_iter().zip(expected.split(' ')).enumerate() {
                // There scikit-learn gives kappa as 0 or as not a number.
                let reference = if is_undefined && index > 0 { "nan" } else { reference };
                assert!(close(value, reference), "{case}: {ours:?}");
            }
        }
    }

    #[test]
    fn within_one_counts_steps_of_the_scale() {
        let pairs = [(0.0, 0.2), (0.0, 0.1), (0.5, 0.5), (0.3, 1.0)];
        let agreement = compute_agreement(&pairs, 0.1);
        assert_eq!((agreement.exact, agreement.within_one), (Some(0.25), Some(0.5)));
    }

    #[test]
    fn nothing_is_zero_because_it_is_undefined() {
        let none = compute_agreement(&[], 1.0);
        assert_eq!((none.exact, none.kappa, none.spearman, none.kendall), (None, None, None, None));
        let same = compute_agreement(&[(1.0, 1.0); 5], 1.0);
        assert_eq!((same.exact, same.quadratic_kappa, same.spearman), (Some(1.0), None, None));
        let flat = compute_agreement(&[(1.0, 0.0), (1.0, 2.0)], 1.0);
        assert_eq!((flat.spearman, flat.kendall), (None, None));
    }

    #[test]
    fn noise_is_measured_within_items() {
        let noise = compute_noise(&[vec![1.0, 1.0], vec![0.0, 2.0], vec![5.0], vec![]]);
        assert_eq!((noise.n, noise.flip_share), (2, Some(0.5)));
        assert!((noise.standard_deviation.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(compute_noise(&[vec![1.0]]).standard_deviation, None);
    }

    #[test]
    fn drift_is_told_from_noise() {
        let settings = BootstrapSettings { seed: 0, replicates: 1_000 };
        let anchors: Vec<(f64, f64)> = (0..40)
            .map(|index| (f64::from(index % 3), f64::from(index % 3) + 0.3 + 0.1 * f64::from(index % 2)))
            .collect();
        let drift = compute_drift(&anchors, Some(0.2), settings).unwrap();
        assert!((drift.difference.value - 0.35).abs() < 1e-12);
        assert_eq!(drift.is_beyond_noise, Some(true));
        assert_eq!(compute_drift(&anchors, Some(2.0), settings).unwrap().is_beyond_noise, Some(false));
        let steady: Vec<_> = anchors.iter().map(|(before, _)| (*before, *before)).collect();
        assert_eq!(compute_drift(&steady, Some(0.2), settings).unwrap().is_beyond_noise, Some(false));
        assert_eq!(compute_drift(&steady[..3], None, settings).unwrap().is_beyond_noise, None);
        assert_eq!(compute_drift(&[], None, settings), None);
    }
}
