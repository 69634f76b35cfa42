//! LME-Bench: 100 sessions of 10 turns, judged in two passes.
//!
//! Pass 1 gives the success rate SR@k: a session succeeds through turn k if both of its scores are above 6 in every turn up to k. Pass 2 gives
//! the collapse rate CR@k: a turn is destroyed if content loss and surface corruption add up to 2 or more, and a session collapses at the
//! first of two destroyed turns in a row. So CR@k looks one turn ahead, and at the last turn it repeats the one before.
//!
//! The wording of the judge is the authors' and is not part of this crate: [`SessionJudging`] and [`CollapseJudging`] say what to ask
//! next and read the replies.

mod collapse;
mod gate;
mod judged;
mod judging;
mod layout;
mod rates;
mod reply;
mod report;
mod sessions;
#[cfg(test)]
mod tests;

pub use collapse::{CollapseJudging, CollapseScore, collapse_onset};
pub use gate::{GateSummary, gate_summary};
pub use judged::report_on_judged;
pub use judging::{Asked, JudgedTurn, SessionJudging, SessionScores, first_failed_turn, is_ok_through};
pub use layout::{SOURCE, SessionFiles, find_session, turn_name};
pub use rates::{CollapseTable, LmeRates, REPORTED_TURNS, lme_rates, summary_csv};
pub use reply::parse_reply;
pub use report::{LmeReport, report_on_replies};
pub use sessions::{LmeBench, parse_sessions, read_sessions};
