//! A row of results.

use imgeval_suites::geneval::{ResultRow, Reward};
use pyo3::prelude::*;

/// A dictionary in Python, whose keys are the fields of `imgeval.Result`.
#[derive(IntoPyObject)]
pub(crate) struct Row {
    filename: String,
    tag: String,
    prompt: String,
    correct: Option<bool>,
    reason: String,
    metadata: String,
    details: String,
    score: Option<f64>,
    reward: Option<f64>,
    strict_reward: Option<f64>,
    error: Option<String>,
}

impl Row {
    pub(crate) fn of(row: ResultRow, reward: Option<Reward>) -> Self {
        Self {
            filename: row.filename,
            tag: row.tag,
            prompt: row.prompt,
            correct: Some(row.correct),
            reason: row.reason,
            metadata: row.metadata,
            details: row.details,
            score: reward.map(|reward| reward.score),
            reward: reward.map(|reward| reward.reward),
            strict_reward: reward.map(|reward| reward.strict_reward),
            error: None,
        }
    }

    /// Of an image without a verdict. The row has the form of one, and none of its numbers.
    pub(crate) fn failed(row: ResultRow, error: String) -> Self {
        let row = Self::of(row, None);
        Self { correct: None, reason: String::new(), error: Some(error), ..row }
    }
}
