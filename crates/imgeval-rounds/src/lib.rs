//! How images and instructions survive rounds of edits, without a judge.
//!
//! ```text
//! folder with session.json, run directory --gather--> Vec<Session>: instructions, source and rounds of one model
//!                                            |  measure_sessions: each pair of images once, by the Instruments: Networks and an
//!                                            |  ObjectFinder; each round kept in a MeasureStore
//!                                            v
//!                         Vec<MeasuredSession> --summarize--> RoundsView: success by round, curves, drift, comparisons
//!                                            |  draw: images of each round, in the frame of the one before, what changed
//!                                            v
//!                                figures and page
//! ```
//!
//! Numbers are those of `imgeval_metrics::drift` (docs/methods.md, rounds). Knows no command line and prints nothing.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod cases;
mod control;
mod draw;
mod error;
mod export;
mod figures;
mod folder;
#[cfg(test)]
mod layout_tests;
mod listing;
mod measure;
mod measured;
mod networks;
mod numbers;
mod objects;
pub mod official;
mod outputs;
mod places;
mod record;
mod runs;
mod session;
mod store;
mod summary;
pub mod survival;
#[cfg(test)]
mod tests;

pub use cases::{WrittenCases, write_cases};
pub use control::{CODEC_CONTROL, codec_sessions};
pub use draw::{Drawn, DrawnRound, draw_session};
pub use error::RoundsError;
pub use export::{Exported, LeftOut, export_sessions};
pub use figures::{rounds_figures, strips};
pub use listing::{sessions_json, sessions_table};
pub use measure::{Instruments, measure_sessions};
pub use measured::{MeasuredObject, MeasuredRound, MeasuredSession};
pub use networks::{NETWORKS_SET, NetworkWeights, Networks};
pub use objects::ObjectFinder;
pub use outputs::gather_outputs;
pub use places::{gather, gather_edits};
pub use runs::sessions_of as sessions_of_run;
pub use session::{Delivered, ImagePlace, Session};
pub use store::{MEASURES, MeasureStore};
pub use summary::summarize;
