//! From how rounds ended to times and rates of success.

use super::Time;
use crate::wilson_interval;

/// The numbers of rounds that are reported where sessions have them.
pub const REPORTED_ROUNDS: [u32; 6] = [1, 2, 3, 5, 8, 10];

/// How one round of a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundStatus {
    /// The round did what its threshold asks for.
    Ok,
    /// There is an image, and it does not.
    Failed,
    /// The provider declined.
    Refused,
    /// There is no image, or none that can be read.
    Missing,
}

impl RoundStatus {
    /// `ok`, `failed`, `refused` or `missing`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Missing => "missing",
        }
    }

    fn is_absent(self) -> bool {
        matches!(self, Self::Refused | Self::Missing)
    }
}

/// What becomes of rounds without an image; both are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusals {
    /// They are failures.
    Failed,
    /// Nothing is known from there on: the session is censored at the round before.
    Censored,
}

/// The first round, from 1, that is not ok.
#[must_use]
pub fn first_failure(session: &[RoundStatus]) -> Option<u32> {
    (1..).zip(session).find(|(_, status)| **status != RoundStatus::Ok).map(|(round, _)| round)
}

/// The time of a session from the statuses of its rounds; one without rounds was never started and is censored at 0.
#[must_use]
pub fn time_of(session: &[RoundStatus], refusals: Refusals) -> Time {
    let Some(round) = first_failure(session) else { return Time::censored(session.len() as u32) };
    let is_absent = session[round as usize - 1].is_absent();
    match refusals {
        Refusals::Censored if is_absent => Time::censored(round - 1),
        Refusals::Failed | Refusals::Censored => Time::event(round),
    }
}

/// A rate at one number of rounds, with Wilson's 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoundRate {
    pub round: u32,
    /// Sessions with at least this many rounds.
    pub sessions: usize,
    /// Those of them that count.
    pub count: usize,
    /// `count` over `sessions`, in [0, 1].
    pub rate: f64,
    pub interval: (f64, f64),
}

/// SR@k: of the sessions with at least k rounds, the share in which rounds 1 to k are all ok. Rounds without an image are not ok.
///
/// A k that no session reaches is left out.
#[must_use]
pub fn success_by_round(sessions: &[&[RoundStatus]], rounds: &[u32]) -> Vec<RoundRate> {
    rates(sessions, rounds, |session| session.iter().all(|status| *status == RoundStatus::Ok))
}

/// CR@k: of the sessions with at least k rounds, the share in which some round of 1 to k is not ok: 1 - SR@k.
#[must_use]
pub fn collapse_by_round(sessions: &[&[RoundStatus]], rounds: &[u32]) -> Vec<RoundRate> {
    rates(sessions, rounds, |session| session.iter().any(|status| *status != RoundStatus::Ok))
}

fn rates(
    sessions: &[&[RoundStatus]],
    rounds: &[u32],
    counts: impl Fn(&[RoundStatus]) -> bool,
) -> Vec<RoundRate> {
    let rate = |round: &u32| {
        let reached: Vec<_> = sessions.iter().filter_map(|session| session.get(..*round as usize)).collect();
        let (n, count) = (reached.len(), reached.iter().filter(|session| counts(session)).count());
        let rate = count as f64 / n as f64;
        (n > 0 && *round > 0).then(|| RoundRate {
            round: *round,
            sessions: n,
            count,
            rate,
            interval: wilson_interval(rate, n),
        })
    };
    rounds.iter().filter_map(rate).collect()
}
