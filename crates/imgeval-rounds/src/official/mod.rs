//! The official numbers of each benchmark from files, as JSON and as tables.
//!
//! What is counted how is in `imgeval_suites::rounds`; here files become documents. Names in JSON are those that the benchmarks' own code
//! uses, as far as it has any. docs/rounds.md describes the forms of the input.

mod edival;
mod lme;
mod magicbrush;
mod mse;

pub use edival::{edival_json, edival_tables};
pub use lme::{lme_json, lme_tables};
pub use magicbrush::{
    Captions, FolderCase, MagicBrushScores, PairPaths, SettingMeans, folder_cases_json, folder_cases_table,
    magicbrush_json, magicbrush_table, parse_folder_cases, read_captions, score_magicbrush,
};
pub use mse::{mse_json, mse_table};

use serde_json::Value;

/// A whole number without a fraction, as Python's judges write theirs.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    match value.fract() == 0.0 && value.abs() < 1e15 {
        true => Value::from(value as i64),
        false => Value::from(value),
    }
}

/// Values by `turn1`, `turn2` and so on.
fn by_turn(values: &[f64]) -> Value {
    let entries =
        (1..).zip(values).map(|(turn, value): (usize, &f64)| (format!("turn{turn}"), Value::from(*value)));
    Value::Object(entries.collect())
}
