//! Two strings, character by character.

/// The Levenshtein distance: the least number of characters to replace, remove or insert.
#[must_use]
pub fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, character) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(character != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// For every character of `target` the place of the equal character of `read` that the cheapest alignment puts it on.
///
/// Of several cheapest ones the one that is found backward from the ends by going along the diagonal where that is possible,
/// else past a character of `target`, else past one of `read`.
pub(super) fn matched_places(target: &[char], read: &[char]) -> Vec<Option<usize>> {
    let width = read.len() + 1;
    let mut costs = vec![0_usize; (target.len() + 1) * width];
    for (j, cost) in costs[..width].iter_mut().enumerate() {
        *cost = j;
    }
    for (i, character) in (1..).zip(target) {
        costs[i * width] = i;
        for j in 1..width {
            let replaced = costs[(i - 1) * width + j - 1] + usize::from(*character != read[j - 1]);
            let shifted = costs[(i - 1) * width + j].min(costs[i * width + j - 1]) + 1;
            costs[i * width + j] = replaced.min(shifted);
        }
    }
    let mut places = vec![None; target.len()];
    let (mut i, mut j) = (target.len(), read.len());
    while i > 0 && j > 0 {
        let is_equal = target[i - 1] == read[j - 1];
        let cost = costs[i * width + j];
        if cost == costs[(i - 1) * width + j - 1] + usize::from(!is_equal) {
            (i, j) = (i - 1, j - 1);
            places[i] = is_equal.then_some(j);
        } else if cost == costs[(i - 1) * width + j] + 1 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    places
}
