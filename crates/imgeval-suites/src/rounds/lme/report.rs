//! The whole official report from a file of replies.

use std::collections::BTreeMap;

use super::{
    Asked, CollapseJudging, CollapseTable, GateSummary, LmeBench, LmeRates, SessionJudging, SessionScores,
    gate_summary, lme_rates,
};
use crate::rounds::replies::Replies;

/// What the replies came to.
#[derive(Debug, Clone, PartialEq)]
pub struct LmeReport {
    /// Pass 1 of each session that was counted.
    pub sessions: BTreeMap<String, SessionScores>,
    /// Pass 2 of the same sessions.
    pub collapse: CollapseTable,
    pub n_turns: usize,
    /// How often the judge was asked; 0 where the input does not record it.
    pub n_calls: usize,
    /// Sessions that pass 1 gave up, with the turn whose scores could not be had.
    pub given_up: BTreeMap<String, usize>,
    /// Turns whose pass 2 could not be had, by session.
    pub undecided: BTreeMap<String, Vec<usize>>,
    /// `None` where anything is missing: there is no official report then.
    pub rates: Option<LmeRates>,
    /// What the official script would report with the collapses of all sessions of the replies; differs from `rates` where the number of
    /// sessions is limited.
    pub rates_after_full_run: Option<LmeRates>,
    pub gate: Option<GateSummary>,
}

/// Judges the first `limit` sessions by replies to `<id>/turn<k>/pass1`, `<id>/turn<k>/quality` and `<id>/turn<k>/pass2`.
#[must_use]
pub fn report_on_replies(bench: &LmeBench, replies: &Replies, limit: Option<usize>) -> LmeReport {
    let n_turns = bench.n_turns;
    let n_counted = limit.unwrap_or(usize::MAX).min(bench.sessions.len());
    let mut asking = replies.asking();
    let (mut sessions, mut collapse, mut all_collapse) =
        (BTreeMap::new(), CollapseTable::new(), CollapseTable::new());
    let (mut given_up, mut undecided, mut n_calls) = (BTreeMap::new(), BTreeMap::new(), 0);
    for (place, session) in bench.sessions.iter().enumerate() {
        let (id, is_counted) = (&session.id, place < n_counted);
        let mut judging = SessionJudging::new(n_turns);
        while let (true, Some(asked)) = (is_counted, judging.asks()) {
            judging.answer(asking.ask(match asked {
                Asked::Scores { turn } => format!("{id}/turn{turn}/pass1"),
                Asked::Quality { turn } => format!("{id}/turn{turn}/quality"),
            }));
        }
        let mut turns = BTreeMap::new();
        for turn in 1..=n_turns {
            let mut judging = CollapseJudging::default();
            while judging.asks() {
                judging.answer(asking.ask(format!("{id}/turn{turn}/pass2")));
            }
            match judging.finish() {
                Some(score) => drop(turns.insert(turn, score)),
                None if is_counted => undecided.entry(id.clone()).or_insert_with(Vec::new).push(turn),
                None => {}
            }
        }
        all_collapse.insert(id.clone(), turns.clone());
        if is_counted {
            collapse.insert(id.clone(), turns);
            match judging.finish() {
                Ok(scores) => drop(sessions.insert(id.clone(), scores)),
                Err(turn) => drop(given_up.insert(id.clone(), turn)),
            }
            n_calls = asking.n_calls;
        }
    }
    let judged = Judged { sessions, collapse, all_collapse, given_up, undecided, n_calls };
    judged.report(n_turns, n_counted)
}

/// Everything that a report rests on.
pub(super) struct Judged {
    pub(super) sessions: BTreeMap<String, SessionScores>,
    pub(super) collapse: CollapseTable,
    /// Of all sessions, those that are not counted among them.
    pub(super) all_collapse: CollapseTable,
    pub(super) given_up: BTreeMap<String, usize>,
    pub(super) undecided: BTreeMap<String, Vec<usize>>,
    pub(super) n_calls: usize,
}

impl Judged {
    pub(super) fn report(self, n_turns: usize, n_counted: usize) -> LmeReport {
        let Self { sessions, collapse, all_collapse, given_up, undecided, n_calls } = self;
        let is_whole = given_up.is_empty() && undecided.is_empty() && n_counted > 0;
        let rates = |collapse| is_whole.then(|| lme_rates(&sessions, collapse, n_turns, n_counted));
        LmeReport {
            rates: rates(&collapse),
            rates_after_full_run: rates(&all_collapse),
            gate: is_whole.then(|| gate_summary(&sessions, n_turns)).flatten(),
            sessions,
            collapse,
            n_turns,
            n_calls,
            given_up,
            undecided,
        }
    }
}
