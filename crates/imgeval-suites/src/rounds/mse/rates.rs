//! The official table.

use std::fmt::Write;

use super::judging::MseScores;

/// The values of a turn, each divided by the number of all sessions: a turn that was not reached counts as 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MseTurnRates {
    /// Sessions that reached this turn.
    pub n_reached: usize,
    /// As nothing follows a failure, the share of sessions that succeeded in every turn so far.
    pub success: f64,
    pub prompt_following: f64,
    pub consistency: f64,
    /// Of the square root of the product of both.
    pub overall: f64,
}

/// By turn; the first item is turn 1.
#[derive(Debug, Clone, PartialEq)]
pub struct MseRates {
    pub turns: Vec<MseTurnRates>,
}

/// `None` without sessions, or if the product of two scores is negative, where the official script stops.
#[must_use]
pub fn mse_rates(sessions: &[MseScores], n_turns: usize) -> Option<MseRates> {
    let n = sessions.len() as f64;
    let overall = |axes: crate::rounds::scores::TurnAxes| axes.prompt_following * axes.consistency;
    if sessions.is_empty() || sessions.iter().flatten().any(|turn| overall(turn.axes) < 0.0) {
        return None;
    }
    let turn = |place: usize| {
        let reached: Vec<_> =
            sessions.iter().filter_map(|turns| turns.get(place)).map(|turn| turn.axes).collect();
        let mean = |value: &dyn Fn(&crate::rounds::scores::TurnAxes) -> f64| {
            reached.iter().map(value).sum::<f64>() / n
        };
        MseTurnRates {
            n_reached: reached.len(),
            success: mean(&|axes| f64::from(u8::from(axes.passes()))),
            prompt_following: mean(&|axes| axes.prompt_following),
            consistency: mean(&|axes| axes.consistency),
            overall: mean(&|axes| overall(*axes).sqrt()),
        }
    };
    Some(MseRates { turns: (0..n_turns).map(turn).collect() })
}

impl MseRates {
    /// The file that the official script writes: 4 decimals, lines ended by CR LF.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = "Turn,Success Rate,Prompt Following,Consistency,Overall\r\n".to_owned();
        for (place, turn) in self.turns.iter().enumerate() {
            let MseTurnRates { success, prompt_following, consistency, overall, .. } = turn;
            // Writing to a text does not fail.
            write!(
                text,
                "turn{},{success:.4},{prompt_following:.4},{consistency:.4},{overall:.4}\r\n",
                place + 1
            )
            .ok();
        }
        text
    }

    /// What the official script prints.
    #[must_use]
    pub fn to_lines(&self) -> Vec<String> {
        let reached: Vec<String> = self
            .turns
            .iter()
            .enumerate()
            .map(|(place, turn)| format!("'turn{}': {}", place + 1, turn.n_reached))
            .collect();
        let line = |label: &str, value: &dyn Fn(&MseTurnRates) -> f64| {
            let values = self
                .turns
                .iter()
                .enumerate()
                .map(|(place, turn)| format!("turn{}: {:.4}, ", place + 1, value(turn)));
            format!("{label:<26}{}", values.collect::<String>())
        };
        vec![
            format!("{:<26}{{{}}}", "valid_turns:", reached.join(", ")),
            line("success rate:", &|turn| turn.success),
            line("prompt_following score:", &|turn| turn.prompt_following),
            line("consistency score:", &|turn| turn.consistency),
            line("overall score:", &|turn| turn.overall),
        ]
    }
}
