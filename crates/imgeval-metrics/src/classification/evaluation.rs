//! Accuracy and AUC with intervals that respect groups.
//!
//! Images of one prompt, or cut from one photograph, are not independent. So whole groups are resampled, among those with images of
//! the same classes, which keeps every class in every resample; percentile interval. A bootstrap is blind where a class has fewer than
//! [`MIN_BOOTSTRAP_GROUPS`] groups, or where fewer than [`MIN_TELLING_GROUPS`] of them hold a mistake (or anything but mistakes): it would
//! give a nearly perfect classifier a width of nearly nothing. There the interval is that of as many independent observations as
//! there are groups: Wilson's for accuracy, Wilson's of the classes combined for balanced accuracy, Newcombe's for AUC. Groups of
//! several images count once then, which is cautious.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{Estimate, Interval, IntervalMethod};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::ranking::{Ranking, auc_interval};
use crate::clustered::quantile_of_sorted;
use crate::{BootstrapSettings, Cluster, Stratum, estimate_strata, wilson_interval};

/// With fewer groups in a class, a bootstrap has too few different resamples to draw.
pub const MIN_BOOTSTRAP_GROUPS: usize = 10;
/// With fewer groups that hold a mistake, a bootstrap cannot see how often mistakes come.
pub const MIN_TELLING_GROUPS: usize = 5;
/// Replicates with a random stream of their own, whatever the number of threads.
const BLOCK_REPLICATES: usize = 100;

/// What a classifier says of an image whose class is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Of the prompt, or of the photograph it was cut from; numbers mean nothing but being equal.
    pub group: usize,
    pub label: usize,
    /// One for each class. The largest is the answer; of equals, the first.
    pub probabilities: Vec<f64>,
}

/// How well a classifier does. In each estimate `n_clusters` is the number of groups and `n` that of images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Share of images that are answered right.
    pub accuracy: Estimate,
    /// The mean of the classes' shares: 1 / classes is chance, whatever the classes' sizes.
    pub balanced_accuracy: Estimate,
    /// Area under the ROC curve of class 1; of more than two classes, the mean over each against the rest. 0.5 is chance.
    pub auc: Estimate,
}

/// `None` if there are fewer than two classes, a class has no image, or a prediction has not one finite probability for each class.
#[must_use]
pub fn evaluate(
    predictions: &[Prediction],
    n_classes: usize,
    settings: BootstrapSettings,
) -> Option<Evaluation> {
    let is_valid = |prediction: &Prediction| {
        let probabilities = &prediction.probabilities;
        prediction.label < n_classes
            && probabilities.len() == n_classes
            && probabilities.iter().all(|probability| probability.is_finite())
    };
    let every_class =
        (0..n_classes).all(|class| predictions.iter().any(|prediction| prediction.label == class));
    if n_classes < 2 || !every_class || !predictions.iter().all(is_valid) {
        return None;
    }
    let sample = Sample::of(predictions, n_classes);
    let found = sample.measure(&vec![1.0; predictions.len()]);
    let mut replicates: Measures<Vec<f64>> = sample.resample(settings);
    let interval = |replicates: &mut Vec<f64>, n_telling: usize, cautious: &dyn Fn() -> Interval| {
        if n_telling < MIN_TELLING_GROUPS || replicates.is_empty() {
            return cautious();
        }
        replicates.sort_by(f64::total_cmp);
        Interval {
            low: quantile_of_sorted(replicates, 0.025),
            high: quantile_of_sorted(replicates, 0.975),
            method: IntervalMethod::PromptBootstrap,
        }
    };
    let telling = sample.count_telling();
    let estimate =
        |value, interval| Estimate { value, interval, n_clusters: sample.n_groups, n: predictions.len() };
    let accuracy = interval(&mut replicates.accuracy, telling.accuracy, &|| {
        let (low, high) = wilson_interval(found.accuracy, sample.n_groups);
        Interval { low, high, method: IntervalMethod::WilsonOverPrompts }
    });
    let balanced = interval(&mut replicates.balanced_accuracy, telling.balanced_accuracy, &|| {
        sample.combined_accuracy(found.balanced_accuracy)
    });
    let auc = interval(&mut replicates.auc, telling.auc, &|| sample.cautious_auc(found.auc));
    Some(Evaluation {
        accuracy: estimate(found.accuracy, accuracy),
        balanced_accuracy: estimate(found.balanced_accuracy, balanced),
        auc: estimate(found.auc, auc),
    })
}

/// The share of images that fall to each class, for images whose class nobody knows. Each is a group and the class of the
/// classifier's answer; intervals as those of [`estimate_strata`]. `None` without images or if a class does not exist.
#[must_use]
pub fn class_shares(
    answers: &[(usize, usize)],
    n_classes: usize,
    settings: BootstrapSettings,
) -> Option<Vec<Estimate>> {
    if answers.iter().any(|(_, class)| *class >= n_classes) {
        return None;
    }
    let share = |class: usize| {
        let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
        for (group, answer) in answers {
            let cluster = clusters.entry(*group).or_insert(Cluster { sum: 0.0, n: 0 });
            cluster.sum += f64::from(u8::from(*answer == class));
            cluster.n += 1;
        }
        let stratum = Stratum::new(class as u64, clusters.into_values().collect())?;
        estimate_strata(&[stratum], settings).strata.first().copied()
    };
    (0..n_classes).map(share).collect()
}

#[derive(Default)]
struct Measures<T> {
    accuracy: T,
    balanced_accuracy: T,
    auc: T,
}

struct Sample<'a> {
    predictions: &'a [Prediction],
    n_classes: usize,
    is_right: Vec<bool>,
    /// By probability of each class; of two classes, of class 1 alone.
    rankings: Vec<(usize, Ranking)>,
    /// Groups with images of the same classes, each with the places of its images.
    strata: Vec<Vec<Vec<usize>>>,
    n_groups: usize,
    /// In which each class appears.
    n_groups_of: Vec<usize>,
}

impl<'a> Sample<'a> {
    fn of(predictions: &'a [Prediction], n_classes: usize) -> Self {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, prediction) in predictions.iter().enumerate() {
            groups.entry(prediction.group).or_default().push(place);
        }
        let n_groups = groups.len();
        let mut n_groups_of = vec![0; n_classes];
        let mut strata: BTreeMap<BTreeSet<usize>, Vec<Vec<usize>>> = BTreeMap::new();
        for places in groups.into_values() {
            let classes: BTreeSet<usize> = places.iter().map(|place| predictions[*place].label).collect();
            classes.iter().for_each(|class| n_groups_of[*class] += 1);
            strata.entry(classes).or_default().push(places);
        }
        let ranked = if n_classes == 2 { 1..2 } else { 0..n_classes };
        let rankings = ranked.map(|class| {
            let scores: Vec<f64> =
                predictions.iter().map(|prediction| prediction.probabilities[class]).collect();
            (class, Ranking::of(&scores))
        });
        Self {
            predictions,
            n_classes,
            is_right: predictions.iter().map(|prediction| answer(prediction) == prediction.label).collect(),
            rankings: rankings.collect(),
            strata: strata.into_values().collect(),
            n_groups,
            n_groups_of,
        }
    }

    /// How many groups show that the measure could also come out lower, or higher: the fewer of both. None if a class has too few
    /// groups for a bootstrap.
    fn count_telling(&self) -> Measures<usize> {
        if self.n_groups_of.iter().any(|n_groups| *n_groups < MIN_BOOTSTRAP_GROUPS) {
            return Measures::default();
        }
        let is_of = |place: usize, class: usize| self.predictions[place].label == class;
        let fewer = |chosen: &dyn Fn(usize) -> bool, good: &dyn Fn(usize) -> bool| {
            let n_good = self.count_groups(|place| chosen(place) && good(place));
            n_good.min(self.count_groups(|place| chosen(place) && !good(place)))
        };
        let of_class = |class: usize| fewer(&|place| is_of(place, class), &|place| self.is_right[place]);
        let of_ranking = |class: usize| {
            let score = |place: usize| self.predictions[place].probabilities[class];
            let (mut positives, mut negatives) = (Range::EMPTY, Range::EMPTY);
            for place in 0..self.predictions.len() {
                let side = if is_of(place, class) { &mut positives } else { &mut negatives };
                side.include(score(place));
            }
            // On each side, groups of images that lose against some of the other side, and those that win against some.
            let positive = |place: usize| is_of(place, class);
            let negative = |place: usize| !is_of(place, class);
            let counts = [
                self.count_groups(|place| positive(place) && score(place) <= negatives.most),
                self.count_groups(|place| positive(place) && score(place) >= negatives.least),
                self.count_groups(|place| negative(place) && score(place) >= positives.least),
                self.count_groups(|place| negative(place) && score(place) <= positives.most),
            ];
            counts.into_iter().min().unwrap_or(0)
        };
        Measures {
            accuracy: fewer(&|_| true, &|place| self.is_right[place]),
            balanced_accuracy: (0..self.n_classes).map(of_class).min().unwrap_or(0),
            auc: self.rankings.iter().map(|(class, _)| of_ranking(*class)).min().unwrap_or(0),
        }
    }

    fn count_groups(&self, is_chosen: impl Fn(usize) -> bool) -> usize {
        let groups = self.strata.iter().flatten();
        groups.filter(|places| places.iter().any(|place| is_chosen(*place))).count()
    }

    /// With each image counted as often as its weight says.
    fn measure(&self, weights: &[f64]) -> Measures<f64> {
        let mut right = vec![0.0; self.n_classes];
        let mut total = vec![0.0; self.n_classes];
        for ((prediction, is_right), weight) in self.predictions.iter().zip(&self.is_right).zip(weights) {
            total[prediction.label] += weight;
            if *is_right {
                right[prediction.label] += weight;
            }
        }
        let shares = right.iter().zip(&total).map(|(right, total)| right / total);
        let aucs = self.rankings.iter().map(|(class, ranking)| {
            ranking.auc(|place| self.predictions[place].label == *class, |place| weights[place])
        });
        Measures {
            accuracy: right.iter().sum::<f64>() / total.iter().sum::<f64>(),
            balanced_accuracy: shares.sum::<f64>() / self.n_classes as f64,
            auc: aucs.sum::<f64>() / self.rankings.len() as f64,
        }
    }

    fn resample(&self, settings: BootstrapSettings) -> Measures<Vec<f64>> {
        let n_blocks = settings.replicates.div_ceil(BLOCK_REPLICATES);
        let block = |index: usize| {
            let mut generator = Pcg64::seed_from_u64(settings.seed.rotate_left(32) ^ index as u64);
            let n_replicates = BLOCK_REPLICATES.min(settings.replicates - index * BLOCK_REPLICATES);
            (0..n_replicates).map(|_| self.measure(&self.draw(&mut generator))).collect::<Vec<_>>()
        };
        let blocks: Vec<Vec<Measures<f64>>> = (0..n_blocks).into_par_iter().map(block).collect();
        let mut all = Measures::<Vec<f64>>::default();
        for measures in blocks.into_iter().flatten() {
            all.accuracy.push(measures.accuracy);
            all.balanced_accuracy.push(measures.balanced_accuracy);
            all.auc.push(measures.auc);
        }
        all
    }

    /// How often each image is drawn.
    fn draw(&self, generator: &mut Pcg64) -> Vec<f64> {
        let mut weights = vec![0.0; self.predictions.len()];
        for groups in &self.strata {
            let n_groups = groups.len() as u64;
            for _ in groups {
                // Multiply-shift: its bias, n / 2^32, is far below the bootstrap's own noise.
                let index = (u64::from(generator.next_u32()) * n_groups) >> 32;
                groups[index as usize].iter().for_each(|place| weights[*place] += 1.0);
            }
        }
        weights
    }

    /// Wilson's intervals of the classes, combined as independent ones (Zou and Donner 2008).
    fn combined_accuracy(&self, value: f64) -> Interval {
        let (mut below, mut above) = (0.0, 0.0);
        for class in 0..self.n_classes {
            let of_class = || {
                self.predictions
                    .iter()
                    .zip(&self.is_right)
                    .filter(|(prediction, _)| prediction.label == class)
            };
            let n_right = of_class().filter(|(_, is_right)| **is_right).count();
            let share = n_right as f64 / of_class().count() as f64;
            let (low, high) = wilson_interval(share, self.n_groups_of[class]);
            below += ((share - low) / self.n_classes as f64).powi(2);
            above += ((high - share) / self.n_classes as f64).powi(2);
        }
        let low = (value - below.sqrt()).max(0.0);
        let high = (value + above.sqrt()).min(1.0);
        Interval { low, high, method: IntervalMethod::CombinedParts }
    }

    /// The mean of the intervals of each class against the rest: they share their images, so none evens another out.
    fn cautious_auc(&self, value: f64) -> Interval {
        let weights = vec![1.0; self.predictions.len()];
        let (mut below, mut above) = (0.0, 0.0);
        for (class, ranking) in &self.rankings {
            let auc = ranking.auc(|place| self.predictions[place].label == *class, |place| weights[place]);
            let n_rest = self.count_groups(|place| self.predictions[place].label != *class);
            let (low, high) = auc_interval(auc, self.n_groups_of[*class], n_rest);
            below += auc - low;
            above += high - auc;
        }
        let n = self.rankings.len() as f64;
        Interval {
            low: (value - below / n).max(0.0),
            high: (value + above / n).min(1.0),
            method: IntervalMethod::NewcombeOverPrompts,
        }
    }
}

struct Range {
    least: f64,
    most: f64,
}

impl Range {
    const EMPTY: Self = Self { least: f64::INFINITY, most: f64::NEG_INFINITY };

    fn include(&mut self, score: f64) {
        self.least = self.least.min(score);
        self.most = self.most.max(score);
    }
}

fn answer(prediction: &Prediction) -> usize {
    let mut best = 0;
    for (class, probability) in prediction.probabilities.iter().enumerate() {
        if *probability > prediction.probabilities[best] {
            best = class;
        }
    }
    best
}
