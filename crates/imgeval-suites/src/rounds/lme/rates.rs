//! SR@k and CR@k, and the official summary.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    collapse::{CollapseScore, collapse_onset},
    judging::{SessionScores, is_ok_through},
};
use crate::python_json::to_python_json;

/// The turns that the official script prints.
pub const REPORTED_TURNS: [usize; 4] = [3, 5, 8, 10];

/// Pass 2 by session and turn.
pub type CollapseTable = BTreeMap<String, BTreeMap<usize, CollapseScore>>;

/// Both rates by turn; the first item is turn 1.
#[derive(Debug, Clone, PartialEq)]
pub struct LmeRates {
    pub success: Vec<f64>,
    /// Above 1 if the table holds more sessions than are counted.
    pub collapse: Vec<f64>,
}

/// The rates over `n_sessions`. As in the official script, the sessions of `collapse` are not limited to those of `sessions`: after a run over
/// everything, a report on fewer sessions divides all collapses by the smaller number. Pass both with the same sessions for rates that
/// mean what they say.
#[must_use]
pub fn lme_rates(
    sessions: &BTreeMap<String, SessionScores>,
    collapse: &CollapseTable,
    n_turns: usize,
    n_sessions: usize,
) -> LmeRates {
    let onsets: Vec<usize> = collapse.values().filter_map(|turns| collapse_onset(turns, n_turns)).collect();
    let share = |n: usize| n as f64 / n_sessions as f64;
    let success = |turn| share(sessions.values().filter(|scores| is_ok_through(scores, turn)).count());
    let collapsed = |turn| share(onsets.iter().filter(|onset| **onset <= turn).count());
    LmeRates {
        success: (1..=n_turns).map(success).collect(),
        collapse: (1..=n_turns).map(collapsed).collect(),
    }
}

/// `summary.csv` as the official script writes it: both rates rounded to 4 decimals, lines ended by CR LF.
#[must_use]
pub fn summary_csv(rates: &LmeRates) -> String {
    let rounded = |rate: f64| to_python_json(&serde_json::json!((rate * 1e4).round_ties_even() / 1e4));
    let mut text = "turn,SR,CR\r\n".to_owned();
    for (place, (success, collapse)) in rates.success.iter().zip(&rates.collapse).enumerate() {
        // Writing to a text does not fail.
        write!(text, "{},{},{}\r\n", place + 1, rounded(*success), rounded(*collapse)).ok();
    }
    text
}
