//! What differed between the classes before anything was harmonised, and how far each fact alone would tell them apart.
//!
//! For each fact the rule "this value means that class" is learned on four fifths of the groups and tried on the last, five times; its
//! balanced accuracy (mean of the classes' accuracies, so that chance is one over the number of classes) is over all images.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_metrics::{
    BootstrapSettings,
    classification::{Prediction, evaluate},
};

use crate::{
    Measured,
    collect::Examined,
    random::{shuffle, stream},
};

const N_FOLDS: usize = 5;

/// A fact separates when the whole interval lies above chance, and the value by at least this much: with nine facts, one interval
/// in a few hundred misses by accident.
const MIN_GAIN: f64 = 0.1;

/// So many values of a fact are shown; the rest are added up.
const SHOWN_VALUES: usize = 4;

/// File sizes are compared in so many classes of equal number.
const N_BINS: usize = 8;

/// Something that a file tells beside its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Format,
    Size,
    Aspect,
    QuantisationTables,
    Subsampling,
    Channels,
    ColorProfile,
    Metadata,
    BytesPerPixel,
}

impl Fact {
    pub const ALL: [Self; 9] = [
        Self::Format,
        Self::Size,
        Self::Aspect,
        Self::QuantisationTables,
        Self::Subsampling,
        Self::Channels,
        Self::ColorProfile,
        Self::Metadata,
        Self::BytesPerPixel,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Size => "size in pixels",
            Self::Aspect => "aspect ratio",
            Self::QuantisationTables => "JPEG tables",
            Self::Subsampling => "chroma subsampling",
            Self::Channels => "channels and bits",
            Self::ColorProfile => "color profile",
            Self::Metadata => "metadata",
            Self::BytesPerPixel => "bytes per pixel",
        }
    }

    /// What becomes of a difference in this fact.
    fn consequence(self) -> &'static str {
        match self {
            Self::Format | Self::QuantisationTables | Self::Subsampling => {
                "one compression for all images hides it, unless the earlier ones were stronger"
            }
            Self::Size => {
                "squares of one size are compared, but the effect of another size on the content remains unless all are scaled"
            }
            Self::Aspect => "only squares are compared, but other shapes show other content",
            Self::Channels | Self::ColorProfile | Self::Metadata => "ignored: no probe sees it",
            Self::BytesPerPixel => {
                "ignored as such, but it often comes from compression or from smoother content"
            }
        }
    }

    /// The fact of one image, in words.
    pub(crate) fn value(self, image: &Examined, size_bounds: &[f64]) -> String {
        let facts = &image.facts;
        match self {
            Self::Format if facts.is_lossy_webp => "webp, lossy".to_owned(),
            Self::Format => facts.format.extension().to_owned(),
            Self::Size => format!("{}x{}", image.width, image.height),
            Self::Aspect => format!("{:.2}", f64::from(image.width) / f64::from(image.height)),
            Self::QuantisationTables => facts.jpeg.as_ref().map_or("none".to_owned(), |jpeg| {
                let about = if jpeg.is_standard { "" } else { "about " };
                format!("{about}quality {} ({})", jpeg.quality, jpeg.tables_hash)
            }),
            Self::Subsampling => {
                facts.jpeg.as_ref().map_or("none".to_owned(), |jpeg| jpeg.subsampling.clone())
            }
            Self::Channels => format!("{}, {} bits", facts.channels, facts.bit_depth),
            Self::ColorProfile => facts.color_profile.clone().unwrap_or_else(|| "none".to_owned()),
            Self::Metadata if facts.metadata.is_empty() => "none".to_owned(),
            Self::Metadata => facts.metadata.iter().copied().collect::<Vec<_>>().join(", "),
            Self::BytesPerPixel => {
                let ratio = bytes_per_pixel(image);
                let bin = size_bounds.partition_point(|bound| *bound <= ratio);
                let bound = |index: usize| size_bounds.get(index).map(|bound| format!("{bound:.3}"));
                match (bin.checked_sub(1).and_then(bound), bound(bin)) {
                    (None, None) => "all".to_owned(),
                    (None, Some(above)) => format!("below {above}"),
                    (Some(below), None) => format!("{below} and more"),
                    (Some(below), Some(above)) => format!("{below} to {above}"),
                }
            }
        }
    }
}

fn bytes_per_pixel(image: &Examined) -> f64 {
    image.facts.n_bytes as f64 / (f64::from(image.width) * f64::from(image.height))
}

/// The table of all facts, with warnings.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub facts: Vec<FactProfile>,
    /// One sentence for each property that separates the classes, and for files that are in two classes.
    pub warnings: Vec<String>,
}

impl Profile {
    #[must_use]
    pub fn separates(&self, fact: Fact) -> bool {
        self.facts.iter().any(|profile| profile.fact == fact && profile.separates)
    }

    /// Whether any fact alone tells the classes apart.
    #[must_use]
    pub fn is_confounded(&self) -> bool {
        self.facts.iter().any(|profile| profile.separates)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FactProfile {
    pub fact: Fact,
    /// The most frequent values of each class with their shares.
    pub values: Vec<Vec<ValueShare>>,
    /// Balanced accuracy of the best rule on this fact alone, on groups that it was not learned from.
    pub balanced_accuracy: Measured,
    pub chance: f64,
    pub separates: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ValueShare {
    pub value: String,
    pub share: f64,
}

/// Profiles the images of the classes. `None` if there are fewer than two classes or one has no image.
#[must_use]
pub(crate) fn compute_profile(
    images: &[&Examined],
    classes: &[usize],
    groups: &[usize],
    class_names: &[String],
    seed: u64,
) -> Option<Profile> {
    let n_classes = class_names.len();
    let chance = 1.0 / n_classes as f64;
    let bounds = size_bounds(images);
    let folds = folds_of(groups, seed);
    let mut facts = Vec::new();
    let mut warnings = Vec::new();
    for fact in Fact::ALL {
        let values: Vec<String> = images.iter().map(|image| fact.value(image, &bounds)).collect();
        let predictions = predict(&values, classes, groups, &folds, n_classes);
        let evaluation = evaluate(&predictions, n_classes, BootstrapSettings { seed, replicates: 2_000 })?;
        let balanced_accuracy = Measured::from(evaluation.balanced_accuracy);
        let separates = balanced_accuracy.low > chance && balanced_accuracy.value >= chance + MIN_GAIN;
        if separates {
            warnings.push(format!(
                "`{}` alone separates the classes ({:.0} % accuracy, chance {:.0} %): {}",
                fact.name(),
                100.0 * balanced_accuracy.value,
                100.0 * chance,
                fact.consequence()
            ));
        }
        let values = (0..n_classes).map(|class| shares_of(&values, classes, class)).collect();
        facts.push(FactProfile { fact, values, balanced_accuracy, chance, separates });
    }
    let n_shared = n_shared_files(images, classes);
    if n_shared > 0 {
        warnings.push(format!(
            "{n_shared} files are byte-identical in more than one class; check whether the folders are right"
        ));
    }
    Some(Profile { facts, warnings })
}

fn size_bounds(images: &[&Examined]) -> Vec<f64> {
    let mut ratios: Vec<f64> = images.iter().map(|image| bytes_per_pixel(image)).collect();
    ratios.sort_by(f64::total_cmp);
    let mut bounds: Vec<f64> =
        (1..N_BINS).filter_map(|bin| ratios.get(bin * ratios.len() / N_BINS)).copied().collect();
    bounds.dedup();
    bounds
}

fn folds_of(groups: &[usize], seed: u64) -> Vec<usize> {
    let mut names: Vec<usize> = groups.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    shuffle(&mut names, &mut stream(seed, "folds of the profile"));
    let fold_of: BTreeMap<usize, usize> =
        names.into_iter().enumerate().map(|(place, group)| (group, place % N_FOLDS)).collect();
    groups.iter().map(|group| fold_of[group]).collect()
}

fn predict(
    values: &[String],
    classes: &[usize],
    groups: &[usize],
    folds: &[usize],
    n_classes: usize,
) -> Vec<Prediction> {
    let mut predictions = Vec::with_capacity(values.len());
    let rules: Vec<BTreeMap<&str, usize>> =
        (0..N_FOLDS).map(|fold| learn_rule(values, classes, folds, fold, n_classes)).collect();
    for (index, value) in values.iter().enumerate() {
        let mut probabilities = vec![0.0; n_classes];
        match rules[folds[index]].get(value.as_str()) {
            Some(class) => probabilities[*class] = 1.0,
            // Never seen in training: no rule says anything.
            None => probabilities.fill(1.0 / n_classes as f64),
        }
        predictions.push(Prediction { group: groups[index], label: classes[index], probabilities });
    }
    predictions
}

/// For each value the class that has the largest share of its images there, learned outside `fold`; of equal shares the first.
fn learn_rule<'a>(
    values: &'a [String],
    classes: &[usize],
    folds: &[usize],
    fold: usize,
    n_classes: usize,
) -> BTreeMap<&'a str, usize> {
    let mut totals = vec![0_usize; n_classes];
    let mut counts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for ((value, class), _) in values.iter().zip(classes).zip(folds).filter(|(_, other)| **other != fold) {
        totals[*class] += 1;
        counts.entry(value).or_insert_with(|| vec![0; n_classes])[*class] += 1;
    }
    let share = |counts: &[usize], class: usize| counts[class] as f64 / totals[class].max(1) as f64;
    let best = |counts: Vec<usize>| {
        (0..n_classes).rev().max_by(|a, b| share(&counts, *a).total_cmp(&share(&counts, *b))).unwrap_or(0)
    };
    counts.into_iter().map(|(value, counts)| (value, best(counts))).collect()
}

/// The shares of the values in a class, largest first; beyond four, the rest are added up.
pub(crate) fn shares_of(values: &[String], classes: &[usize], class: usize) -> Vec<ValueShare> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (value, _) in values.iter().zip(classes).filter(|(_, other)| **other == class) {
        *counts.entry(value).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let share = |count: usize| count as f64 / total.max(1) as f64;
    let rest: usize = counts.iter().skip(SHOWN_VALUES).map(|(_, count)| count).sum();
    let n_rest = counts.len().saturating_sub(SHOWN_VALUES);
    let mut shares: Vec<ValueShare> = counts
        .iter()
        .take(SHOWN_VALUES)
        .map(|(value, count)| ValueShare { value: (*value).to_owned(), share: share(*count) })
        .collect();
    if rest > 0 {
        shares.push(ValueShare { value: format!("{n_rest} others"), share: share(rest) });
    }
    shares
}

fn n_shared_files(images: &[&Examined], classes: &[usize]) -> usize {
    let mut classes_of: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (image, class) in images.iter().zip(classes) {
        classes_of.entry(&image.sha256).or_default().insert(*class);
    }
    classes_of.values().filter(|classes| classes.len() > 1).count()
}
