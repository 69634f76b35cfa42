//! What a run generates.
//!
//! - [`CaseSet`] contains the cases of a suite, or of the user's own file.
//! - [`generation_facts`] and [`unsupported_part`] describe and check the requests before the first call.
//! - [`call_json`] and [`judgment_call_json`] describe the calls that were made.
//! - [`WorkEstimate`] estimates cost and minimum duration.

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
