//! Judging a session: what to ask next, and what the replies came to.

use super::reply::{MseReply, parse_reply};
use crate::rounds::scores::TurnAxes;

/// How often a turn is asked about before the session, and with it the report, is given up.
const MAX_TRIES: usize = 20;

/// What is known of a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct MseTurn {
    pub axes: TurnAxes,
    pub reason: Option<String>,
}

/// The turns of a session in order, up to the first that failed.
pub type MseScores = Vec<MseTurn>;

/// Judges one session.
#[derive(Debug, Clone)]
pub struct SessionJudging {
    n_turns: usize,
    n_tries: usize,
    turns: MseScores,
}

impl SessionJudging {
    #[must_use]
    pub fn new(n_turns: usize) -> Self {
        Self { n_turns, n_tries: 0, turns: Vec::new() }
    }

    /// The turn to ask about, counted from 1, with all images and instructions up to it; `None` at the end.
    #[must_use]
    pub fn asks(&self) -> Option<usize> {
        let has_failed = self.turns.last().is_some_and(|turn| !turn.axes.passes());
        let is_over = has_failed || self.turns.len() == self.n_turns || self.n_tries == MAX_TRIES;
        (!is_over).then_some(self.turns.len() + 1)
    }

    /// Takes the reply to what was asked; `None` if no reply could be had. A reply that cannot be used counts as a try.
    pub fn answer(&mut self, reply: Option<&str>) {
        if self.asks().is_none() {
            return;
        }
        let judged = reply.and_then(parse_reply).and_then(|reply| match reply {
            MseReply::Object(reply) => {
                let reason = reply.member("reason").and_then(|reason| reason.text()).map(str::to_owned);
                Some(MseTurn { axes: TurnAxes::of(&reply)?, reason })
            }
            MseReply::Other => None,
        });
        match judged {
            Some(turn) => {
                self.turns.push(turn);
                self.n_tries = 0;
            }
            None => self.n_tries += 1,
        }
    }

    /// The result of the session, once nothing more is asked.
    ///
    /// # Errors
    /// The turn without scores: there is no official report then.
    pub fn finish(self) -> Result<MseScores, usize> {
        if self.n_tries == MAX_TRIES { Err(self.turns.len() + 1) } else { Ok(self.turns) }
    }
}
