//! Many comparisons at once: corrected p values, and ranks that admit ties.

/// Holm's step-down correction: in the order of the input, each p value as it counts when all are looked at.
///
/// Whoever rejects what is below 5 % is wrong anywhere with a probability of at most 5 %, whatever the dependence between
/// the tests. Source: Holm 1979.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (place, &index) in order.iter().enumerate() {
        let n_left = (p_values.len() - place) as f64;
        largest = largest.max((p_values[index] * n_left).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// The ranks that a row may have, counted from 1; equal where its rank is clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankRange {
    pub best: usize,
    pub worst: usize,
}

/// Ranks by value, larger is better; rows whose difference is not clear share ranks.
///
/// A row's best rank is one more than the number of rows that are clearly better, its worst one is the number of rows less
/// those that are clearly worse. `is_clear` gets two places in `values` in either order.
#[must_use]
pub fn rank_with_ties(values: &[f64], is_clear: impl Fn(usize, usize) -> bool) -> Vec<RankRange> {
    let range = |row: usize| {
        let count = |is_beyond: &dyn Fn(f64) -> bool| {
            let others =
                values.iter().enumerate().filter(|&(other, value)| other != row && is_beyond(*value));
            others.filter(|&(other, _)| is_clear(row, other)).count()
        };
        let n_better = count(&|value| value > values[row]);
        let n_worse = count(&|value| value < values[row]);
        RankRange { best: 1 + n_better, worst: values.len() - n_worse }
    };
    (0..values.len()).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_cannot_be_told_apart_share_ranks() {
        // The first and the last differ clearly, the one between from neither.
        let ranks = rank_with_ties(&[0.9, 0.8, 0.7], |a, b| a.abs_diff(b) == 2);
        let ranges: Vec<_> = ranks.iter().map(|range| (range.best, range.worst)).collect();
        assert_eq!(ranges, [(1, 2), (1, 3), (2, 3)]);
        assert_eq!(rank_with_ties(&[], |_, _| true), []);
    }

    #[test]
    fn corrected_p_values_keep_the_order_of_the_input() {
        assert_eq!(holm(&[0.5, 0.01, 0.04]), [0.5, 0.03, 0.08]);
        assert_eq!(holm(&[]), [] as [f64; 0]);
    }
}
