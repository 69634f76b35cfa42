//! Stages over fake models and real stores.

#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

#[cfg(test)]
#[path = "runner/fake_generator.rs"]
mod fake_generator;
#[cfg(test)]
#[path = "runner/generate.rs"]
mod generate;
#[cfg(test)]
#[path = "runner/judge.rs"]
mod judge;
#[cfg(test)]
#[path = "runner/observe.rs"]
mod observe;
#[cfg(test)]
#[path = "runner/reread.rs"]
mod reread;
#[cfg(test)]
#[path = "runner/rewrite.rs"]
mod rewrite;
