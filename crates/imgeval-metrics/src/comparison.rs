//! The difference between two runs, by part and overall, with interval, test and power.
//!
//! *Same prompts* ([`compare_runs`]): prompts are resampled in pairs within their part, because a prompt that is hard for
//! one run tends to be hard for the other. A part's difference is the mean over its images in a minus that in b, overall the
//! weighted sum of the parts' differences.
//!
//! - The interval is the percentile bootstrap's where at least thirty pairs differ from the commonest result, else Student's t
//!   on the prompts' differences. BCa and the studentized bootstrap cover less than either (down to 80 %; see
//!   scripts/reference/coverage.py): the skew of a few differences is mostly chance, and they follow it. Where fewer than
//!   five pairs of a part differ, its spread is hardly known. There the interval is that of Agresti and Min 2005 on
//!   prompts, with Student's t: two pairs are added, of which half a pair is won, half a pair lost and one tied, so that its
//!   width is never zero; it covers 97 to 100 %. Where what such parts may hide outweighs what the others show, overall is
//!   combined from the parts (MOVER, Zou and Donner 2008).
//! - The test is McNemar's where each prompt has one image that is right or wrong in both runs, else a permutation test
//!   that exchanges the two runs prompt by prompt, exact where at most sixteen pairs differ. Both assume, under "no
//!   difference", that nothing tells the two runs apart on any prompt, and that prompts are independent; neither assumes a
//!   distribution. Where the runs have different numbers of images of a prompt, that holds but approximately.
//!
//! *Different prompts* ([`compare_independent`]): each side's interval is that of [`crate::estimate_weighted_strata`], and
//! the difference combines them (MOVER). The test exchanges prompts between the two sets of a part; it assumes, under "no
//! difference", that both are draws from one population of prompts and answers, with as many images of each.

use imgeval_core::{Estimate, Interval, IntervalMethod};

use crate::{
    BootstrapSettings, Cluster, PairedCluster, Stratum,
    clustered::{MIN_BOOTSTRAP_VARYING, MIN_VARIANCE_VARYING, percentile_interval},
    estimate_weighted_strata,
    intervals::{Z_95, student_95},
    pairs::Linearised,
    permutation::{PooledPart, exchange_prompts, mcnemar_exact, sign_flip},
    power::{detectable_difference, prompts_for_difference},
    resampling::repeat,
};

/// Of a random stream that belongs to no part.
const OVERALL_KEY: u64 = u64::MAX;

/// The prompts of one part, such as a tag, that both runs have a score of.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedPart {
    /// Names the part's random stream.
    pub key: u64,
    /// Its share of the overall difference; the shares sum to 1.
    pub weight: f64,
    pub pairs: Vec<PairedCluster>,
}

/// The prompts of one part in two runs of different prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct IndependentPart {
    /// Names the part's random stream.
    pub key: u64,
    /// Its share of the overall difference; the shares sum to 1.
    pub weight: f64,
    pub a: Vec<Cluster>,
    pub b: Vec<Cluster>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// In the order of the input.
    pub parts: Vec<Difference>,
    pub overall: Difference,
}

/// A minus b.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// In [-1, 1].
    pub value: f64,
    /// 95 %, within [-1, 1], never of zero width.
    pub interval: Interval,
    /// Pairs of prompts, or prompts of both sides together where they are not paired.
    pub n_prompts: usize,
    /// Prompts with a higher, equal and lower mean in a; `None` where prompts are not paired.
    pub won_tied_lost: Option<(usize, usize, usize)>,
    /// Two-sided, of "no difference"; not corrected for other tests. `None` where it needs random permutations and
    /// `replicates` is 0.
    pub p_value: Option<f64>,
    pub test: ComparisonTest,
    /// The smallest true difference that two runs like these show with 80 % power at 5 %, two-sided. `None` where the
    /// prompts show no spread to go by.
    pub detectable: Option<f64>,
    /// Prompts, counted as in `n_prompts`, with which the difference seen would be found with that power, in the same mix over
    /// parts and with as many images each. `None` where no difference or no spread is seen.
    pub prompts_needed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonTest {
    McNemarExact,
    SignFlipExact,
    SignFlipRandom,
    ExchangedPrompts,
}

impl ComparisonTest {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::McNemarExact => "McNemar, exact",
            Self::SignFlipExact => "sign flips of prompts, exact",
            Self::SignFlipRandom => "sign flips of prompts, random",
            Self::ExchangedPrompts => "exchanged prompts, random",
        }
    }
}

/// Compares two runs on the same prompts, a minus b. `None` if there is no part, or an empty one, or a prompt without images.
#[must_use]
pub fn compare_runs(parts: &[PairedPart], settings: BootstrapSettings) -> Option<Comparison> {
    let has_images = |pair: &PairedCluster| pair.a.n > 0 && pair.b.n > 0;
    let is_valid = |part: &PairedPart| !part.pairs.is_empty() && part.pairs.iter().all(has_images);
    if parts.is_empty() || !parts.iter().all(is_valid) {
        return None;
    }
    let mut overall_replicates = vec![0.0; settings.replicates];
    let mut overall_contributions = Vec::new();
    let (mut differences, mut value, mut variance) = (Vec::with_capacity(parts.len()), 0.0, 0.0);
    let (mut n_varying, mut freedom, mut hidden, mut shown) = (0, 0.0, 0.0, 0.0);
    for part in parts {
        let linearised = Linearised::new(&part.pairs);
        let mut replicates =
            repeat(settings, u128::from(part.key), || |generator: &mut _| linearised.resample(generator));
        for (total, replicate) in overall_replicates.iter_mut().zip(&replicates) {
            *total += part.weight * replicate;
        }
        let spread = Spread {
            value: linearised.difference,
            variance: linearised.variance() / linearised.n() as f64,
            n_varying: linearised.n_varying(),
            freedom: linearised.n() as f64 - 1.0,
        };
        let variance_overall = part.weight.powi(2) * spread.variance;
        value += part.weight * spread.value;
        variance += variance_overall;
        n_varying += spread.n_varying;
        freedom += variance_overall.powi(2) / spread.freedom.max(1.0);
        let interval = if spread.n_varying < MIN_VARIANCE_VARYING {
            let interval = adjusted_interval(&linearised);
            hidden += (part.weight * (interval.high - interval.low) / (2.0 * Z_95)).powi(2);
            interval
        } else {
            shown += variance_overall;
            interval_of(spread, &mut replicates)
        };
        let scaled = |weight: f64| {
            let scale = weight / linearised.n() as f64;
            linearised.null_contributions.iter().map(move |value| value * scale)
        };
        overall_contributions.extend(scaled(part.weight));
        let of_part = std::slice::from_ref(part);
        let test = test_pairs(of_part, &scaled(1.0).collect::<Vec<_>>(), part.key, settings);
        differences.push(finish(of_part, spread, interval, test));
    }
    // Welch and Satterthwaite.
    let spread = Spread { value, variance, n_varying, freedom: variance.powi(2) / freedom };
    let interval = if hidden >= shown {
        let terms: Vec<(f64, f64, Interval)> =
            parts.iter().zip(&differences).map(|(part, of)| (part.weight, of.value, of.interval)).collect();
        combined_interval(value, &terms)
    } else {
        interval_of(spread, &mut overall_replicates)
    };
    let test = test_pairs(parts, &overall_contributions, OVERALL_KEY, settings);
    let overall = finish(parts, spread, interval, test);
    Some(Comparison { parts: differences, overall })
}

/// A difference and what is known of its spread.
#[derive(Clone, Copy)]
struct Spread {
    value: f64,
    /// Squared standard error.
    variance: f64,
    /// Pairs that differ from the commonest result.
    n_varying: usize,
    /// Degrees of freedom of the variance.
    freedom: f64,
}

fn interval_of(spread: Spread, replicates: &mut [f64]) -> Interval {
    // Overall, many pairs may differ in a part that hardly counts; the degrees of freedom tell.
    let n_telling = spread.freedom.min(spread.n_varying as f64);
    if n_telling < MIN_BOOTSTRAP_VARYING as f64 || replicates.is_empty() {
        let half_width = student_95(spread.freedom) * spread.variance.sqrt();
        return clipped(spread.value - half_width, spread.value + half_width, IntervalMethod::PairedStudent);
    }
    percentile_interval(replicates)
}

/// The p value of "no difference" in these parts, to whose difference the pairs contribute so much.
fn test_pairs(
    parts: &[PairedPart],
    contributions: &[f64],
    key: u64,
    settings: BootstrapSettings,
) -> (Option<f64>, ComparisonTest) {
    if is_mcnemar(parts, contributions.len()) {
        let (n_won, _, n_lost) = count_won_tied_lost(parts);
        return (Some(mcnemar_exact(n_won, n_lost)), ComparisonTest::McNemarExact);
    }
    match sign_flip(contributions, key, settings) {
        (p_value, true) => (p_value, ComparisonTest::SignFlipExact),
        (p_value, false) => (p_value, ComparisonTest::SignFlipRandom),
    }
}

fn count_won_tied_lost(parts: &[PairedPart]) -> (usize, usize, usize) {
    let (mut n_won, mut n_tied, mut n_lost) = (0, 0, 0);
    for pair in parts.iter().flat_map(|part| &part.pairs) {
        match pair.difference() {
            difference if difference > 1e-12 => n_won += 1,
            difference if difference < -1e-12 => n_lost += 1,
            _ => n_tied += 1,
        }
    }
    (n_won, n_tied, n_lost)
}

fn finish(
    parts: &[PairedPart],
    spread: Spread,
    interval: Interval,
    (p_value, test): (Option<f64>, ComparisonTest),
) -> Difference {
    let standard_error = spread.variance.sqrt();
    let n_prompts = parts.iter().map(|part| part.pairs.len()).sum();
    Difference {
        value: spread.value,
        interval,
        n_prompts,
        won_tied_lost: Some(count_won_tied_lost(parts)),
        p_value,
        test,
        detectable: detectable_difference(standard_error),
        prompts_needed: prompts_for_difference(spread.value, standard_error, n_prompts),
    }
}

/// Whether McNemar's test is one of the weighted difference: single images that are right or wrong, and prompts that all
/// count alike.
fn is_mcnemar(parts: &[PairedPart], n_prompts: usize) -> bool {
    let is_binary = |cluster: Cluster| cluster.n == 1 && (cluster.sum == 0.0 || cluster.sum == 1.0);
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    parts.iter().all(|part| {
        let share = part.pairs.len() as f64 / n_prompts as f64;
        let counts_alike = parts.len() == 1 || (part.weight / total - share).abs() < 1e-9;
        counts_alike && part.pairs.iter().all(|pair| is_binary(pair.a) && is_binary(pair.b))
    })
}

/// Agresti and Min's interval on the contributions of prompts: half a pair won, half a pair lost and one tied are added.
fn adjusted_interval(linearised: &Linearised) -> Interval {
    let count = linearised.n() as f64 + 2.0;
    let squares = linearised.contributions.iter().map(|value| value * value).sum::<f64>() + 1.0;
    let centre = linearised.difference * linearised.n() as f64 / count;
    let variance = (squares / count - centre * centre).max(0.0) / (count - 1.0);
    let half_width = student_95(count - 1.0) * variance.sqrt();
    clipped(centre - half_width, centre + half_width, IntervalMethod::AdjustedPairs)
}

/// The interval of a weighted sum of independent estimates (weight, value, interval), by MOVER.
fn combined_interval(value: f64, terms: &[(f64, f64, Interval)]) -> Interval {
    let (mut below, mut above) = (0.0, 0.0);
    for (weight, term, interval) in terms {
        let (low, high) = (weight * (term - interval.low), weight * (interval.high - term));
        // Of a term that is subtracted, the upper bound matters below.
        let (low, high) = if *weight < 0.0 { (high, low) } else { (low, high) };
        below += low.powi(2);
        above += high.powi(2);
    }
    clipped(value - below.sqrt(), value + above.sqrt(), IntervalMethod::CombinedParts)
}

fn clipped(low: f64, high: f64, method: IntervalMethod) -> Interval {
    Interval { low: low.clamp(-1.0, 1.0), high: high.clamp(-1.0, 1.0), method }
}

/// Compares two runs on different prompts of the same parts, a minus b. `None` if there is no part, or one in which a side
/// has no prompt, or a prompt without images.
#[must_use]
pub fn compare_independent(parts: &[IndependentPart], settings: BootstrapSettings) -> Option<Comparison> {
    let weights: Vec<f64> = parts.iter().map(|part| part.weight).collect();
    let estimate = |side: fn(&IndependentPart) -> &Vec<Cluster>, of_side: u64| {
        // The two sides need streams of their own, or they would rise and fall together.
        let key = |part: &IndependentPart| part.key ^ (of_side << 63);
        let strata: Option<Vec<Stratum>> =
            parts.iter().map(|part| Stratum::new(key(part), side(part).clone())).collect();
        estimate_weighted_strata(&strata?, &weights, settings)
    };
    let (of_a, of_b) = (estimate(|part| &part.a, 0)?, estimate(|part| &part.b, 1)?);
    let difference = |parts: &[IndependentPart], key, a: Estimate, b: Estimate| {
        let value = a.value - b.value;
        let pooled: Vec<PooledPart> =
            parts.iter().map(|part| PooledPart::new(part.weight, &part.a, &part.b)).collect();
        let variance = parts.iter().map(|part| part.weight.powi(2) * unpaired_variance(part)).sum::<f64>();
        let n_prompts = a.n_clusters + b.n_clusters;
        Difference {
            value,
            interval: combined_interval(value, &[(1.0, a.value, a.interval), (-1.0, b.value, b.interval)]),
            n_prompts,
            won_tied_lost: None,
            p_value: exchange_prompts(&pooled, key, settings),
            test: ComparisonTest::ExchangedPrompts,
            detectable: detectable_difference(variance.sqrt()),
            prompts_needed: prompts_for_difference(value, variance.sqrt(), n_prompts),
        }
    };
    let of_parts = parts.iter().zip(of_a.strata.iter().zip(&of_b.strata));
    let differences = of_parts.map(|(part, (a, b))| {
        let alone = IndependentPart { weight: 1.0, ..part.clone() };
        difference(&[alone], part.key, *a, *b)
    });
    Some(Comparison {
        parts: differences.collect(),
        overall: difference(parts, OVERALL_KEY, of_a.overall?, of_b.overall?),
    })
}

/// The squared standard error of the difference of the two sides' means.
fn unpaired_variance(part: &IndependentPart) -> f64 {
    Cluster::variance_of_mean(&part.a) + Cluster::variance_of_mean(&part.b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(a: f64, b: f64, n: usize) -> PairedCluster {
        PairedCluster { a: Cluster { sum: a, n }, b: Cluster { sum: b, n } }
    }

    fn part(key: u64, weight: f64, pairs: Vec<PairedCluster>) -> PairedPart {
        PairedPart { key, weight, pairs }
    }

    /// Runs that differ in some prompts, in either direction.
    fn varied(count: usize) -> Vec<PairedCluster> {
        (0..count).map(|index| pair((index * 7 % 5) as f64, (index * 3 % 4) as f64, 4)).collect()
    }

    fn seeded(seed: u64) -> BootstrapSettings {
        BootstrapSettings { seed, replicates: 2_000 }
    }

    #[test]
    fn equal_runs_keep_an_honest_width() {
        for count in [1, 2, 10, 100] {
            let comparison =
                compare_runs(&[part(1, 1.0, vec![pair(4.0, 4.0, 4); count])], seeded(0)).unwrap();
            let overall = comparison.overall;
            assert_eq!((overall.value, overall.p_value), (0.0, Some(1.0)));
            assert_eq!(overall.won_tied_lost, Some((0, count, 0)));
            assert_eq!((overall.detectable, overall.prompts_needed), (None, None));
            let width = overall.interval.high - overall.interval.low;
            assert!(width > 3.0 / (count as f64 + 2.0) && width <= 2.0, "{count}: {width}");
        }
    }

    #[test]
    fn exchanging_the_runs_exchanges_the_signs() {
        let pairs = varied(80);
        let exchanged = pairs.iter().map(|pair| PairedCluster { a: pair.b, b: pair.a }).collect();
        let forth = compare_runs(&[part(1, 1.0, pairs)], seeded(3)).unwrap().overall;
        let back = compare_runs(&[part(1, 1.0, exchanged)], seeded(3)).unwrap().overall;
        assert!((forth.value + back.value).abs() < 1e-12);
        assert!((forth.interval.low + back.interval.high).abs() < 1e-12);
        assert!((forth.interval.high + back.interval.low).abs() < 1e-12);
        assert_eq!(forth.p_value, back.p_value);
        assert_eq!(forth.detectable, back.detectable);
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let parts = [part(1, 0.25, varied(60)), part(2, 0.75, varied(45))];
        let clusters =
            |shift: usize| (0..40).map(move |index| Cluster { sum: ((index + shift) % 3) as f64, n: 2 });
        let apart =
            [IndependentPart { key: 1, weight: 1.0, a: clusters(0).collect(), b: clusters(1).collect() }];
        let on_threads = |count| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            pool.install(|| (compare_runs(&parts, seeded(5)), compare_independent(&apart, seeded(5))))
        };
        assert_eq!(on_threads(1), on_threads(3));
    }

    #[test]
    fn the_overall_difference_is_the_weighted_sum() {
        let parts = [part(1, 0.25, vec![pair(1.0, 0.0, 1); 3]), part(2, 0.75, varied(40))];
        let comparison = compare_runs(&parts, seeded(0)).unwrap();
        let expected = 0.25 + 0.75 * comparison.parts[1].value;
        assert!((comparison.overall.value - expected).abs() < 1e-12);
        assert_eq!(comparison.overall.n_prompts, 43);
    }

    /// A prompt with more images counts more, as in the run's own score.
    #[test]
    fn a_part_is_a_mean_over_images() {
        let pairs = vec![
            PairedCluster { a: Cluster { sum: 3.0, n: 3 }, b: Cluster { sum: 0.0, n: 1 } },
            PairedCluster { a: Cluster { sum: 0.0, n: 1 }, b: Cluster { sum: 2.0, n: 3 } },
        ];
        let value = compare_runs(&[part(1, 1.0, pairs)], seeded(0)).unwrap().overall.value;
        assert!((value - (0.75 - 0.5)).abs() < 1e-12);
    }

    #[test]
    fn mcnemar_needs_prompts_that_count_alike() {
        let binary = |count: usize| {
            (0..count).map(|index| pair((index % 2) as f64, (index % 3 / 2) as f64, 1)).collect()
        };
        let test = |parts: &[PairedPart]| compare_runs(parts, seeded(0)).unwrap().overall.test;
        assert_eq!(
            test(&[part(1, 0.25, binary(10)), part(2, 0.75, binary(30))]),
            ComparisonTest::McNemarExact
        );
        assert_eq!(
            test(&[part(1, 0.5, binary(10)), part(2, 0.5, binary(30))]),
            ComparisonTest::SignFlipRandom
        );
        assert_eq!(test(&[part(1, 1.0, vec![pair(0.5, 1.0, 1); 3])]), ComparisonTest::SignFlipExact);
    }

    #[test]
    fn without_replicates_what_needs_them_is_left_out() {
        let settings = BootstrapSettings { seed: 0, replicates: 0 };
        let overall = compare_runs(&[part(1, 1.0, varied(60))], settings).unwrap().overall;
        assert_eq!((overall.interval.method, overall.p_value), (IntervalMethod::PairedStudent, None));
        let clusters: Vec<Cluster> =
            (0..40).map(|index| Cluster { sum: f64::from(index % 3), n: 2 }).collect();
        let apart = IndependentPart { key: 1, weight: 1.0, a: clusters.clone(), b: clusters };
        let overall = compare_independent(&[apart], settings).unwrap().overall;
        assert!(overall.interval.low < 0.0 && overall.interval.high > 0.0 && overall.p_value.is_none());
    }

    #[test]
    fn sides_that_differ_clearly_are_told_apart_without_pairs() {
        let clusters = |sum| (0..50).map(|index| Cluster { sum: sum + f64::from(index % 2), n: 4 }).collect();
        let apart = IndependentPart { key: 1, weight: 1.0, a: clusters(3.0), b: clusters(1.0) };
        let overall = compare_independent(&[apart], seeded(0)).unwrap().overall;
        assert!((overall.value - 0.5).abs() < 1e-12 && overall.interval.low > 0.4, "{overall:?}");
        assert_eq!(overall.p_value, Some(1.0 / 2_001.0));
        assert_eq!((overall.n_prompts, overall.won_tied_lost), (100, None));
    }

    #[test]
    fn a_part_without_weight_is_compared_all_the_same() {
        let parts = |weight| [part(1, weight, varied(60)), part(2, 1.0 - weight, varied(45))];
        let of = |weight| compare_runs(&parts(weight), seeded(0)).unwrap();
        assert_eq!(of(0.0).parts, of(0.5).parts);
        let clusters =
            |shift: usize| (0..40).map(move |index| Cluster { sum: ((index + shift) % 3) as f64, n: 2 });
        let side =
            |weight| IndependentPart { key: 1, weight, a: clusters(0).collect(), b: clusters(1).collect() };
        let of = |weight| compare_independent(&[side(weight), side(1.0 - weight)], seeded(0)).unwrap();
        assert_eq!(of(0.0).parts, of(0.5).parts);
        assert!(of(0.0).parts[0].detectable.is_some());
    }

    #[test]
    fn nothing_to_compare_is_no_comparison() {
        assert_eq!(compare_runs(&[], seeded(0)), None);
        assert_eq!(compare_runs(&[part(1, 1.0, vec![])], seeded(0)), None);
        assert_eq!(compare_runs(&[part(1, 1.0, vec![pair(0.0, 0.0, 0)])], seeded(0)), None);
        assert_eq!(compare_independent(&[], seeded(0)), None);
        let one_sided =
            IndependentPart { key: 1, weight: 1.0, a: vec![Cluster { sum: 1.0, n: 1 }], b: vec![] };
        assert_eq!(compare_independent(&[one_sided], seeded(0)), None);
    }
}
