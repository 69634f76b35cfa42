//! From known groups and images to group numbers.

use std::collections::BTreeMap;

use super::perceptual_hash::{MAX_DISTANCE, group_near_duplicates};

/// The group number of each image: by its known group, else with images that look the same.
///
/// `known` and `hashes` are of the same images; numbers count from 0 by first appearance within each kind.
#[must_use]
pub(super) fn number_groups(known: &[Option<&str>], hashes: &[u64]) -> Vec<usize> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for group in known.iter().flatten() {
        let next = numbers.len();
        numbers.entry(group).or_insert(next);
    }
    let unknown: Vec<u64> =
        known.iter().zip(hashes).filter(|(group, _)| group.is_none()).map(|(_, hash)| *hash).collect();
    let mut looks = group_near_duplicates(&unknown, MAX_DISTANCE).into_iter();
    known
        .iter()
        .map(|group| match group {
            Some(group) => numbers[group],
            None => numbers.len() + looks.next().unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_first_and_looks_fill_the_rest() {
        let known = [Some("b"), None, Some("a"), Some("b"), None, None];
        assert_eq!(number_groups(&known, &[0, 0, 0, 0, 1, u64::MAX]), [0, 2, 1, 0, 2, 3]);
    }
}
