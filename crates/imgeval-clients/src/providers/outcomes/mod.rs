//! What a reply that brought nothing means: moderated, refused, a wrong request, a failing server, an account without money.
//!
//! [`facts`] gathers what a reply reports about itself, however it is nested or wrapped. [`table`] holds, row by row, what each
//! such fact means and who says so. [`verdict`] looks the facts up and words the result. All providers and judges share it;
//! docs/providers/outcomes.md shows the table, and a test keeps the two the same.

mod facts;
mod table;
mod verdict;

pub(crate) use verdict::{Holds, judge, judge_error, requested_wait, why_ended, why_stopped};
