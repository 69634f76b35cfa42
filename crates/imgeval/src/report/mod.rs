//! From run directories to what reports and comparisons show, whatever their suites.

mod assemble;
mod board;
mod compare;
mod detected;
mod judged;
mod opened;
mod unscored;

pub(crate) use assemble::{Assembly, official_and_fresh};
pub(crate) use compare::{Side, check_allowed, compare_sides, compare_with_fresh, differing_facts};
pub(crate) use opened::{OpenedRun, Part, ScoredView};
