//! What an accuracy alone does not tell: would it also come out of nothing, of the decoder alone, or of one generator's habits, and
//! what survives ordinary handling of images?

use std::collections::{BTreeMap, BTreeSet};

use super::evaluation::Separation;
use crate::{
    Measured,
    alike::Degradation,
    architecture::data::Part,
    random::{draw_below, shuffle, stream},
};

/// All controls of a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Controls {
    pub shuffle: ShuffleControl,
    pub leave_one_out: Vec<LeaveOneOut>,
    pub decoders: Vec<DecoderControl>,
    pub robustness: Vec<RobustnessPoint>,
}

/// The same training with labels permuted between groups: what comes out is what the method finds where nothing is.
#[derive(Debug, Clone, PartialEq)]
pub struct ShuffleControl {
    /// AUC on the test groups of each permutation, with its interval clustered by group.
    pub aucs: Vec<Measured>,
    pub mean: f64,
    /// 95 % interval of the mean over permutations (Student's t); of one permutation its own.
    pub low: f64,
    pub high: f64,
}

impl ShuffleControl {
    /// `None` without a permutation.
    pub(crate) fn of(aucs: Vec<Measured>) -> Option<Self> {
        let first = *aucs.first()?;
        let n = aucs.len() as f64;
        let mean = aucs.iter().map(|auc| auc.value).sum::<f64>() / n;
        if aucs.len() == 1 {
            return Some(Self { aucs, mean, low: first.low, high: first.high });
        }
        let variance = aucs.iter().map(|auc| (auc.value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let half = student_t_95(aucs.len() - 1) * (variance / n).sqrt();
        Some(Self { aucs, mean, low: (mean - half).max(0.0), high: (mean + half).min(1.0) })
    }

    /// Whether labels without meaning can be told apart, which nothing honest can.
    #[must_use]
    pub fn is_above_chance(&self) -> bool {
        self.low > 0.5
    }
}

/// Two-sided 95 % quantiles of Student's t for 1 to 20 degrees of freedom, as tables have them; above, that of 20, which is a little wide.
fn student_t_95(degrees: usize) -> f64 {
    const QUANTILES: [f64; 20] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    ];
    QUANTILES[degrees.clamp(1, QUANTILES.len()) - 1]
}

/// Training without one generator of a class: is its class still recognized?
#[derive(Debug, Clone, PartialEq)]
pub struct LeaveOneOut {
    pub class: String,
    pub generator: String,
    /// Share of the unseen generator's test images classified as its class.
    pub recognised: Measured,
    /// The AUC of its test images against those of the other classes.
    pub auc: Measured,
}

/// Real photographs that have been through a decoder and no generator.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderControl {
    pub name: String,
    /// Share of the images classified as each class.
    pub shares: Vec<Measured>,
    pub outside: Option<Measured>,
    pub n_unused: usize,
}

/// The test groups after one degradation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RobustnessPoint {
    pub degradation: Degradation,
    pub separation: Separation,
}

/// Labels without meaning, by group. Of the groups of a part that hold the same classes, equally many, drawn by lot, have their labels raised
/// by none, one, two ... (and around from the last class to the first). So what belongs to a group stays together, and what an image looks
/// like no longer says anything about its label, not even by a majority that came about by chance.
pub(crate) fn shuffled_labels(
    labels: &[usize],
    groups: &[usize],
    parts: &[Part],
    n_classes: usize,
    seed: u64,
    number: usize,
) -> Vec<usize> {
    let mut classes_of: BTreeMap<usize, (Part, BTreeSet<usize>)> = BTreeMap::new();
    for ((label, group), part) in labels.iter().zip(groups).zip(parts) {
        classes_of.entry(*group).or_insert_with(|| (*part, BTreeSet::new())).1.insert(*label);
    }
    let mut alike: BTreeMap<&(Part, BTreeSet<usize>), Vec<usize>> = BTreeMap::new();
    for (group, kind) in &classes_of {
        alike.entry(kind).or_default().push(*group);
    }
    let mut generator = stream(seed, &format!("label shuffle {number}"));
    let mut raise_of: BTreeMap<usize, usize> = BTreeMap::new();
    for mut groups in alike.into_values() {
        shuffle(&mut groups, &mut generator);
        // Where they do not divide evenly, who has one group more is drawn too.
        let first = draw_below(&mut generator, n_classes);
        raise_of.extend(groups.into_iter().enumerate().map(|(place, group)| (group, place + first)));
    }
    labels.iter().zip(groups).map(|(label, group)| (label + raise_of[group]) % n_classes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffles_keep_counts_by_part_and_move_whole_groups() {
        let groups: Vec<usize> = (0..120).map(|index| index / 2).collect();
        let labels: Vec<usize> = groups.iter().map(|group| group % 2).collect();
        let part = |group: &usize| if *group < 40 { Part::Training } else { Part::Test };
        let parts: Vec<Part> = groups.iter().map(part).collect();
        let shuffled = shuffled_labels(&labels, &groups, &parts, 2, 3, 0);
        assert_eq!(shuffled, shuffled_labels(&labels, &groups, &parts, 2, 3, 0));
        assert_ne!(shuffled, shuffled_labels(&labels, &groups, &parts, 2, 3, 1));
        assert!(shuffled.chunks(2).all(|pair| pair[0] == pair[1]));
        let ones = |labels: &[usize]| labels[..80].iter().sum::<usize>();
        assert_eq!(ones(&shuffled), ones(&labels));
        let n_changed = shuffled.iter().zip(&labels).filter(|(after, before)| after != before).count();
        assert_eq!(n_changed, 60);
    }

    #[test]
    fn groups_of_both_classes_are_swapped_as_a_whole_or_not() {
        let labels = [0, 0, 1].repeat(50);
        let groups: Vec<usize> = (0..150).map(|index| index / 3).collect();
        let shuffled = shuffled_labels(&labels, &groups, &[Part::Training; 150], 2, 0, 0);
        let n_swapped = shuffled.chunks(3).filter(|group| **group == [1, 1, 0]).count();
        assert!(shuffled.chunks(3).all(|group| group == [0, 0, 1] || group == [1, 1, 0]));
        assert_eq!(n_swapped, 25);
    }

    /// Reference: scipy 1.17.1 `stats.t.interval(0.95, 3, loc=mean, scale=sem)` of 0.4, 0.5, 0.55, 0.65: 0.35938 to 0.69062.
    #[test]
    fn the_mean_has_students_interval() {
        let auc = |value| Measured { value, low: 0.0, high: 1.0, n_groups: 9, n_images: 9 };
        let control = ShuffleControl::of([0.4, 0.5, 0.55, 0.65].map(auc).into()).unwrap();
        assert!(
            (control.low - 0.359_38).abs() < 1e-4 && (control.high - 0.690_62).abs() < 1e-4,
            "{control:?}"
        );
        assert!(!control.is_above_chance());
        assert_eq!(ShuffleControl::of(Vec::new()), None);
    }
}
