//! Tests of "no difference" by permuting prompts.

use rand_core::Rng;
use rand_pcg::Pcg64;
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::{
    BootstrapSettings, Cluster, PairedCluster,
    resampling::{draw_index, repeat},
};

/// With at most so many pairs that differ, all their flips are tried.
const MAX_EXACT_PAIRS: usize = 16;

/// Differences that are equal but for rounding count as equal.
const ROUNDING: f64 = 1e-10;

/// Names the random streams of tests, which must not be those of the intervals.
const TEST_STREAM: u128 = 1 << 127;

/// Exact two-sided McNemar test: p value of `n_won` against `n_lost` prompts at even odds.
///
/// Source: McNemar 1947 in its binomial form.
pub(crate) fn mcnemar_exact(n_won: usize, n_lost: usize) -> f64 {
    let n = (n_won + n_lost) as u64;
    // A probability of one half is always valid.
    let Ok(binomial) = Binomial::new(0.5, n) else { return 1.0 };
    (2.0 * binomial.cdf(n_won.min(n_lost) as u64)).min(1.0)
}

/// The pairs of one part, of which each may be flipped, a for b.
pub(crate) struct FlippedPart {
    weight: f64,
    /// Score and images of both runs together.
    sum: f64,
    n: f64,
    /// What a has more than b, in score and images; pairs that are alike are left out, as flipping them changes nothing.
    flips: Vec<(f64, f64)>,
}

impl FlippedPart {
    pub(crate) fn new(weight: f64, pairs: &[PairedCluster]) -> Self {
        let sum = pairs.iter().map(|pair| pair.a.sum + pair.b.sum).sum();
        let n = pairs.iter().map(|pair| (pair.a.n + pair.b.n) as f64).sum();
        let flip = |pair: &PairedCluster| (pair.a.sum - pair.b.sum, pair.a.n as f64 - pair.b.n as f64);
        let flips = pairs.iter().map(flip).filter(|(sum, n)| sum.abs() > ROUNDING || *n != 0.0);
        Self { weight, sum, n, flips: flips.collect() }
    }

    /// The weighted difference where the signs of the flips come from `is_flipped`.
    fn difference(&self, mut is_flipped: impl FnMut() -> bool) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        for flip in &self.flips {
            let sign = if is_flipped() { -1.0 } else { 1.0 };
            sum += sign * flip.0;
            n += sign * flip.1;
        }
        self.weight * ((self.sum + sum) / (self.n + n) - (self.sum - sum) / (self.n - n))
    }
}

/// Two-sided p value of the weighted difference, and whether it is exact.
///
/// Under the null hypothesis nothing tells the two runs apart on any prompt, so that each pair might as well be the other
/// way round (Fisher 1935). All flips are tried where few pairs differ; else the p value is (k + 1) / (n + 1) of n random
/// ones (Phipson and Smyth 2010). `None` where random flips are needed and none is allowed.
pub(crate) fn sign_flip(parts: &[FlippedPart], key: u64, settings: BootstrapSettings) -> (Option<f64>, bool) {
    let observed: f64 = parts.iter().map(|part| part.difference(|| false)).sum();
    let limit = observed.abs() - ROUNDING;
    let n_flips: usize = parts.iter().map(|part| part.flips.len()).sum();
    if n_flips <= MAX_EXACT_PAIRS {
        let n_flippings = 1_u32 << n_flips;
        let is_as_large = |flipping: &u32| {
            let mut left = *flipping;
            let mut next = || {
                let is_flipped = left & 1 == 1;
                left >>= 1;
                is_flipped
            };
            parts.iter().map(|part| part.difference(&mut next)).sum::<f64>().abs() >= limit
        };
        let n_as_large = (0..n_flippings).filter(is_as_large).count();
        return (Some(n_as_large as f64 / f64::from(n_flippings)), true);
    }
    let as_large = repeat(settings, TEST_STREAM | u128::from(key), || {
        |generator: &mut Pcg64| {
            let (mut bits, mut n_left) = (0_u64, 0);
            let mut next = || {
                if n_left == 0 {
                    (bits, n_left) = (generator.next_u64(), 64);
                }
                let is_flipped = bits & 1 == 1;
                bits >>= 1;
                n_left -= 1;
                is_flipped
            };
            parts.iter().map(|part| part.difference(&mut next)).sum::<f64>().abs() >= limit
        }
    });
    (share_of(&as_large), false)
}

/// The prompts of one part in two sets that are not the same.
pub(crate) struct PooledPart {
    weight: f64,
    clusters: Vec<Cluster>,
    n_a: usize,
}

impl PooledPart {
    pub(crate) fn new(weight: f64, a: &[Cluster], b: &[Cluster]) -> Self {
        Self { weight, clusters: [a, b].concat(), n_a: a.len() }
    }

    fn difference(&self, clusters: &[Cluster]) -> f64 {
        let (a, b) = clusters.split_at(self.n_a);
        self.weight * (Cluster::mean_of(a) - Cluster::mean_of(b))
    }
}

/// Two-sided p value of the weighted difference of two sets of prompts, by random exchanges between the sets of each part.
///
/// Under the null hypothesis the prompts of both sets of a part are draws from one population. `None` without permutations.
pub(crate) fn exchange_prompts(parts: &[PooledPart], key: u64, settings: BootstrapSettings) -> Option<f64> {
    let observed: f64 = parts.iter().map(|part| part.difference(&part.clusters)).sum();
    let limit = observed.abs() - ROUNDING;
    let as_large = repeat(settings, TEST_STREAM | u128::from(key), || {
        let mut shuffled: Vec<Vec<Cluster>> = parts.iter().map(|part| part.clusters.clone()).collect();
        move |generator: &mut Pcg64| {
            let mut difference = 0.0;
            for (part, clusters) in parts.iter().zip(&mut shuffled) {
                for place in 0..part.n_a {
                    let other = place + draw_index(generator, clusters.len() - place);
                    clusters.swap(place, other);
                }
                difference += part.difference(clusters);
            }
            difference.abs() >= limit
        }
    });
    share_of(&as_large)
}

fn share_of(as_large: &[bool]) -> Option<f64> {
    let n_as_large = as_large.iter().filter(|is_as_large| **is_as_large).count();
    (!as_large.is_empty()).then(|| (n_as_large + 1) as f64 / (as_large.len() + 1) as f64)
}
