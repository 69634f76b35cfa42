//! "What does this run say?": opens a run directory, takes its cases and evidence to scores, and tells what they are worth.
//!
//! ```text
//! run directory --Run::open--> suite, cases, evaluators
//!                                |  for_each_sample: evidence or replies -> score of each image
//!                                v
//!                 Run::score --> SummaryBuilder, Coverage --summarize--> Summary: lines with intervals and bounds
//!                                |
//!        OpenedRun, Assembly, Side, plan, Trust: reports, comparisons, plans, judges against each other
//! ```
//!
//! Knows no command line and prints nothing; whoever shows an error says what can be done about it.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod assemble;
mod board;
mod cases;
mod checked;
mod combined;
mod compare;
mod coverage;
mod error;
mod evidence;
mod examples;
mod facts;
mod judge;
mod listing;
mod measured;
mod meters;
mod plan;
mod run;
mod sheet;
mod spend;
mod trust;
mod trust_view;
mod verdicts;
mod view;
mod weaknesses;

pub use assemble::{Assembly, official_and_fresh};
pub use cases::{listed_case, read_cases, suite_of};
pub use checked::CheckedImage;
pub use compare::{Side, check_allowed, compare_sides, compare_with_fresh, differing_facts};
pub use coverage::{Coverage, NOT_OBSERVED, Tally};
pub use error::{EvaluatorKind, ScoringError};
pub use evidence::objects_of;
pub use examples::Examples;
pub use facts::{comparability_note, model_line, with_verdict_facts};
pub use judge::{HUMAN, ImageReplies, JudgeReplies, Reading, is_pinned};
pub use listing::{ListedRun, ListedScore, find_runs, is_run, list_run, list_runs};
pub use meters::{MEASURES, Measured, MeasuredImage, READER};
pub use plan::plan;
pub use run::{Evaluator, Run, SampleResult, SampleState, Scored};
pub use sheet::{plain_view, published_view};
pub use spend::{short_cost, spend_line, spend_view};
pub use trust::{Anchored, Dispute, Pair, Trust};
pub use verdicts::{add_verdict, official_row};
pub use view::{OpenedRun, Part, ScoredView, shown_case};
pub use weaknesses::ColorReference;
