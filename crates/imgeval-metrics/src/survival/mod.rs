//! How many rounds sessions survive.
//!
//! A session has a [`Time`]: the round of its first failure (an event), or the last round that was scored (censored). Times are whole
//! rounds; 0 means that a session was censored before its first round.
//!
//! - [`Curve`] is the estimate of Kaplan and Meier 1958 with Greenwood's and the log-log band, its median and the restricted mean.
//! - [`log_rank`] compares groups of **independent** sessions, with equal weights or Gehan's. [`compare_paired`] compares two models over
//!   the same sessions by McNemar's exact test with Holm's correction.
//! - [`RoundStatus`] says how each round of a session ended; [`time_of`] makes a time of them, [`success_by_round`] the success
//!   rates SR@k and [`collapse_by_round`] their opposite.
//!
//! Definitions and sources are in docs/methods.md, rounds. Reference: lifelines 0.30.3.

mod compare;
mod curve;
mod paired;
mod status;
#[cfg(test)]
mod tests;

pub use crate::permutation::mcnemar_exact;
pub use compare::{GroupEvents, LogRank, NotTestable, Weights, log_rank};
pub use curve::{Curve, RestrictedMean, Step};
pub use paired::{PairedRound, compare_paired};
pub use status::{
    REPORTED_ROUNDS, Refusals, RoundRate, RoundStatus, collapse_by_round, first_failure, success_by_round,
    time_of,
};

/// When a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// The round of the first failure, from 1, or the last round that was scored, from 0.
    pub round: u32,
    /// Whether the session failed then; otherwise it was censored.
    pub is_event: bool,
}

impl Time {
    /// A first failure in this round.
    #[must_use]
    pub fn event(round: u32) -> Self {
        Self { round, is_event: true }
    }

    /// No failure up to this round, and nothing known after it.
    #[must_use]
    pub fn censored(round: u32) -> Self {
        Self { round, is_event: false }
    }
}

/// Sessions at risk at each round at which some session ended, in ascending order: (round, at risk, events, censored).
fn table(times: &[Time]) -> Vec<(u32, usize, usize, usize)> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut at_risk = sorted.len();
    let mut rows = Vec::new();
    for group in sorted.chunk_by(|one, other| one.round == other.round) {
        let events = group.iter().filter(|time| time.is_event).count();
        rows.push((group[0].round, at_risk, events, group.len() - events));
        at_risk -= group.len();
    }
    rows
}
