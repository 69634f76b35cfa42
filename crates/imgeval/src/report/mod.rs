//! From run directories to what reports and comparisons show, whatever their suites.

mod assemble;
mod board;
mod compare;
mod detected;
mod examples;
mod figures;
mod judged;
mod opened;
mod plan;
mod unscored;
mod written;

pub(crate) use assemble::{Assembly, official_and_fresh};
pub(crate) use compare::{Side, check_allowed, compare_sides, compare_with_fresh, differing_facts};
pub(crate) use examples::Examples;
pub(crate) use figures::Confidences;
pub(crate) use opened::{OpenedRun, Part, ScoredView};
pub(crate) use plan::Plan;
pub(crate) use written::{
    RunImages, make_names_unique, opaque_pixels, page_figures, write_figures, write_report,
};
