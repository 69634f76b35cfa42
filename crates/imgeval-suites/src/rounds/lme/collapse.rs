//! Pass 2: whether an image is destroyed, turn by turn.

use std::collections::BTreeMap;

use super::{judging::reason, reply::parse_reply};

/// How often a turn is asked about before it is missing.
const MAX_TRIES: usize = 3;
/// Content loss and surface corruption together, from which on a turn is destroyed.
const DESTROYED: i64 = 2;

/// What the judge says about one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollapseScore {
    /// 0 to 2.
    pub content_loss: i64,
    /// 0 to 2.
    pub surface_corruption: i64,
    /// 0 or 1. It is recorded and enters no rate.
    pub appearance_violation: i64,
    pub reason: Option<String>,
}

impl CollapseScore {
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.content_loss.saturating_add(self.surface_corruption) >= DESTROYED
    }
}

/// Judges one turn.
#[derive(Debug, Clone, Default)]
pub struct CollapseJudging {
    n_tries: usize,
    score: Option<CollapseScore>,
}

impl CollapseJudging {
    /// Whether to ask (again).
    #[must_use]
    pub fn asks(&self) -> bool {
        self.score.is_none() && self.n_tries < MAX_TRIES
    }

    /// Takes a reply; `None` if none could be had. Texts such as `"1"` count, fractions are cut.
    pub fn answer(&mut self, reply: Option<&str>) {
        if !self.asks() {
            return;
        }
        self.n_tries += 1;
        self.score = reply.and_then(parse_reply).and_then(|reply| {
            let integer = |key| reply.member(key)?.to_integer();
            Some(CollapseScore {
                content_loss: integer("content_loss")?,
                surface_corruption: integer("surface_corruption")?,
                appearance_violation: integer("appearance_violation")?,
                reason: reason(&reply),
            })
        });
    }

    /// The score; `None` if it could not be had, without which there is no official report.
    #[must_use]
    pub fn finish(self) -> Option<CollapseScore> {
        self.score
    }
}

/// The first turn, counted from 1, that is destroyed together with the one behind it; never the last turn.
#[must_use]
pub fn collapse_onset(turns: &BTreeMap<usize, CollapseScore>, n_turns: usize) -> Option<usize> {
    let is_destroyed = |turn: usize| turns.get(&turn).is_some_and(CollapseScore::is_destroyed);
    (1..n_turns).find(|turn| is_destroyed(*turn) && is_destroyed(turn + 1))
}
