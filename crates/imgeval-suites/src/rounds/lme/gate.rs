//! The summary by which the authors pick checkpoints while training. It is another measure of collapse than CR: the quality is 6 or less
//! twice in a row.

use std::collections::BTreeMap;

use super::judging::{JudgedTurn, SessionScores, is_ok_through};

/// Rates and means over sessions by turn; the first item is turn 1. A turn without a score counts as not degraded and as quality 0.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSummary {
    pub success: Vec<f64>,
    pub degraded: Vec<f64>,
    pub collapsed: Vec<f64>,
    pub quality: Vec<f64>,
    /// The mean of `quality` over turns.
    pub mean_quality: f64,
}

/// `None` without sessions or turns.
#[must_use]
pub fn gate_summary(sessions: &BTreeMap<String, SessionScores>, n_turns: usize) -> Option<GateSummary> {
    if sessions.is_empty() || n_turns == 0 {
        return None;
    }
    let mean = |value: &dyn Fn(&SessionScores) -> f64| {
        sessions.values().map(value).sum::<f64>() / sessions.len() as f64
    };
    let share = |holds: &dyn Fn(&SessionScores) -> bool| mean(&|scores| f64::from(u8::from(holds(scores))));
    let by_turn = |value: &dyn Fn(usize) -> f64| -> Vec<f64> { (1..=n_turns).map(value).collect() };
    let is_degraded = |scores: &SessionScores, turn| scores.get(&turn).is_some_and(JudgedTurn::is_degraded);
    let onset = |scores: &SessionScores| {
        (1..n_turns).find(|turn| is_degraded(scores, *turn) && is_degraded(scores, turn + 1))
    };
    let quality = by_turn(&|turn| mean(&|scores| scores.get(&turn).map_or(0.0, JudgedTurn::quality)));
    Some(GateSummary {
        success: by_turn(&|turn| share(&|scores| is_ok_through(scores, turn))),
        degraded: by_turn(&|turn| share(&|scores| is_degraded(scores, turn))),
        collapsed: by_turn(&|turn| share(&|scores| onset(scores).is_some_and(|onset| onset <= turn))),
        mean_quality: quality.iter().sum::<f64>() / n_turns as f64,
        quality,
    })
}
