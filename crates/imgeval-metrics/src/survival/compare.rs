//! Tests of whether groups of sessions survive alike.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{Time, table};

/// How much each round counts in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// All alike: the log-rank test (Mantel 1966).
    Equal,
    /// By the number of sessions at risk, so that early rounds count more (Gehan 1965).
    AtRisk,
}

/// Whether groups survive alike.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    pub chi_square: f64,
    pub degrees_of_freedom: usize,
    /// Two-sided.
    pub p_value: f64,
    /// For each group: weighted events, those expected if all groups were alike, and the variance of the difference.
    pub groups: Vec<GroupEvents>,
}

/// Weighted events of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupEvents {
    pub observed: f64,
    pub expected: f64,
    pub variance: f64,
}

/// Why groups cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTestable {
    #[error("not testable: no session failed")]
    NoEvents,
    #[error("not testable: a comparison needs at least 2 groups of at least 1 session each")]
    TooFewGroups,
    #[error("not testable: whenever a session failed, only sessions of one group were left")]
    NeverTogether,
}

/// Tests whether groups of independent sessions survive alike, with the hypergeometric variance.
///
/// Two models on the **same** sessions are not independent: use [`compare_paired`](super::compare_paired) and say so.
///
/// # Errors
/// If there are fewer than 2 groups, no session failed, or groups were never at risk together.
pub fn log_rank(groups: &[&[Time]], weights: Weights) -> Result<LogRank, NotTestable> {
    let k = groups.len();
    if k < 2 || groups.iter().any(|group| group.is_empty()) {
        return Err(NotTestable::TooFewGroups);
    }
    let all: Vec<Time> = groups.concat();
    let rows = table(&all);
    if rows.iter().all(|row| row.2 == 0) {
        return Err(NotTestable::NoEvents);
    }
    let mut events = vec![GroupEvents { observed: 0.0, expected: 0.0, variance: 0.0 }; k];
    let mut covariance = vec![vec![0.0; k]; k];
    for (round, at_risk, n_events, _) in rows.into_iter().filter(|row| row.2 > 0) {
        let (n, d) = (at_risk as f64, n_events as f64);
        let weight = match weights {
            Weights::Equal => 1.0,
            Weights::AtRisk => n,
        };
        let count = |group: &[Time], is_counted: &dyn Fn(&Time) -> bool| {
            group.iter().filter(|time| is_counted(time)).count() as f64
        };
        let left: Vec<f64> = groups.iter().map(|group| count(group, &|time| time.round >= round)).collect();
        let spread = if at_risk > 1 { d * (n - d) / (n - 1.0) } else { 0.0 };
        for (place, group) in groups.iter().enumerate() {
            events[place].observed += weight * count(group, &|time| time.is_event && time.round == round);
            events[place].expected += weight * d * left[place] / n;
            for (other, cell) in covariance[place].iter_mut().enumerate() {
                let own = if place == other { 1.0 } else { 0.0 };
                *cell += weight * weight * spread * (left[place] / n) * (own - left[other] / n);
            }
        }
    }
    for (place, group) in events.iter_mut().enumerate() {
        group.variance = covariance[place][place];
    }
    let differences: Vec<f64> = events.iter().map(|group| group.observed - group.expected).collect();
    // The differences sum to 0, so that the last one says nothing new.
    let chi_square = quadratic_form(&covariance, &differences, k - 1).ok_or(NotTestable::NeverTogether)?;
    let p_value = ChiSquared::new((k - 1) as f64).map_or(1.0, |chi| chi.sf(chi_square));
    Ok(LogRank { chi_square, degrees_of_freedom: k - 1, p_value, groups: events })
}

/// x' C^-1 x of the first `n` rows and columns of a positive matrix, by Cholesky's factors; `None` if it is singular.
fn quadratic_form(matrix: &[Vec<f64>], vector: &[f64], n: usize) -> Option<f64> {
    let mut lower = vec![vec![0.0; n]; n];
    let mut solved: Vec<f64> = Vec::with_capacity(n);
    for row in 0..n {
        for column in 0..=row {
            let products: f64 = (0..column).map(|place| lower[row][place] * lower[column][place]).sum();
            let rest = matrix[row][column] - products;
            lower[row][column] = if row != column {
                rest / lower[column][column]
            } else if rest > 1e-12 * matrix[row][row] {
                rest.sqrt()
            } else {
                return None;
            };
        }
        let products: f64 = lower[row].iter().zip(&solved).map(|(factor, value)| factor * value).sum();
        solved.push((vector[row] - products) / lower[row][row]);
    }
    Some(solved.iter().map(|value| value * value).sum())
}
