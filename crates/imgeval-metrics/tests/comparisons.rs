//! Comparisons against reference values of other libraries, and simulations of how often intervals and tests are right.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]
#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

#[path = "comparisons/reference.rs"]
mod reference;
#[path = "comparisons/simulation.rs"]
mod simulation;
