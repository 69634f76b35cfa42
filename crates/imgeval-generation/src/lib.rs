//! What a run generates.
//!
//! - [`CaseSet`] are the cases of a suite, or of a file of the user's own.
//! - [`generation_facts`] and [`unsupported_part`] tell what is asked of a generator before the first call.
//! - [`call_json`] and [`judgment_call_json`] are the calls that were made.
//! - [`WorkEstimate`] is what that would cost, and how long it would take at least.

#![forbid(unsafe_code)]

mod calls_json;
mod cases;
mod error;
mod estimate;
mod examples;
mod requests;

pub use calls_json::{call_json, judgment_call_json};
pub use cases::{CaseSet, generation_case};
pub use error::CasesError;
pub use estimate::WorkEstimate;
pub use examples::FailureExamples;
pub use requests::{default_directory, generation_facts, unsupported_part};
