//! Medians and shares with 95 % intervals that resample groups of images.

use imgeval_metrics::{BootstrapSettings, Cluster, Stratum, estimate_strata};

use crate::random::{draw_below, stream};

/// Fewer groups than this have no interval: even from the smallest to the largest of five values, the median is covered in less than
/// 95 % of all cases.
pub const MIN_GROUPS: usize = 6;

pub(super) const REPLICATES: usize = 2_000;

/// A value over images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    pub value: f64,
    /// 95 %, low and high; `None` with fewer than [`MIN_GROUPS`] groups of images.
    pub interval: Option<(f64, f64)>,
    /// Images that have a value.
    pub n: usize,
}

/// How far a value lies above that of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Place minus reference.
    pub value: f64,
    /// 95 %; `None` if either side has none.
    pub interval: Option<(f64, f64)>,
}

impl Difference {
    /// Whether the interval leaves out 0; without an interval nothing is clear.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// A summary with what is needed for differences.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resampled {
    pub(super) summary: Summary,
    /// Of each resample; empty for shares and without an interval.
    pub(super) replicates: Vec<f64>,
}

/// The median of values, each with the group of its image. `purpose` names the random stream. `None` without a value.
pub(super) fn median(values: &[(usize, f64)], seed: u64, purpose: &str) -> Option<Resampled> {
    let mut all: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    let value = median_of(&mut all)?;
    let groups = by_group(values);
    let mut replicates = Vec::new();
    if groups.len() >= MIN_GROUPS {
        let mut generator = stream(seed, purpose);
        let mut drawn = Vec::with_capacity(values.len());
        for _ in 0..REPLICATES {
            drawn.clear();
            (0..groups.len())
                .for_each(|_| drawn.extend_from_slice(&groups[draw_below(&mut generator, groups.len())]));
            replicates.extend(median_of(&mut drawn));
        }
    }
    Some(resampled(value, values.len(), replicates))
}

/// A value with the same value of each resample.
pub(super) fn resampled(value: f64, n: usize, replicates: Vec<f64>) -> Resampled {
    Resampled { summary: Summary { value, interval: percentiles(replicates.clone()), n }, replicates }
}

/// The share of values that are 1, with the interval of [`estimate_strata`]: Wilson's for few groups.
pub(super) fn share(values: &[(usize, f64)], seed: u64) -> Option<Resampled> {
    let clusters =
        by_group(values).into_iter().map(|group| Cluster { sum: group.iter().sum(), n: group.len() });
    let stratum = Stratum::new(0, clusters.collect())?;
    let settings = BootstrapSettings { seed, replicates: REPLICATES };
    let estimate = *estimate_strata(&[stratum], settings).strata.first()?;
    let interval = Some((estimate.interval.low, estimate.interval.high));
    Some(Resampled {
        summary: Summary { value: estimate.value, interval, n: estimate.n },
        replicates: Vec::new(),
    })
}

/// Place minus reference. Where there are resamples, their differences; for shares the two intervals are combined (Newcombe 1998,
/// method 10; Zou and Donner 2008).
pub(super) fn difference(place: &Resampled, reference: &Resampled) -> Difference {
    let (one, other) = (place.summary, reference.summary);
    let value = one.value - other.value;
    let is_share = place.replicates.is_empty() && reference.replicates.is_empty();
    let interval = match (one.interval, other.interval) {
        (Some((low, high)), Some((other_low, other_high))) if is_share => Some((
            value - (one.value - low).hypot(other_high - other.value),
            value + (high - one.value).hypot(other.value - other_low),
        )),
        (Some(_), Some(_)) => {
            percentiles(place.replicates.iter().zip(&reference.replicates).map(|(a, b)| a - b).collect())
        }
        _ => None,
    };
    Difference { value, interval }
}

/// In the order of the groups' numbers.
pub(super) fn by_group<T: Copy>(values: &[(usize, T)]) -> Vec<Vec<T>> {
    let mut groups = std::collections::BTreeMap::<usize, Vec<T>>::new();
    for (group, value) in values {
        groups.entry(*group).or_default().push(*value);
    }
    groups.into_values().collect()
}

fn median_of(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let is_odd = values.len() % 2 == 1;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp);
    Some(lower.filter(|_| !is_odd).map_or(*upper, |lower| f64::midpoint(lower, *upper)))
}

/// From the 2.5th to the 97.5th percentile.
fn percentiles(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values.get(((values.len() - 1) as f64 * share).round() as usize).copied();
    if values.is_empty() { None } else { Some((at(0.025)?, at(0.975)?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_its_group(values: &[f64]) -> Vec<(usize, f64)> {
        values.iter().copied().enumerate().collect()
    }

    #[test]
    fn medians_have_an_interval_from_six_groups_on() {
        let five = median(&each_its_group(&[5.0, 1.0, 2.0, 4.0, 3.0]), 0, "a").unwrap();
        assert_eq!(five.summary, Summary { value: 3.0, interval: None, n: 5 });
        let six = median(&each_its_group(&[5.0, 1.0, 2.0, 4.0, 3.0, 6.0]), 0, "a").unwrap();
        assert_eq!(six.summary.value, 3.5);
        let (low, high) = six.summary.interval.unwrap();
        assert!((1.0..=2.0).contains(&low) && (5.0..=6.0).contains(&high), "{low} {high}");
        // Many images of five prompts are five groups.
        let clustered: Vec<(usize, f64)> = (0..100).map(|place| (place % 5, place as f64)).collect();
        assert_eq!(median(&clustered, 0, "a").unwrap().summary.interval, None);
        assert_eq!(median(&[], 0, "a"), None);
    }

    #[test]
    fn differences_are_clear_only_where_their_interval_leaves_out_zero() {
        let values = |shift: f64| -> Vec<(usize, f64)> {
            (0..40).map(|place| (place, shift + f64::from((place * 7 % 40) as u8) / 40.0)).collect()
        };
        let (low, high) = (median(&values(0.0), 1, "a").unwrap(), median(&values(2.0), 1, "b").unwrap());
        let shift = difference(&high, &low);
        assert!((shift.value - 2.0).abs() < 1e-12 && shift.is_clear());
        let same = difference(&low, &median(&values(0.0), 1, "c").unwrap());
        assert!(same.value == 0.0 && !same.is_clear());
        let shares = |n: usize| {
            share(&(0..20).map(|place| (place, f64::from(u8::from(place < n)))).collect::<Vec<_>>(), 0)
                .unwrap()
        };
        assert_eq!(shares(20).summary.value, 1.0);
        assert!(difference(&shares(20), &shares(2)).is_clear());
        let (low, high) = difference(&shares(5), &shares(4)).interval.unwrap();
        assert!(low < 0.0 && high > 0.05, "{low} {high}");
    }
}
