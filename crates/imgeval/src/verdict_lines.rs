//! The verdict on every image, for people and as JSON.

use imgeval_core::Score;
use serde_json::{Value, json};

use crate::{scored_run::VerdictOnSample, table::plain_table};

/// Collects what is shown of each verdict.
#[derive(Default)]
pub(crate) struct VerdictLines {
    rows: Vec<Row>,
}

struct Row {
    sample: String,
    source: String,
    tag: &'static str,
    prompt: String,
    score: Score,
}

impl VerdictLines {
    pub(crate) fn add(&mut self, scored: &VerdictOnSample<'_>) {
        self.rows.push(Row {
            sample: scored.sample.clone(),
            source: scored.source.to_owned(),
            tag: scored.case.expectation.tag.name(),
            prompt: scored.case.prompt.clone(),
            score: scored.verdict.score(),
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn render(&self) -> String {
        let mut table = plain_table(&["sample", "tag", "verdict", "prompt", "reason"]);
        for row in &self.rows {
            let verdict = if row.score.is_correct { "correct" } else { "wrong" };
            let reason = row.score.reasons.join("; ");
            table.add_row([row.sample.as_str(), row.tag, verdict, &row.prompt, &reason]);
        }
        format!("{}\n", table.trim_fmt())
    }

    pub(crate) fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "sample": row.sample,
                "file": row.source,
                "tag": row.tag,
                "prompt": row.prompt,
                "correct": row.score.is_correct,
                "reasons": row.score.reasons,
            })
        };
        self.rows.iter().map(row).collect()
    }
}
