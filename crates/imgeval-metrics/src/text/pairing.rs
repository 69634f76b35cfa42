//! Which fragments answer which target line.

use super::alignment::edit_distance;

/// A target and a segment that are less alike than this are no pair; of the longer length.
const NED_LIMIT: f64 = 0.8;

/// A target line is looked for in at most this many neighbors of one row.
const LONGEST_RUN: usize = 8;

/// A run of fragments that answers a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// Places in reading order, both inclusive.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Levenshtein distance.
    pub(super) edits: usize,
    /// The same over the length of the longer, in 0 to 1.
    pub(super) ned: f64,
}

/// The answer of each target. The most alike pair is taken first (then by target, first and last fragment), and every
/// fragment answers once. `fragments` are in reading order, and `row_of` says in which row each lies.
pub(super) fn pair_lines(
    targets: &[Vec<char>],
    fragments: &[Vec<char>],
    row_of: &[usize],
) -> Vec<Option<Pair>> {
    let mut candidates: Vec<(usize, Pair)> = Vec::new();
    for first in 0..fragments.len() {
        let mut segment = Vec::new();
        let run = (first..fragments.len()).take(LONGEST_RUN);
        for last in run.take_while(|place| row_of[*place] == row_of[first]) {
            segment.extend(&fragments[last]);
            for (index, target) in targets.iter().enumerate() {
                let longer = target.len().max(segment.len());
                // The lengths alone may say that they are too different.
                let least = longer - target.len().min(segment.len());
                if longer == 0 || least as f64 / longer as f64 >= NED_LIMIT {
                    continue;
                }
                let edits = edit_distance(target, &segment);
                let ned = edits as f64 / longer as f64;
                if ned < NED_LIMIT {
                    candidates.push((index, Pair { first, last, edits, ned }));
                }
            }
        }
    }
    candidates.sort_by(|(index, pair), (other_index, other)| {
        let places = |index: usize, pair: &Pair| (index, pair.first, pair.last);
        pair.ned.total_cmp(&other.ned).then_with(|| places(*index, pair).cmp(&places(*other_index, other)))
    });
    let mut pairs = vec![None; targets.len()];
    let mut is_taken = vec![false; fragments.len()];
    for (index, pair) in candidates {
        let run = pair.first..=pair.last;
        if pairs[index].is_none() && !is_taken[run.clone()].contains(&true) {
            is_taken[run].fill(true);
            pairs[index] = Some(pair);
        }
    }
    pairs
}
