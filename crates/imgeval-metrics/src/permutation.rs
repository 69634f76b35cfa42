//! Tests of "no difference" by permuting prompts.

use rand_core::Rng;
use rand_pcg::Pcg64;
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::{
    BootstrapSettings, Cluster,
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
pub fn mcnemar_exact(n_won: usize, n_lost: usize) -> f64 {
    let n = (n_won + n_lost) as u64;
    // A probability of one half is always valid.
    let Ok(binomial) = Binomial::new(0.5, n) else { return 1.0 };
    (2.0 * binomial.cdf(n_won.min(n_lost) as u64)).min(1.0)
}

/// Two-sided p value of the sum of `contributions` of pairs to a difference, and whether it is exact.
///
/// Under the null hypothesis nothing tells the two runs apart on any prompt, so that each pair might as well be the other
/// way round, its contribution of the other sign (Fisher 1935). All flips are tried where few pairs differ; else the p value
/// is (k + 1) / (n + 1) of n random ones (Phipson and Smyth 2010). `None` where random flips are needed and none is allowed.
pub(crate) fn sign_flip(contributions: &[f64], key: u64, settings: BootstrapSettings) -> (Option<f64>, bool) {
    let differing: Vec<f64> = contributions.iter().copied().filter(|value| value.abs() > ROUNDING).collect();
    let limit = differing.iter().sum::<f64>().abs() - ROUNDING;
    let flipped_sum = |next_bits: &mut dyn FnMut() -> u64| {
        let flip = |values: &[f64]| {
            let bits = next_bits();
            let sign = |place: usize| if bits >> place & 1 == 1 { -1.0 } else { 1.0 };
            values.iter().enumerate().map(|(place, value)| sign(place) * value).sum::<f64>()
        };
        differing.chunks(64).map(flip).sum::<f64>()
    };
    if differing.len() <= MAX_EXACT_PAIRS {
        let n_flippings = 1_u64 << differing.len();
        let n_as_large = (0..n_flippings).filter(|bits| flipped_sum(&mut || *bits).abs() >= limit).count();
        return (Some(n_as_large as f64 / n_flippings as f64), true);
    }
    let as_large = repeat(settings, TEST_STREAM | u128::from(key), || {
        |generator: &mut Pcg64| flipped_sum(&mut || generator.next_u64()).abs() >= limit
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
