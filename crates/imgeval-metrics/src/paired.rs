//! Differences of paired observations, with an interval that resamples the pairs.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use crate::{BootstrapSettings, clustered::quantile_of_sorted};

/// With fewer pairs than this, or pairs that all differ alike, resampling says nothing about the spread.
const MIN_PAIRS: usize = 10;

/// The differences of one part, such as a category; one number for each pair.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedStratum {
    /// Names the stratum's random stream.
    pub key: u64,
    /// Its share of the overall difference.
    pub weight: f64,
    pub differences: Vec<f64>,
}

/// A mean difference, in the unit of the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    pub value: f64,
    /// 95 %, percentile bootstrap; `None` where some part has too few pairs or no variation.
    pub interval: Option<(f64, f64)>,
    /// Pairs.
    pub n: usize,
}

/// The weighted sum of the strata's mean differences; pairs are resampled within their stratum. `None` if there is no
/// stratum, or an empty one.
#[must_use]
pub fn paired_difference(strata: &[PairedStratum], settings: BootstrapSettings) -> Option<PairedDifference> {
    if strata.is_empty() || strata.iter().any(|stratum| stratum.differences.is_empty()) {
        return None;
    }
    let value = strata.iter().map(|stratum| stratum.weight * mean(&stratum.differences)).sum();
    let n = strata.iter().map(|stratum| stratum.differences.len()).sum();
    let is_blind = |stratum: &PairedStratum| {
        let first = stratum.differences[0];
        stratum.differences.len() < MIN_PAIRS
            || stratum.differences.iter().all(|difference| (difference - first).abs() < 1e-12)
    };
    if settings.replicates == 0 || strata.iter().any(is_blind) {
        return Some(PairedDifference { value, interval: None, n });
    }
    let mut totals = vec![0.0; settings.replicates];
    for stratum in strata {
        let mut generator = Pcg64::seed_from_u64(settings.seed.rotate_left(32) ^ stratum.key);
        let count = stratum.differences.len() as u64;
        for total in &mut totals {
            let draw = |_| stratum.differences[((u64::from(generator.next_u32()) * count) >> 32) as usize];
            *total += stratum.weight * (0..count).map(draw).sum::<f64>() / count as f64;
        }
    }
    totals.sort_by(f64::total_cmp);
    let interval = (quantile_of_sorted(&totals, 0.025), quantile_of_sorted(&totals, 0.975));
    Some(PairedDifference { value, interval: Some(interval), n })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(key: u64, weight: f64, differences: Vec<f64>) -> PairedStratum {
        PairedStratum { key, weight, differences }
    }

    #[test]
    fn the_interval_is_about_two_standard_errors_either_side() {
        let differences: Vec<f64> = (0..400).map(|index| f64::from(index % 4) - 1.0).collect();
        let result =
            paired_difference(&[stratum(1, 1.0, differences)], BootstrapSettings::default()).unwrap();
        let (low, high) = result.interval.unwrap();
        // The standard deviation of -1, 0, 1, 2 is 1.118.
        let error = 1.96 * 1.118 / 20.0;
        assert!((result.value - 0.5).abs() < 1e-12);
        assert!((low - (0.5 - error)).abs() < 0.01 && (high - (0.5 + error)).abs() < 0.01, "{low} {high}");
    }

    #[test]
    fn parts_count_by_their_weights() {
        let strata = [stratum(1, 0.25, vec![1.0; 3]), stratum(2, 0.75, vec![-1.0, 0.0])];
        let result = paired_difference(&strata, BootstrapSettings::default()).unwrap();
        assert!((result.value - (0.25 - 0.375)).abs() < 1e-12);
        assert_eq!((result.interval, result.n), (None, 5));
    }

    #[test]
    fn without_pairs_there_is_no_difference() {
        assert_eq!(paired_difference(&[], BootstrapSettings::default()), None);
        assert_eq!(paired_difference(&[stratum(1, 1.0, vec![])], BootstrapSettings::default()), None);
    }
}
