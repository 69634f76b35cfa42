//! Suites against their references.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]
#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

mod gedit;
mod judged;
mod prompts;
mod verdicts;
mod wording;
