//! Judged suites against their references.

mod replies;
mod scores;
