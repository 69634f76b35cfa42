//! Survival of sessions from a file of times or statuses: `imgeval_metrics::survival` for numbers that were made elsewhere.
//!
//! A [`Question`] is read from JSON ([`parse_question`]), answered ([`answer()`]), and printed as JSON ([`survival_json`]) or tables
//! ([`survival_tables`]). See docs/rounds.md for the file format.

mod answer;
mod input;
mod json;
mod tables;

pub use answer::{Answer, Compared, Group, Paired, StatusGroup, answer};
pub use input::{Question, parse_question, read_question};
pub use json::survival_json;
pub use tables::survival_tables;
