//! What people see of scores: tables, figures and the page. Nothing here computes a score; everything arrives in the
//! [`model`], and the same model always gives the same bytes.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod calls;
pub mod diagnosis;
pub mod figures;
pub mod measured;
pub mod model;
mod number;
pub mod page;
mod plain;
pub mod plans;
pub mod reread;
pub mod rounds;
pub mod schema;
pub mod scores;
pub mod summary;
pub mod tables;
pub mod trust;
pub mod verdicts;
pub mod weaknesses;
