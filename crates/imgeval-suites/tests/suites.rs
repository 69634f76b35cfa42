//! Suites against their references.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]

mod judged;
mod prompts;
mod verdicts;
