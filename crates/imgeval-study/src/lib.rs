//! Studies: one file names models, suites and diagnoses; a plan turns it into steps; a ledger records what each step came to.
//!
//! ```text
//! study.toml --Study::read--> Study --plan--> [Step]     the work, in order
//!                                       |
//!                          Ledger::state_of(step)        new, changed, done, failed
//! ```
//!
//! This crate runs nothing: a program carries steps out, each by the means that it has for such work alone, and records the result
//! with [`Ledger::record`]. A step is up to date while its task, and the files that it reads, are those of the record.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod error;
mod file;
mod ledger;
mod plan;
mod prints;
mod template;
#[cfg(test)]
mod tests;

pub use error::StudyError;
pub use file::{
    ArchitectureSection, ArtefactsSection, DiagnoseSection, ForensicsSection, ModelSection, OptionValue,
    ReportSection, RoundsSection, Study, SuiteSection, WeaknessesSection,
};
pub use ledger::{Ledger, Outcome, Record, StepState};
pub use plan::{Images, NamedPlace, Step, Task, is_pattern, plan, split_place};
pub use template::{PAPER, TEMPLATE};
