//! What tables and figures look like, and that nothing in them can do harm.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]
#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

#[path = "report/figures.rs"]
mod figures;
#[path = "report/samples.rs"]
mod samples;
#[path = "report/tables.rs"]
mod tables;
