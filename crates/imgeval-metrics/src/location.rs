//! Tests whether one set of numbers is larger than another: means with t tests, ranks with exact tests.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Up to so many numbers that differ the distribution of rank sums is exact; above, it is normal with a continuity correction.
const MAX_EXACT: usize = 100;

/// How far paired differences lie from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedShift {
    /// Pairs.
    pub n: usize,
    pub mean: f64,
    /// Student's t and its two-sided p value; `None` where all differences are equal.
    pub t: Option<f64>,
    pub t_p: Option<f64>,
    /// Two-sided p value of Wilcoxon's signed ranks (Wilcoxon 1945). Differences of 0 are dropped, equal ones share their ranks.
    pub wilcoxon_p: f64,
    /// Whether `wilcoxon_p` is exact: up to 100 differences.
    pub is_exact: bool,
    /// Differences above 0.
    pub n_positive: usize,
}

/// How far one set lies above another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnpairedShift {
    /// Numbers in the first and in the second set.
    pub n: [usize; 2],
    /// Second mean minus first mean.
    pub difference: f64,
    /// Welch's t, second minus first, and its two-sided p value; `None` where neither set varies.
    pub welch_t: Option<f64>,
    pub welch_p: Option<f64>,
    /// Mann and Whitney's U of the second set: pairs in which its number is the larger one, equal ones by half.
    pub mannwhitney_u: f64,
    /// Two-sided; equal numbers share their ranks.
    pub mannwhitney_p: f64,
    /// Whether `mannwhitney_p` is exact: up to 100 numbers in all.
    pub is_exact: bool,
    /// The median of all differences between a number of the second and one of the first set (Hodges and Lehmann 1963).
    pub hodges_lehmann: f64,
}

/// `None` with fewer than 2 differences or one that is not finite.
#[must_use]
pub fn paired_shift(differences: &[f64]) -> Option<PairedShift> {
    let moments = Moments::of(differences)?;
    let error = (moments.variance / moments.n).sqrt();
    let t = (error > 0.0).then(|| moments.mean / error);
    let kept: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    let sizes: Vec<f64> = kept.iter().map(|difference| difference.abs()).collect();
    let ranks = doubled_ranks(&sizes);
    let positive = kept.iter().zip(&ranks).filter(|(difference, _)| **difference > 0.0);
    let sum = positive.map(|(_, rank)| rank).sum();
    let is_exact = kept.len() <= MAX_EXACT;
    Some(PairedShift {
        n: differences.len(),
        mean: moments.mean,
        t,
        t_p: t.and_then(|t| two_sided_t(t, moments.n - 1.0)),
        wilcoxon_p: if is_exact { signed_ranks_exact(&ranks, sum) } else { signed_ranks_normal(&ranks, sum) },
        is_exact,
        n_positive: differences.iter().filter(|difference| **difference > 0.0).count(),
    })
}

/// `None` if a set has fewer than 2 numbers or one that is not finite.
#[must_use]
pub fn unpaired_shift(first: &[f64], second: &[f64]) -> Option<UnpairedShift> {
    let (a, b) = (Moments::of(first)?, Moments::of(second)?);
    let difference = b.mean - a.mean;
    let errors = [a.variance / a.n, b.variance / b.n];
    let error = errors[0] + errors[1];
    let t = (error > 0.0).then(|| difference / error.sqrt());
    // Welch and Satterthwaite.
    let freedom = error * error / (errors[0].powi(2) / (a.n - 1.0) + errors[1].powi(2) / (b.n - 1.0));
    let ranks = doubled_ranks(&[first, second].concat());
    let sum: usize = ranks[first.len()..].iter().sum();
    let n_second = second.len();
    let least = n_second * (n_second + 1);
    let is_exact = ranks.len() <= MAX_EXACT;
    let mut differences: Vec<f64> = first.iter().flat_map(|a| second.iter().map(move |b| b - a)).collect();
    differences.sort_by(f64::total_cmp);
    let middle = differences.len() / 2;
    Some(UnpairedShift {
        n: [first.len(), n_second],
        difference,
        welch_t: t,
        welch_p: t.and_then(|t| two_sided_t(t, freedom)),
        mannwhitney_u: (sum as f64 - least as f64) / 2.0,
        mannwhitney_p: if is_exact {
            rank_sum_exact(&ranks, n_second, sum)
        } else {
            rank_sum_normal(&ranks, n_second, sum)
        },
        is_exact,
        hodges_lehmann: if differences.len() % 2 == 1 {
            differences[middle]
        } else {
            f64::midpoint(differences[middle - 1], differences[middle])
        },
    })
}

struct Moments {
    n: f64,
    mean: f64,
    /// With n - 1.
    variance: f64,
}

impl Moments {
    fn of(values: &[f64]) -> Option<Self> {
        let is_usable = values.len() >= 2 && values.iter().all(|value| value.is_finite());
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        is_usable.then_some(Self { n, mean, variance: squares / (n - 1.0) })
    }
}

fn two_sided_t(t: f64, freedom: f64) -> Option<f64> {
    StudentsT::new(0.0, 1.0, freedom).ok().map(|distribution| 2.0 * distribution.cdf(-t.abs()))
}

/// Twice the rank of each number, so that the shared ranks of equal numbers are whole.
fn doubled_ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0; values.len()];
    let mut first = 0;
    for group in order.chunk_by(|one, other| values[*one] == values[*other]) {
        for place in group {
            ranks[*place] = 2 * first + group.len() + 1;
        }
        first += group.len();
    }
    ranks
}

/// All signs are equally likely: shares of the sums that they can make.
fn signed_ranks_exact(ranks: &[usize], sum: usize) -> f64 {
    let mut shares = vec![0.0; ranks.iter().sum::<usize>() + 1];
    shares[0] = 1.0;
    let mut reached = 0;
    for rank in ranks {
        for place in (0..=reached).rev() {
            let half = shares[place] / 2.0;
            shares[place] = half;
            shares[place + rank] += half;
        }
        reached += rank;
    }
    two_sided(&shares, sum)
}

/// All choices of `n_chosen` ranks are equally likely: shares of the sums that they can make.
fn rank_sum_exact(ranks: &[usize], n_chosen: usize, sum: usize) -> f64 {
    let most = ranks.iter().sum::<usize>();
    let mut counts = vec![vec![0.0; most + 1]; n_chosen + 1];
    counts[0][0] = 1.0;
    let mut reached = 0;
    for (before, rank) in ranks.iter().enumerate() {
        for chosen in (0..n_chosen.min(before + 1)).rev() {
            let (fewer, more) = counts.split_at_mut(chosen + 1);
            for place in 0..=reached {
                more[0][place + rank] += fewer[chosen][place];
            }
        }
        reached += rank;
    }
    let total: f64 = counts[n_chosen].iter().sum();
    let shares: Vec<f64> = counts[n_chosen].iter().map(|count| count / total).collect();
    two_sided(&shares, sum)
}

/// Twice the smaller tail, at most 1.
fn two_sided(shares: &[f64], sum: usize) -> f64 {
    let (below, above): (f64, f64) = (shares[..=sum].iter().sum(), shares[sum..].iter().sum());
    (2.0 * below.min(above)).min(1.0)
}

fn signed_ranks_normal(ranks: &[usize], sum: usize) -> f64 {
    let total: usize = ranks.iter().sum();
    let squares: f64 = ranks.iter().map(|rank| (*rank as f64).powi(2)).sum();
    normal_tails(sum as f64 - total as f64 / 2.0, squares / 4.0)
}

fn rank_sum_normal(ranks: &[usize], n_chosen: usize, sum: usize) -> f64 {
    let (n, chosen) = (ranks.len() as f64, n_chosen as f64);
    // Doubled ranks have the mean n + 1.
    let squares: f64 = ranks.iter().map(|rank| (*rank as f64 - n - 1.0).powi(2)).sum();
    let variance = squares * chosen * (n - chosen) / (n * (n - 1.0));
    normal_tails(sum as f64 - chosen * (n + 1.0), variance)
}

/// Of a sum of doubled ranks, whose steps of 2 are one rank: half a rank is the continuity correction.
fn normal_tails(distance: f64, variance: f64) -> f64 {
    let z = (distance.abs() - 1.0).max(0.0) / variance.sqrt();
    if variance > 0.0 { (2.0 * Normal::standard().cdf(-z)).min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats of SciPy 1.17.1: ttest_1samp, wilcoxon(method="exact"), ttest_ind(equal_var=False), mannwhitneyu(method="exact").
    #[test]
    fn small_sets_are_tested_exactly() {
        let shift = paired_shift(&[1.0, -2.0, 3.5, 4.0, 0.0, 6.0]).unwrap();
        assert_eq!((shift.n, shift.n_positive, shift.is_exact), (6, 4, true));
        assert!((shift.wilcoxon_p - 0.1875).abs() < 1e-12, "{shift:?}");
        let shift = unpaired_shift(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0, 7.5]).unwrap();
        assert_eq!((shift.mannwhitney_u, shift.hodges_lehmann), (12.0, 3.5));
        assert!((shift.mannwhitney_p - 2.0 / 35.0).abs() < 1e-12, "{shift:?}");
    }

    #[test]
    fn equal_numbers_share_ranks() {
        assert_eq!(doubled_ranks(&[3.0, 1.0, 3.0, 2.0]), [7, 2, 7, 4]);
        let shift = unpaired_shift(&[1.0, 1.0], &[1.0, 1.0]).unwrap();
        assert_eq!((shift.mannwhitney_u, shift.mannwhitney_p, shift.welch_t), (2.0, 1.0, None));
        let shift = paired_shift(&[0.0, 0.0]).unwrap();
        assert_eq!((shift.wilcoxon_p, shift.t, shift.t_p), (1.0, None, None));
        assert_eq!(paired_shift(&[1.0]), None);
        assert_eq!(unpaired_shift(&[1.0, f64::NAN], &[1.0, 2.0]), None);
    }

    /// Beyond 100 numbers the normal distribution continues where the exact one ends.
    #[test]
    fn large_sets_agree_with_the_exact_tests() {
        let differences: Vec<f64> = (0..100).map(|index| f64::from((index * 37) % 101) - 42.5).collect();
        let ranks = doubled_ranks(&differences.iter().map(|value| value.abs()).collect::<Vec<_>>());
        let sum =
            ranks.iter().zip(&differences).filter(|(_, value)| **value > 0.0).map(|(rank, _)| rank).sum();
        let (exact, normal) = (signed_ranks_exact(&ranks, sum), signed_ranks_normal(&ranks, sum));
        assert!((exact - normal).abs() < 2e-3, "{exact} {normal}");
        let ranks = doubled_ranks(&differences);
        let sum = ranks[60..].iter().sum();
        let (exact, normal) = (rank_sum_exact(&ranks, 40, sum), rank_sum_normal(&ranks, 40, sum));
        assert!((exact - normal).abs() < 2e-3, "{exact} {normal}");
    }
}
