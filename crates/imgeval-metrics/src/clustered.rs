//! Means of clustered observations in strata, with intervals that respect the clustering.
//!
//! Several images of one prompt are not independent, so the bootstrap resamples prompts (clusters) within a tag
//! (stratum): Cameron, Gelbach and Miller 2008, section II ("pairs cluster bootstrap"); percentile interval.
//!
//! Where fewer than thirty prompts differ from the commonest result, resampling sees too little: with a few that differ the
//! percentile interval covers 85 to 94 % (scripts/reference/coverage.py; BCa 90 to 98 %). Wilson's interval over the effective
//! number of prompts covers 93 to 99 % there. That number is the one that gives the variance seen between prompts, made
//! smaller for the uncertainty of that variance (Korn and Graubard 1998, with Wilson's interval as in Dean and Pagano
//! 2015). Where fewer than five prompts differ, the variance is hardly known, and it is at most the number of prompts.
//! Where every prompt came out the same, or of fewer than ten, it is Wilson's interval over the number of prompts.
//!
//! The overall interval is the bootstrap's while tags of the first kind make most of its variance and none is of the last;
//! else it is combined from the tags' intervals (MOVER, Zou and Donner 2008).

use imgeval_core::{Estimate, Interval, IntervalMethod};
use rand_core::SeedableRng;
use rand_pcg::Pcg64;

use crate::{
    intervals::{Z_95, effective_wilson_interval, student_95},
    resampling::draw_index,
    wilson_interval,
};

/// With fewer prompts than this, a bootstrap has too few different resamples to draw.
const MIN_BOOTSTRAP_CLUSTERS: usize = 10;

/// With fewer prompts than this that differ from the commonest result, its percentiles are too close together.
pub(crate) const MIN_BOOTSTRAP_VARYING: usize = 30;

/// With fewer prompts than this that differ, their variance is hardly known.
pub(crate) const MIN_VARIANCE_VARYING: usize = 5;

/// The observations of one prompt: their sum and number. A value lies in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    pub sum: f64,
    pub n: usize,
}

impl Cluster {
    pub(crate) fn mean(self) -> f64 {
        self.sum / self.n as f64
    }

    /// The mean over all observations.
    pub(crate) fn mean_of(clusters: &[Self]) -> f64 {
        let n: usize = clusters.iter().map(|cluster| cluster.n).sum();
        clusters.iter().map(|cluster| cluster.sum).sum::<f64>() / n as f64
    }

    /// The squared standard error of [`Self::mean_of`], a ratio of sums (Cochran 1977, 6.3); 0 for a single cluster.
    pub(crate) fn variance_of_mean(clusters: &[Self]) -> f64 {
        let mean = Self::mean_of(clusters);
        let n: usize = clusters.iter().map(|cluster| cluster.n).sum();
        let squares =
            clusters.iter().map(|cluster| (cluster.sum - mean * cluster.n as f64).powi(2)).sum::<f64>();
        let count = clusters.len() as f64;
        squares * count / ((count - 1.0).max(1.0) * (n as f64).powi(2))
    }
}

/// The clusters of one tag; each holds at least one observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    key: u64,
    clusters: Vec<Cluster>,
}

impl Stratum {
    /// `key` names the stratum: it has a random stream of its own, whichever others there are. `None` if there is no
    /// cluster or an empty one.
    #[must_use]
    pub fn new(key: u64, clusters: Vec<Cluster>) -> Option<Self> {
        let is_valid = !clusters.is_empty() && clusters.iter().all(|cluster| cluster.n > 0);
        is_valid.then_some(Self { key, clusters })
    }

    fn n(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.n).sum()
    }

    /// The mean over observations.
    #[must_use]
    pub fn mean(&self) -> f64 {
        Cluster::mean_of(&self.clusters)
    }

    /// How many prompts did not come out as most did.
    fn n_varying(&self) -> usize {
        let means: Vec<f64> = self.clusters.iter().map(|cluster| cluster.mean()).collect();
        count_varying(&means)
    }

    /// The number of independent right or wrong prompts that would leave the mean as uncertain as it is.
    fn effective_n(&self) -> f64 {
        let (mean, count) = (self.mean(), self.clusters.len() as f64);
        let uncertainty = (student_95(count - 1.0) / Z_95).powi(2);
        let effective = mean * (1.0 - mean) / (Cluster::variance_of_mean(&self.clusters) * uncertainty);
        if self.n_varying() < MIN_VARIANCE_VARYING { effective.min(count) } else { effective }
    }

    /// The mean of each of `settings.replicates` resamples, in order of drawing.
    fn resampled_means(&self, settings: BootstrapSettings) -> Vec<f64> {
        // With a stream in common, strata would rise and fall together and the overall interval would be too wide.
        let mut generator = Pcg64::seed_from_u64(settings.seed.rotate_left(32) ^ self.key);
        let n_clusters = self.clusters.len();
        let resample = |_| {
            let (mut sum, mut n) = (0.0, 0_usize);
            for _ in 0..n_clusters {
                let cluster = self.clusters[draw_index(&mut generator, n_clusters)];
                sum += cluster.sum;
                n += cluster.n;
            }
            sum / n as f64
        };
        (0..settings.replicates).map(resample).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootstrapSettings {
    pub seed: u64,
    pub replicates: usize,
}

impl Default for BootstrapSettings {
    fn default() -> Self {
        Self { seed: 0, replicates: 10_000 }
    }
}

/// The estimate of each stratum, and of the mean of the strata's means.
#[derive(Debug, Clone, PartialEq)]
pub struct StratifiedEstimate {
    pub strata: Vec<Estimate>,
    /// `None` if there is no stratum.
    pub overall: Option<Estimate>,
}

/// Estimates the mean of each stratum and the unweighted mean of those means.
///
/// The interval of a stratum depends on its own data, its key and the seed alone, not on the other strata.
#[must_use]
pub fn estimate_strata(strata: &[Stratum], settings: BootstrapSettings) -> StratifiedEstimate {
    let share = 1.0 / strata.len() as f64;
    estimate(strata, Shares::Equal(share), settings)
}

/// As [`estimate_strata`], but the overall estimate is the sum of the means times `weights`, which sum to 1.
///
/// `None` if there is not one weight for each stratum.
#[must_use]
pub fn estimate_weighted_strata(
    strata: &[Stratum],
    weights: &[f64],
    settings: BootstrapSettings,
) -> Option<StratifiedEstimate> {
    (strata.len() == weights.len()).then(|| estimate(strata, Shares::Weighted(weights), settings))
}

/// What each stratum contributes to the overall mean.
#[derive(Clone, Copy)]
enum Shares<'a> {
    /// One over the number of strata.
    Equal(f64),
    Weighted(&'a [f64]),
}

impl Shares<'_> {
    fn of(self, index: usize) -> f64 {
        match self {
            Self::Equal(share) => share,
            Self::Weighted(weights) => weights[index],
        }
    }
}

fn estimate(strata: &[Stratum], shares: Shares, settings: BootstrapSettings) -> StratifiedEstimate {
    let mut estimates = Vec::with_capacity(strata.len());
    let mut overall_means = vec![0.0; settings.replicates];
    for (index, stratum) in strata.iter().enumerate() {
        let mut means = stratum.resampled_means(settings);
        for (total, mean) in overall_means.iter_mut().zip(&means) {
            // Divided where shares are equal, as published runs were: a product rounds differently.
            *total += match shares {
                Shares::Equal(_) => mean / strata.len() as f64,
                Shares::Weighted(weights) => mean * weights[index],
            };
        }
        estimates.push(Estimate {
            value: stratum.mean(),
            interval: stratum_interval(stratum, &mut means),
            n_clusters: stratum.clusters.len(),
            n: stratum.n(),
        });
    }
    let overall = (!estimates.is_empty()).then(|| {
        let is_combined = needs_combining(strata, &estimates, shares);
        overall_estimate(&estimates, shares, is_combined, &mut overall_means)
    });
    StratifiedEstimate { strata: estimates, overall }
}

fn stratum_interval(stratum: &Stratum, means: &mut [f64]) -> Interval {
    let (count, n_varying) = (stratum.clusters.len(), stratum.n_varying());
    if count < MIN_BOOTSTRAP_CLUSTERS || n_varying == 0 {
        let (low, high) = wilson_interval(stratum.mean(), count);
        return Interval { low, high, method: IntervalMethod::WilsonOverPrompts };
    }
    if n_varying < MIN_BOOTSTRAP_VARYING || means.is_empty() {
        let (low, high) = effective_wilson_interval(stratum.mean(), stratum.effective_n());
        return Interval { low, high, method: IntervalMethod::EffectiveWilson };
    }
    percentile_interval(means)
}

/// Whether the bootstrap of the overall mean would see too little of its variance.
fn needs_combining(strata: &[Stratum], estimates: &[Estimate], shares: Shares) -> bool {
    if estimates.iter().any(|estimate| estimate.interval.method == IntervalMethod::WilsonOverPrompts) {
        return true;
    }
    let (mut seen, mut unseen) = (0.0, 0.0);
    for (index, (stratum, estimate)) in strata.iter().zip(estimates).enumerate() {
        let variance = shares.of(index).powi(2) * Cluster::variance_of_mean(&stratum.clusters);
        match estimate.interval.method {
            IntervalMethod::PromptBootstrap => seen += variance,
            _ => unseen += variance,
        }
    }
    unseen >= seen
}

fn overall_estimate(strata: &[Estimate], shares: Shares, is_combined: bool, means: &mut [f64]) -> Estimate {
    let value = match shares {
        Shares::Equal(share) => strata.iter().map(|stratum| stratum.value).sum::<f64>() * share,
        Shares::Weighted(weights) => {
            strata.iter().zip(weights).map(|(stratum, weight)| weight * stratum.value).sum()
        }
    };
    let interval = if is_combined {
        let squares = |distance: fn(&Estimate) -> f64| {
            let square = |(index, stratum)| (shares.of(index) * distance(stratum)).powi(2);
            strata.iter().enumerate().map(square).sum::<f64>()
        };
        Interval {
            low: (value - squares(|stratum| stratum.value - stratum.interval.low).sqrt()).max(0.0),
            high: (value + squares(|stratum| stratum.interval.high - stratum.value).sqrt()).min(1.0),
            method: IntervalMethod::CombinedParts,
        }
    } else {
        percentile_interval(means)
    };
    Estimate {
        value,
        interval,
        n_clusters: strata.iter().map(|stratum| stratum.n_clusters).sum(),
        n: strata.iter().map(|stratum| stratum.n).sum(),
    }
}

/// How many values are not equal to the commonest one.
pub(crate) fn count_varying(values: &[f64]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let largest_group = sorted.chunk_by(|a, b| b - a < 1e-9).map(<[f64]>::len).max();
    values.len() - largest_group.unwrap_or(0)
}

/// `means` is not empty.
pub(crate) fn percentile_interval(means: &mut [f64]) -> Interval {
    means.sort_by(f64::total_cmp);
    Interval {
        low: quantile_of_sorted(means, 0.025),
        high: quantile_of_sorted(means, 0.975),
        method: IntervalMethod::PromptBootstrap,
    }
}

/// Linear interpolation between order statistics (NumPy's default); `sorted` is not empty.
pub(crate) fn quantile_of_sorted(sorted: &[f64], quantile: f64) -> f64 {
    let position = quantile * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;

    fn stratum(clusters: &[(f64, usize)]) -> Stratum {
        keyed(0, clusters)
    }

    fn keyed(key: u64, clusters: &[(f64, usize)]) -> Stratum {
        Stratum::new(key, clusters.iter().map(|&(sum, n)| Cluster { sum, n }).collect()).unwrap()
    }

    fn seeded(seed: u64) -> BootstrapSettings {
        BootstrapSettings { seed, ..BootstrapSettings::default() }
    }

    /// Reference: scripts/reference/intervals.py (scipy 1.17.1, `stats.bootstrap`, percentile, 200,000
    /// resamples of whole clusters). The tolerance covers the noise of our 10,000 replicates.
    #[test]
    fn interval_matches_scipy_on_clustered_data() {
        let clusters: Vec<(f64, usize)> = (0..40_usize).map(|index| ((index * 7 % 5) as f64, 4)).collect();
        let estimate = estimate_strata(&[stratum(&clusters)], seeded(1)).strata[0];
        assert!((estimate.value - 0.5).abs() < 1e-12);
        assert!((estimate.interval.low - 0.393_75).abs() < 0.01, "{estimate:?}");
        assert!((estimate.interval.high - 0.612_5).abs() < 0.01, "{estimate:?}");
        assert_eq!((estimate.n_clusters, estimate.n), (40, 160));
    }

    #[test]
    fn copies_of_one_image_add_no_certainty() {
        let once: Vec<_> = (0..50).map(|index| (f64::from(index % 2), 1)).collect();
        let four_times: Vec<_> = once.iter().map(|&(sum, _)| (sum * 4.0, 4)).collect();
        let width = |clusters| {
            let interval = estimate_strata(&[stratum(clusters)], seeded(3)).strata[0].interval;
            interval.high - interval.low
        };
        assert!((width(&once) - width(&four_times)).abs() < 1e-12);
    }

    #[test]
    fn a_perfect_tag_keeps_an_honest_width() {
        let result = estimate_strata(&[stratum(&[(4.0, 4); 10])], seeded(0));
        let interval = result.strata[0].interval;
        assert_eq!(interval.method, IntervalMethod::WilsonOverPrompts);
        assert!(interval.low < 0.8 && (interval.high - 1.0).abs() < 1e-12);
        assert_eq!(result.overall.unwrap().interval.method, IntervalMethod::CombinedParts);
    }

    #[test]
    fn a_handful_of_prompts_has_a_wide_interval() {
        let interval = estimate_strata(&[stratum(&[(1.0, 1), (0.0, 2)])], seeded(0)).strata[0].interval;
        assert_eq!(interval.method, IntervalMethod::WilsonOverPrompts);
        assert!(interval.low < 0.1 && interval.high > 0.75, "{interval:?}");
    }

    #[test]
    fn overall_is_the_mean_of_the_tags_whatever_their_sizes() {
        let strata = [stratum(&[(1.0, 1), (0.0, 1)]), stratum(&[(1.0, 1), (1.0, 1), (1.0, 1), (0.0, 1)])];
        let result = estimate_strata(&strata, seeded(0));
        assert!((result.overall.unwrap().value - (0.5 + 0.75) / 2.0).abs() < 1e-12);
        assert_eq!(result, estimate_strata(&strata, seeded(0)), "same seed, same interval");
    }

    #[test]
    fn overall_is_weighted_where_weights_are_given() {
        let strata = [stratum(&[(1.0, 1), (0.0, 1)]), stratum(&[(1.0, 1), (1.0, 1), (1.0, 1), (0.0, 1)])];
        let result = estimate_weighted_strata(&strata, &[0.9, 0.1], seeded(0)).unwrap();
        assert!((result.overall.unwrap().value - (0.45 + 0.075)).abs() < 1e-12);
        assert_eq!(result.strata, estimate_strata(&strata, seeded(0)).strata);
        assert_eq!(estimate_weighted_strata(&strata, &[1.0], seeded(0)), None);
        let clusters: Vec<_> = (0..100).map(|index| (f64::from(index / 50), 1)).collect();
        let strata = [keyed(1, &clusters), keyed(2, &clusters)];
        let width = |weights: &[f64]| {
            let interval =
                estimate_weighted_strata(&strata, weights, seeded(0)).unwrap().overall.unwrap().interval;
            interval.high - interval.low
        };
        let alone = width(&[1.0, 0.0]);
        assert!((width(&[0.6, 0.8]) / alone - 1.0).abs() < 0.1, "weights enter by their squares");
    }

    #[test]
    fn strata_vary_independently() {
        let clusters: Vec<_> = (0..100).map(|index| (f64::from(index / 50), 1)).collect();
        let strata: Vec<_> = (0..6).map(|key| keyed(key, &clusters)).collect();
        let result = estimate_strata(&strata, seeded(0));
        let width = |estimate: Estimate| estimate.interval.high - estimate.interval.low;
        let expected = width(result.strata[0]) / 6.0_f64.sqrt();
        let overall = width(result.overall.unwrap());
        assert!((overall / expected - 1.0).abs() < 0.1, "{overall} instead of {expected}");
    }

    /// Six tags of GenEval's sizes, four images a prompt, prompts of different difficulty: the true overall score must
    /// lie in about 95 % of the intervals (of 1,000 trials, 95 +- 2 % is nearly three standard errors wide).
    #[test]
    fn intervals_cover_the_truth_as_often_as_they_say() {
        let difficulties = [[0.95, 1.0, 0.9], [0.9, 0.5, 1.0], [0.2, 0.9, 0.5], [0.8, 1.0, 0.9]];
        let tags = [(80, 0), (99, 1), (80, 2), (94, 3), (100, 2), (100, 1)];
        let truth = tags.map(|(_, kind): (usize, usize)| difficulties[kind].iter().sum::<f64>() / 3.0);
        let truth = truth.iter().sum::<f64>() / 6.0;
        let mut generator = Pcg64::seed_from_u64(7);
        let mut uniform = || f64::from(generator.next_u32()) / 4_294_967_296.0;
        let mut n_covered = 0;
        for seed in 0..1_000 {
            let strata = tags.map(|(n_prompts, kind)| {
                let clusters = (0..n_prompts).map(|_| {
                    let difficulty = difficulties[kind][(uniform() * 3.0) as usize];
                    let n_correct = (0..4).filter(|_| uniform() < difficulty).count();
                    Cluster { sum: n_correct as f64, n: 4 }
                });
                Stratum::new(kind as u64 * 1_000 + n_prompts as u64, clusters.collect()).unwrap()
            });
            let settings = BootstrapSettings { seed, replicates: 1_000 };
            let interval = estimate_strata(&strata, settings).overall.unwrap().interval;
            assert_eq!(interval.method, IntervalMethod::PromptBootstrap);
            n_covered += usize::from((interval.low..=interval.high).contains(&truth));
        }
        assert!((930..=970).contains(&n_covered), "{n_covered} of 1,000");
    }

    #[test]
    fn empty_clusters_are_refused() {
        assert_eq!(Stratum::new(0, vec![]), None);
        assert_eq!(Stratum::new(0, vec![Cluster { sum: 0.0, n: 0 }]), None);
        assert_eq!(estimate_strata(&[], seeded(0)).overall, None);
    }
}
