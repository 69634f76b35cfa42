//! GenEval as a reward for training: what clients of reward servers send, and the answers that they understand.
//!
//! Requests come from training code on other machines. Nothing of them is executed, what cannot be read is refused with one sentence, and
//! no answer holds a number that was not measured.
//!
//! - [`wires`] has a file for each framework: how its requests are read, and its answers and errors written.
//! - [`question`] is what all of them ask, and [`Rewarder`] is who answers.
//! - [`server`] takes connections, bounds what they may use, and keeps rewards that are asked for again.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod cache;
pub mod pickle;
pub mod question;
pub mod server;
pub mod wires;

pub use question::{Measured, Picture, Question, Rewarder, What};
