//! The estimate of Kaplan and Meier.

use super::{Time, table};
use crate::intervals::Z_95;

/// Survival that is above one half by less than this counts as one half.
const SLACK: f64 = 1e-12;

/// What happened at one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// 0 is the start.
    pub round: u32,
    /// Sessions that had neither failed nor been censored before.
    pub at_risk: usize,
    pub events: usize,
    /// Counted after the events of the same round.
    pub censored: usize,
    /// Share of sessions that survive this round, in [0, 1].
    pub survival: f64,
    /// Greenwood's standard error; 0 once survival is 0.
    pub greenwood_se: f64,
    /// Survival plus and minus 1.96 standard errors, clipped to [0, 1].
    pub greenwood_band: (f64, f64),
    /// 95 % band on the scale of log(-log S), which never leaves [0, 1] (Kalbfleisch and Prentice 1980).
    pub log_log_band: (f64, f64),
}

/// Survival over rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    steps: Vec<Step>,
}

/// Mean number of rounds survived, of those up to a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestrictedMean {
    /// The area under the curve, in rounds.
    pub rounds: f64,
    /// Greenwood's standard error of the area.
    pub greenwood_se: f64,
}

impl Curve {
    /// `None` without sessions.
    #[must_use]
    pub fn of(times: &[Time]) -> Option<Self> {
        if times.is_empty() {
            return None;
        }
        let mut rows = table(times);
        if rows.first().is_none_or(|row| row.0 > 0) {
            rows.insert(0, (0, times.len(), 0, 0));
        }
        let (mut survival, mut sum) = (1.0, 0.0);
        let steps = rows.into_iter().map(|(round, at_risk, events, censored)| {
            let (n, d) = (at_risk as f64, events as f64);
            if events > 0 {
                survival *= 1.0 - d / n;
            }
            if at_risk > events {
                sum += d / (n * (n - d));
            }
            let greenwood_se = survival * f64::sqrt(sum);
            let bound = |value: f64| value.clamp(0.0, 1.0);
            Step {
                round,
                at_risk,
                events,
                censored,
                survival,
                greenwood_se,
                greenwood_band: (
                    bound(survival - Z_95 * greenwood_se),
                    bound(survival + Z_95 * greenwood_se),
                ),
                log_log_band: log_log_band(survival, sum),
            }
        });
        Some(Self { steps: steps.collect() })
    }

    /// The start, and every round at which a session ended, in ascending order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What holds at a round: the last step that is not after it.
    #[must_use]
    pub fn at(&self, round: u32) -> &Step {
        let after = self.steps.partition_point(|step| step.round <= round);
        // The first step is at round 0.
        &self.steps[after.saturating_sub(1)]
    }

    /// The last round that any session reached.
    #[must_use]
    pub fn last_round(&self) -> u32 {
        self.steps.last().map_or(0, |step| step.round)
    }

    /// The first round that half of the sessions at most survive; `None` if that is never seen.
    #[must_use]
    pub fn median(&self) -> Option<u32> {
        self.first_below_half(|step| step.survival)
    }

    /// The 95 % interval of the median: the same of the lower and the upper log-log band. `None` is for later than any round seen.
    #[must_use]
    pub fn median_interval(&self) -> (Option<u32>, Option<u32>) {
        (self.first_below_half(|step| step.log_log_band.0), self.first_below_half(|step| step.log_log_band.1))
    }

    fn first_below_half(&self, value: impl Fn(&Step) -> f64) -> Option<u32> {
        self.steps.iter().find(|step| value(step) <= 0.5 + SLACK).map(|step| step.round)
    }

    /// The mean number of rounds survived of the first `limit`.
    ///
    /// Its error is that of the estimate. It is not the spread of the sessions, which some programs print under a similar name. `None` if no session
    /// was seen for so long although some survive: the area is not known then.
    #[must_use]
    pub fn restricted_mean(&self, limit: u32) -> Option<RestrictedMean> {
        let last = self.steps.last()?;
        if limit > last.round && last.survival > 0.0 {
            return None;
        }
        let ends = self.steps.iter().skip(1).map(|step| step.round).chain([u32::MAX]);
        let areas: Vec<f64> = self
            .steps
            .iter()
            .zip(ends)
            .map(|(step, end)| step.survival * f64::from(end.min(limit).saturating_sub(step.round)))
            .collect();
        let mut variance = 0.0;
        let mut area = 0.0;
        for (step, own) in self.steps.iter().zip(&areas).rev() {
            area += own;
            let (n, d) = (step.at_risk as f64, step.events as f64);
            if step.round < limit && step.at_risk > step.events {
                variance += area * area * d / (n * (n - d));
            }
        }
        Some(RestrictedMean { rounds: areas.iter().sum(), greenwood_se: variance.sqrt() })
    }
}

fn log_log_band(survival: f64, sum: f64) -> (f64, f64) {
    if survival >= 1.0 {
        return (1.0, 1.0);
    }
    if survival <= 0.0 {
        return (0.0, 0.0);
    }
    let log = survival.ln();
    let middle = (-log).ln();
    let reach = Z_95 * sum.sqrt() / log;
    let bound = |value: f64| (-value.exp()).exp();
    // `reach` is negative.
    (bound(middle - reach), bound(middle + reach))
}
