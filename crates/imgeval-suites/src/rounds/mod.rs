//! Benchmarks of editing in several rounds: their sessions, the layouts of their files, and their official scoring.
//!
//! Every benchmark is read into [`Session`]s. How each of them scores is in its own module, computed as its published code does;
//! what that code leaves open is marked in docs/rounds.md. Images, detections, consistency values and judges' replies are inputs
//! here: nothing in this module looks at a pixel or asks a model.
//!
//! [`Benchmark`] is the door to all of them: where sessions and images lie, and how outputs are named.
//!
//! - [`magicbrush`]: dev and test folders, outputs, and the pairs of images that are compared.
//! - [`edival`]: EdiVal-Bench's table, object pools, rules of instruction following, and rates.
//! - [`lme`]: LME-Bench's sessions, judge replies, success and collapse rates.
//! - [`mse`]: MSE-Bench's tables, judge replies and rates.
//! - [`imgedit`]: the multi-turn part of ImgEdit, which has no scorer.

mod benchmark;
pub mod edival;
mod error;
pub mod imgedit;
pub mod literal;
pub mod lme;
pub mod magicbrush;
pub mod mse;
pub mod own;
mod replies;
mod scores;
mod session;
#[cfg(test)]
mod tests;

pub use benchmark::{Benchmark, BenchmarkSession, SourceImage};
pub use error::{MAX_TABLE_BYTES, RoundsError};
pub use replies::Replies;
pub use scores::TurnAxes;
pub use session::{Constraint, History, Mask, MaskedPart, Round, Session, Version};
