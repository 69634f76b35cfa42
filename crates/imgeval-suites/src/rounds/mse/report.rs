//! The whole official report from a file of replies.

use std::collections::BTreeMap;

use super::{MseRates, MseScores, SessionJudging, mse_rates};
use crate::rounds::{RoundsError, replies::Replies};

/// No table has more rows; a larger number is a mistake.
const MAX_ROWS: usize = 1_000_000;

/// What the replies came to.
#[derive(Debug, Clone, PartialEq)]
pub struct MseReport {
    /// By row; `None` where a turn's scores could not be had.
    pub sessions: Vec<Option<MseScores>>,
    pub n_turns: usize,
    /// How often the judge was asked.
    pub n_calls: usize,
    /// Rows that were given up, with the turn whose scores could not be had.
    pub given_up: BTreeMap<usize, usize>,
    /// `None` where anything is missing: there is no official report then.
    pub rates: Option<MseRates>,
}

/// Judges all rows by replies to `<row>/turn<k>`; rows count from 0, turns from 1. There are as many rows as the largest number among the
/// questions says.
///
/// # Errors
/// If a question has another form.
pub fn report_on_replies(replies: &Replies, n_turns: usize) -> Result<MseReport, RoundsError> {
    let mut n_rows = 0;
    for question in replies.questions() {
        let row = question.split_once("/turn").and_then(|(row, turn)| {
            turn.parse::<usize>().ok()?;
            row.parse::<usize>().ok()
        });
        match row {
            Some(row) if row < MAX_ROWS => n_rows = n_rows.max(row + 1),
            _ => {
                let detail = format!(
                    "unknown question `{}`: expected a key such as `0/turn1`",
                    question.escape_debug()
                );
                return Err(RoundsError::malformed(replies.name(), detail));
            }
        }
    }
    let mut asking = replies.asking();
    let (mut sessions, mut given_up) = (Vec::new(), BTreeMap::new());
    for row in 0..n_rows {
        let mut judging = SessionJudging::new(n_turns);
        while let Some(turn) = judging.asks() {
            judging.answer(asking.ask(format!("{row}/turn{turn}")));
        }
        sessions.push(match judging.finish() {
            Ok(scores) => Some(scores),
            Err(turn) => {
                given_up.insert(row, turn);
                None
            }
        });
    }
    let whole: Option<Vec<MseScores>> = sessions.iter().cloned().collect();
    let rates = whole.and_then(|sessions| mse_rates(&sessions, n_turns));
    Ok(MseReport { sessions, n_turns, n_calls: asking.n_calls, given_up, rates })
}
