//! Which images are learned from, which choose and calibrate, and which judge: by group, never by image.
//!
//! Groups with the same set of classes are shuffled together (by the seed) and cut at the shares, so that every class has its
//! share of each part. Images of one group always stay together.

use std::collections::{BTreeMap, BTreeSet};

use crate::random::{shuffle, stream};

/// Fewer groups of a class than this cannot be divided into three parts that mean anything.
pub const MIN_GROUPS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The probe is fitted to it.
    Training,
    /// Stops, chooses and calibrates.
    Validation,
    /// Seen only by the evaluation.
    Test,
}

/// Shares of the groups; the rest is for training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    pub validation: f64,
    pub test: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { validation: 0.2, test: 0.3 }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    #[error(
        "class `{class}` has {found} groups of images but needs at least {MIN_GROUPS}, to be divided by group into training, validation and test"
    )]
    TooFewGroups { class: String, found: usize },
    #[error("class `{class}` has no group in the part {part:?}; it needs more groups or other shares")]
    EmptyPart { class: String, part: Part },
}

/// The part of each image, given class and group of each.
///
/// # Errors
/// If a class has too few groups.
pub(super) fn split_by_group(
    classes: &[usize],
    groups: &[usize],
    class_names: &[String],
    seed: u64,
    shares: Shares,
) -> Result<Vec<Part>, SplitError> {
    let mut classes_of: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (class, group) in classes.iter().zip(groups) {
        classes_of.entry(*group).or_default().insert(*class);
    }
    for (class, name) in class_names.iter().enumerate() {
        let found = classes_of.values().filter(|present| present.contains(&class)).count();
        if found < MIN_GROUPS {
            return Err(SplitError::TooFewGroups { class: name.clone(), found });
        }
    }
    let mut strata: BTreeMap<&BTreeSet<usize>, Vec<usize>> = BTreeMap::new();
    for (group, present) in &classes_of {
        strata.entry(present).or_default().push(*group);
    }
    let mut part_of: BTreeMap<usize, Part> = BTreeMap::new();
    let mut generator = stream(seed, "split by group");
    for groups in strata.into_values() {
        let mut groups = groups;
        shuffle(&mut groups, &mut generator);
        let n_groups = groups.len() as f64;
        for (place, group) in groups.into_iter().enumerate() {
            let position = (place as f64 + 0.5) / n_groups;
            let part = match position {
                _ if position < shares.test => Part::Test,
                _ if position < shares.test + shares.validation => Part::Validation,
                _ => Part::Training,
            };
            part_of.insert(group, part);
        }
    }
    for (class, name) in class_names.iter().enumerate() {
        for part in [Part::Training, Part::Validation, Part::Test] {
            if !classes_of.iter().any(|(group, present)| present.contains(&class) && part_of[group] == part) {
                return Err(SplitError::EmptyPart { class: name.clone(), part });
            }
        }
    }
    Ok(groups.iter().map(|group| part_of[group]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("class {index}")).collect()
    }

    proptest! {
        #[test]
        fn groups_stay_together_and_every_class_is_everywhere(
            images in proptest::collection::vec((0_usize..3, 0_usize..60), 400..600),
            seed: u64,
        ) {
            let (classes, groups): (Vec<_>, Vec<_>) = images.into_iter().unzip();
            let parts = split_by_group(&classes, &groups, &names(3), seed, Shares::default()).unwrap();
            let mut part_of = BTreeMap::new();
            let mut seen = BTreeSet::new();
            for ((class, group), part) in classes.iter().zip(&groups).zip(&parts) {
                prop_assert_eq!(part_of.entry(group).or_insert(part), &part);
                seen.insert((class, part));
            }
            prop_assert_eq!(seen.len(), 9);
        }
    }

    #[test]
    fn the_seed_decides_and_shares_hold() {
        let groups: Vec<usize> = (0..200).collect();
        let classes: Vec<usize> = groups.iter().map(|group| group % 2).collect();
        let parts = |seed| split_by_group(&classes, &groups, &names(2), seed, Shares::default()).unwrap();
        assert_eq!(parts(1), parts(1));
        assert_ne!(parts(1), parts(2));
        let count = |part| parts(1).iter().filter(|other| **other == part).count();
        assert_eq!((count(Part::Test), count(Part::Validation), count(Part::Training)), (60, 40, 100));
    }

    #[test]
    fn too_few_groups_are_refused_with_the_number_needed() {
        let classes: Vec<usize> = (0..100).map(|index| index / 50).collect();
        let groups: Vec<usize> =
            (0..100).map(|index| if index < 50 { index } else { 50 + index % 4 }).collect();
        let error = split_by_group(&classes, &groups, &names(2), 0, Shares::default()).unwrap_err();
        assert_eq!(error, SplitError::TooFewGroups { class: "class 1".to_owned(), found: 4 });
        assert!(error.to_string().contains("needs at least 10"));
    }
}
