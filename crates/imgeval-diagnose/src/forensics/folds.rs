//! Folds that never divide a cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::input::Class;
use crate::random::{shuffle, stream};

/// A fold below `n_folds` for each image. Clusters with images of the same classes are shuffled and dealt out in turn, so that each
/// fold has its share of each class.
pub(super) fn folds_by_cluster(
    classes: &[Class],
    clusters: &[usize],
    n_folds: usize,
    seed: u64,
    purpose: &str,
) -> Vec<usize> {
    let mut classes_of: BTreeMap<usize, BTreeSet<Class>> = BTreeMap::new();
    for (class, cluster) in classes.iter().zip(clusters) {
        classes_of.entry(*cluster).or_default().insert(*class);
    }
    let mut alike: BTreeMap<BTreeSet<Class>, Vec<usize>> = BTreeMap::new();
    for (cluster, classes) in classes_of {
        alike.entry(classes).or_default().push(cluster);
    }
    let mut generator = stream(seed, purpose);
    let mut fold_of: BTreeMap<usize, usize> = BTreeMap::new();
    for mut clusters in alike.into_values() {
        shuffle(&mut clusters, &mut generator);
        // Where one kind of clusters ends, the next goes on, so that folds have equal sizes.
        let first = fold_of.len();
        fold_of.extend(
            clusters.into_iter().enumerate().map(|(place, cluster)| (cluster, (first + place) % n_folds)),
        );
    }
    clusters.iter().map(|cluster| fold_of[cluster]).collect()
}

/// How many clusters have an image of the class.
pub(super) fn count_clusters(classes: &[Class], clusters: &[usize], class: Class) -> usize {
    let of_class = classes.iter().zip(clusters).filter(|(other, _)| **other == class);
    of_class.map(|(_, cluster)| cluster).collect::<BTreeSet<_>>().len()
}
