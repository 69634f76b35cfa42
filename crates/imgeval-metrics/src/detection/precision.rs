//! The interval of the average precision.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{Estimate, Interval, IntervalMethod};

use super::ScoredImage;
use crate::{
    BootstrapSettings,
    classification::{MIN_BOOTSTRAP_GROUPS, MIN_TELLING_GROUPS},
    clustered::quantile_of_sorted,
    resampling::{draw_index, repeat},
    wilson_interval,
};

/// Names the random streams of average precision.
const STREAM: u128 = 0x61_70;

/// The places of the images of each cluster, by the classes that the cluster has: resampling among those keeps both classes.
struct Clusters(Vec<Vec<Vec<usize>>>);

impl Clusters {
    fn of(images: &[ScoredImage]) -> Self {
        let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, image) in images.iter().enumerate() {
            places.entry(image.cluster).or_default().push(place);
        }
        let mut strata: BTreeMap<BTreeSet<bool>, Vec<Vec<usize>>> = BTreeMap::new();
        for places in places.into_values() {
            let classes: BTreeSet<bool> = places.iter().map(|place| images[*place].is_fake).collect();
            strata.entry(classes).or_default().push(places);
        }
        Self(strata.into_values().collect())
    }

    fn count(&self, is_counted: impl Fn(usize) -> bool) -> usize {
        self.0.iter().flatten().filter(|places| places.iter().any(|place| is_counted(*place))).count()
    }
}

/// `value` with its 95 % interval: the percentiles of resampled clusters; where a class has too few clusters for that, or too few lie
/// on the wrong side of any image of the other class, Wilson's interval over the smaller class's clusters, the binomial interval of
/// Boyd, Eng and Page (2013) with fewer observations.
///
/// Both classes are there and scores are finite.
pub(super) fn estimate_average_precision(
    images: &[ScoredImage],
    value: f64,
    settings: BootstrapSettings,
) -> Estimate {
    let clusters = Clusters::of(images);
    let is_fake = |place: usize| images[place].is_fake;
    let n_fake = clusters.count(is_fake);
    let n_real = clusters.count(|place| !is_fake(place));
    let highest_real = extreme(images, false, f64::max);
    let lowest_fake = extreme(images, true, f64::min);
    let n_low_fakes = clusters.count(|place| is_fake(place) && images[place].score <= highest_real);
    let n_high_reals = clusters.count(|place| !is_fake(place) && images[place].score >= lowest_fake);
    let is_blind =
        n_fake.min(n_real) < MIN_BOOTSTRAP_GROUPS || n_low_fakes.min(n_high_reals) < MIN_TELLING_GROUPS;
    let interval = if is_blind || settings.replicates == 0 {
        let (low, high) = wilson_interval(value, n_fake.min(n_real));
        Interval { low, high, method: IntervalMethod::WilsonOverPrompts }
    } else {
        let mut values = resampled(images, &clusters, settings);
        values.sort_by(f64::total_cmp);
        Interval {
            low: quantile_of_sorted(&values, 0.025),
            high: quantile_of_sorted(&values, 0.975),
            method: IntervalMethod::PromptBootstrap,
        }
    };
    Estimate { value, interval, n_clusters: clusters.0.iter().map(Vec::len).sum(), n: images.len() }
}

fn extreme(images: &[ScoredImage], is_fake: bool, choose: fn(f64, f64) -> f64) -> f64 {
    let scores = images.iter().filter(|image| image.is_fake == is_fake).map(|image| image.score);
    scores.reduce(choose).unwrap_or(f64::NAN)
}

fn resampled(images: &[ScoredImage], clusters: &Clusters, settings: BootstrapSettings) -> Vec<f64> {
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.sort_by(|left, right| images[*right].score.total_cmp(&images[*left].score));
    let order = &order;
    repeat(settings, STREAM, || {
        let mut weights = vec![0_u32; images.len()];
        move |generator| {
            weights.fill(0);
            for groups in &clusters.0 {
                for _ in groups {
                    groups[draw_index(generator, groups.len())].iter().for_each(|place| weights[*place] += 1);
                }
            }
            weighted_average_precision(images, order, &weights)
        }
    })
}

/// With each image counted as often as its weight says.
fn weighted_average_precision(images: &[ScoredImage], order: &[usize], weights: &[u32]) -> f64 {
    let (mut n_fake, mut n_real, mut sum) = (0_u64, 0_u64, 0.0);
    #[expect(clippy::float_cmp, reason = "ties are scores that are equal to the last bit")]
    for tie in order.chunk_by(|left, right| images[*left].score == images[*right].score) {
        let before = n_fake;
        for place in tie {
            let count = if images[*place].is_fake { &mut n_fake } else { &mut n_real };
            *count += u64::from(weights[*place]);
        }
        if n_fake > before {
            sum += (n_fake - before) as f64 * n_fake as f64 / (n_fake + n_real) as f64;
        }
    }
    sum / n_fake as f64
}
