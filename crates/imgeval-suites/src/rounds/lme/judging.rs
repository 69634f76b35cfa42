//! Pass 1 as a state machine: what to ask about a session next, and what the replies came to.

use std::collections::BTreeMap;

use super::reply::parse_reply;
use crate::rounds::{
    literal::Literal,
    scores::{THRESHOLD, TurnAxes},
};

/// How often the scores of a turn are asked for before the session is given up.
const MAX_TRIES: usize = 20;
/// How often the quality alone is asked for before the turn is left out.
const MAX_QUALITY_TRIES: usize = 3;

/// What is asked of the judge. Turns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Prompt following, consistency and quality, with all images and all instructions up to this turn.
    Scores { turn: usize },
    /// The quality alone, with the source, the image before and this turn's.
    Quality { turn: usize },
}

/// What is known of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum JudgedTurn {
    Scored {
        axes: TurnAxes,
        /// 0 to 10 by the protocol.
        quality: f64,
        reason: Option<String>,
    },
    /// A turn behind the first that failed.
    QualityOnly { quality: i64, reason: Option<String> },
}

impl JudgedTurn {
    /// Whether the turn succeeded. Turns behind the first failure never do.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Scored { axes, .. } if axes.passes())
    }

    /// As the judge gave it.
    #[must_use]
    pub fn quality(&self) -> f64 {
        match self {
            Self::Scored { quality, .. } => *quality,
            Self::QualityOnly { quality, .. } => *quality as f64,
        }
    }

    /// Whether the quality is 6 or less.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.quality() <= THRESHOLD
    }
}

/// The turns of a session that were judged, counted from 1. A turn is absent if its quality could not be had.
pub type SessionScores = BTreeMap<usize, JudgedTurn>;

/// Whether all turns up to this one succeeded.
#[must_use]
pub fn is_ok_through(scores: &SessionScores, turn: usize) -> bool {
    (1..=turn).all(|turn| scores.get(&turn).is_some_and(JudgedTurn::is_ok))
}

/// The first turn that did not succeed; `None` if all of them did.
#[must_use]
pub fn first_failed_turn(scores: &SessionScores, n_turns: usize) -> Option<usize> {
    (1..=n_turns).find(|turn| !is_ok_through(scores, *turn))
}

/// Judges one session.
#[derive(Debug, Clone)]
pub struct SessionJudging {
    n_turns: usize,
    turn: usize,
    n_tries: usize,
    has_failed: bool,
    is_given_up: bool,
    scores: SessionScores,
}

impl SessionJudging {
    #[must_use]
    pub fn new(n_turns: usize) -> Self {
        Self {
            n_turns,
            turn: 1,
            n_tries: 0,
            has_failed: false,
            is_given_up: false,
            scores: SessionScores::new(),
        }
    }

    /// What to ask next; `None` at the end.
    #[must_use]
    pub fn asks(&self) -> Option<Asked> {
        let turn = self.turn;
        match self.is_given_up || turn > self.n_turns {
            true => None,
            false if self.has_failed => Some(Asked::Quality { turn }),
            false => Some(Asked::Scores { turn }),
        }
    }

    /// Takes the reply to what was asked; `None` if no reply could be had. A reply that cannot be used counts as a try.
    pub fn answer(&mut self, reply: Option<&str>) {
        let Some(asked) = self.asks() else { return };
        let object = reply.and_then(parse_reply);
        let (judged, max_tries) = match asked {
            Asked::Scores { .. } => (object.as_ref().and_then(scored), MAX_TRIES),
            Asked::Quality { .. } => (object.as_ref().and_then(quality_only), MAX_QUALITY_TRIES),
        };
        self.n_tries += 1;
        match judged {
            Some(judged) => {
                self.has_failed |= !judged.is_ok();
                self.scores.insert(self.turn, judged);
            }
            None if self.n_tries < max_tries => return,
            None => self.is_given_up = !self.has_failed,
        }
        if !self.is_given_up {
            self.turn += 1;
            self.n_tries = 0;
        }
    }

    /// The result of the session, once nothing more is asked.
    ///
    /// # Errors
    /// The turn without scores: the official script then has no scores for the whole session, and no report.
    pub fn finish(self) -> Result<SessionScores, usize> {
        if self.is_given_up { Err(self.turn) } else { Ok(self.scores) }
    }
}

fn scored(reply: &Literal) -> Option<JudgedTurn> {
    let quality = reply.member("quality")?.number()?;
    Some(JudgedTurn::Scored { axes: TurnAxes::of(reply)?, quality, reason: reason(reply) })
}

fn quality_only(reply: &Literal) -> Option<JudgedTurn> {
    let quality = reply.member("quality")?.to_integer()?;
    Some(JudgedTurn::QualityOnly { quality, reason: reason(reply) })
}

pub(super) fn reason(reply: &Literal) -> Option<String> {
    reply.member("reason")?.text().map(str::to_owned)
}
