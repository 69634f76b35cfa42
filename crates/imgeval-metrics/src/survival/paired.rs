//! Two models over the same sessions.

use crate::{
    BootstrapSettings, PairedDifference, PairedStratum, holm, paired_difference, permutation::mcnemar_exact,
};

use super::{RoundStatus, first_failure};

/// Success through one number of rounds, of two models over the same sessions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedRound {
    pub round: u32,
    /// Sessions in which both models have at least this many rounds.
    pub sessions: usize,
    /// SR@k of both over these sessions, in [0, 1].
    pub rates: [f64; 2],
    /// Sessions in which only the first model succeeds through this round.
    pub a_only: usize,
    /// Only the second.
    pub b_only: usize,
    /// SR@k of the second minus that of the first, with a bootstrap interval over sessions.
    pub difference: PairedDifference,
    /// McNemar's exact two-sided test; 1 where no session differs.
    pub p_exact: f64,
    /// The same after Holm's correction over all rounds of this comparison.
    pub p_holm: f64,
}

/// Compares SR@k of two models over the same sessions: statuses of the first and of the second model for each session.
///
/// A session counts at k only where both have k rounds; a k that none has is left out.
#[must_use]
pub fn compare_paired(
    sessions: &[[&[RoundStatus]; 2]],
    rounds: &[u32],
    settings: BootstrapSettings,
) -> Vec<PairedRound> {
    let survives =
        |session: &[RoundStatus], round: u32| first_failure(session).is_none_or(|failed| failed > round);
    let compare = |&round: &u32| {
        let reached =
            sessions.iter().filter(|models| models.iter().all(|model| model.len() >= round as usize));
        let outcomes: Vec<[bool; 2]> =
            reached.map(|models| models.map(|model| survives(model, round))).collect();
        let count = |is_counted: fn(&[bool; 2]) -> bool| {
            outcomes.iter().filter(|outcome| is_counted(outcome)).count()
        };
        let (a_only, b_only) = (count(|[a, b]| *a && !b), count(|[a, b]| *b && !a));
        let n = outcomes.len();
        let rates = [count(|[a, _]| *a), count(|[_, b]| *b)].map(|count| count as f64 / n as f64);
        let differences =
            outcomes.iter().map(|[a, b]| f64::from(u8::from(*b)) - f64::from(u8::from(*a))).collect();
        let stratum = PairedStratum { key: u64::from(round), weight: 1.0, differences };
        let difference = paired_difference(&[stratum], settings)?;
        let p_exact = mcnemar_exact(a_only, b_only);
        (round > 0).then_some(PairedRound {
            round,
            sessions: n,
            rates,
            a_only,
            b_only,
            difference,
            p_exact,
            p_holm: p_exact,
        })
    };
    let mut compared: Vec<PairedRound> = rounds.iter().filter_map(compare).collect();
    let corrected = holm(&compared.iter().map(|round| round.p_exact).collect::<Vec<_>>());
    for (round, p_holm) in compared.iter_mut().zip(corrected) {
        round.p_holm = p_holm;
    }
    compared
}
