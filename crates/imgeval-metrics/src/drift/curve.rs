//! Drift over many sessions, and of two models over the same sessions.

use super::slope_of;
use crate::{
    BootstrapSettings, PairedDifference, PairedShift, PairedStratum, paired_difference, paired_shift,
    permutation::sign_flip,
};

/// The mean of one number over the sessions that have it at one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    pub round: u32,
    /// With a 95 % bootstrap interval over sessions, pointwise; `None` below 10 sessions.
    pub mean: PairedDifference,
}

/// Means by round with bands; each session is a list of (round, value), ascending. Rounds that no session has are left out.
#[must_use]
pub fn drift_curve(sessions: &[Vec<(u32, f64)>], settings: BootstrapSettings) -> Vec<CurvePoint> {
    let mut rounds: Vec<u32> = sessions.iter().flatten().map(|(round, _)| *round).collect();
    rounds.sort_unstable();
    rounds.dedup();
    let point = |round: u32| {
        let values = sessions.iter().flat_map(|session| session.iter().filter(|point| point.0 == round));
        let differences = values.map(|(_, value)| *value).collect();
        let stratum = PairedStratum { key: u64::from(round), weight: 1.0, differences };
        Some(CurvePoint { round, mean: paired_difference(&[stratum], settings)? })
    };
    rounds.into_iter().filter_map(point).collect()
}

/// Slopes per round of two models over the same sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct SlopeComparison {
    /// Of both models for each session that counts, per round.
    pub slopes: Vec<[f64; 2]>,
    /// Sessions in which the models share fewer than 2 rounds with values.
    pub n_left_out: usize,
    /// Second minus first, with a 95 % bootstrap interval over sessions.
    pub difference: PairedDifference,
    /// Two-sided p value of exchanging the models within sessions, and whether all exchanges were tried.
    pub permutation_p: Option<f64>,
    pub is_exact: bool,
    /// Student's and Wilcoxon's tests of the same differences; `None` below 2 sessions.
    pub shift: Option<PairedShift>,
}

/// Compares slopes over the rounds that both models have of a session. `None` if no session counts.
#[must_use]
pub fn compare_slopes(
    sessions: &[[Vec<(u32, f64)>; 2]],
    settings: BootstrapSettings,
) -> Option<SlopeComparison> {
    let slopes: Vec<[f64; 2]> = sessions
        .iter()
        .filter_map(|[a, b]| {
            let shared = |one: &[(u32, f64)], other: &[(u32, f64)]| -> Vec<(u32, f64)> {
                one.iter().copied().filter(|point| other.iter().any(|other| other.0 == point.0)).collect()
            };
            Some([slope_of(&shared(a, b))?, slope_of(&shared(b, a))?])
        })
        .collect();
    let differences: Vec<f64> = slopes.iter().map(|[a, b]| b - a).collect();
    let (permutation_p, is_exact) = sign_flip(&differences, 0, settings);
    let shift = paired_shift(&differences);
    let stratum = PairedStratum { key: 0, weight: 1.0, differences };
    Some(SlopeComparison {
        n_left_out: sessions.len() - slopes.len(),
        difference: paired_difference(&[stratum], settings)?,
        permutation_p,
        is_exact,
        shift,
        slopes,
    })
}
