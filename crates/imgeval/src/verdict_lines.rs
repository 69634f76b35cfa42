//! What every image was given, for people and as JSON.

use imgeval_core::visible;
use imgeval_scoring::{Evaluator, SampleResult, SampleState};
use serde_json::{Map, Value, json};

use crate::plain_table::{plain_table, right_aligned};

/// Collects what is shown of each image.
#[derive(Default)]
pub(crate) struct VerdictLines {
    verdicts: Vec<Verdict>,
    judgments: Vec<Judgment>,
}

/// By a detector: right or wrong.
struct Verdict {
    sample: String,
    file: String,
    tag: String,
    prompt: String,
    is_correct: bool,
    reasons: Vec<String>,
}

/// By a judge: what it said in words and numbers.
struct Judgment {
    judge: String,
    title: String,
    sample: String,
    case: String,
    ordinal: u32,
    value: Option<f64>,
    readings: Vec<Value>,
    scores: Vec<String>,
    failure: Option<(&'static str, String)>,
}

impl VerdictLines {
    pub(crate) fn add(&mut self, evaluator: &Evaluator, result: &SampleResult<'_>) {
        let sample = &result.observed.sample;
        if let (SampleState::Detected(verdict), Some(case)) = (&result.state, result.case) {
            let score = verdict.score();
            self.verdicts.push(Verdict {
                sample: sample.id.to_string(),
                file: sample.source.clone(),
                tag: case.tag.clone(),
                prompt: case.prompt().to_owned(),
                is_correct: score.is_correct,
                reasons: score.reasons,
            });
        }
        let Some(judge) = evaluator.judge() else { return };
        let Some(replies) = judge.samples.get(&sample.id) else { return };
        let text = |(name, value): &(&str, f64)| format!("{name} {value}");
        let scores = replies
            .readings()
            .map(|reading| reading.scores.values.iter().map(text).collect::<Vec<_>>().join(", "));
        let reading = |reading: &imgeval_scoring::Reading| {
            let scores: Map<String, Value> = reading
                .scores
                .values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect();
            json!({
                "scores": scores, "value": reading.scores.value, "notes": reading.scores.notes,
                "reply": reading.reply,
            })
        };
        self.judgments.push(Judgment {
            judge: judge.id.clone(),
            title: judge.short_title(),
            sample: sample.id.to_string(),
            case: sample.id.case.as_str().to_owned(),
            ordinal: sample.id.ordinal,
            value: replies.value(),
            readings: replies.readings().map(reading).collect(),
            scores: scores.collect(),
            failure: replies.failure().map(|failure| (failure.kind.code(), failure.detail.clone())),
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.verdicts.len() + self.judgments.len()
    }

    pub(crate) fn render(&self) -> String {
        if self.judgments.is_empty() { self.render_verdicts() } else { self.render_judgments() }
    }

    fn render_verdicts(&self) -> String {
        let mut table = plain_table(&["sample", "tag", "verdict", "prompt", "reason"]);
        for row in &self.verdicts {
            let verdict = if row.is_correct { "correct" } else { "wrong" };
            let reason = row.reasons.join("; ");
            table.add_row([row.sample.as_str(), &row.tag, verdict, &row.prompt, &reason]);
        }
        format!("{}\n", table.trim_fmt())
    }

    fn render_judgments(&self) -> String {
        let mut table = right_aligned(plain_table(&["image", "judge", "value", "scores"]), 2, 1);
        for row in &self.judgments {
            let value = row.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            let scores = match &row.failure {
                Some((kind, detail)) => format!("{kind}: {detail}"),
                None => row.scores.join(" | "),
            };
            table.add_row([row.sample.clone(), visible(&row.title), value, visible(&scores)]);
        }
        format!("{}\n", table.trim_fmt())
    }

    pub(crate) fn to_json(&self) -> Value {
        let verdict = |row: &Verdict| {
            json!({
                "sample": row.sample, "file": row.file, "tag": row.tag, "prompt": row.prompt,
                "correct": row.is_correct, "reasons": row.reasons,
            })
        };
        let judgment = |row: &Judgment| {
            let failure =
                row.failure.as_ref().map(|(kind, detail)| json!({"outcome": kind, "detail": detail}));
            json!({
                "judge": row.judge, "case": row.case, "sample": row.ordinal, "value": row.value,
                "readings": row.readings, "failure": failure,
            })
        };
        self.verdicts.iter().map(verdict).chain(self.judgments.iter().map(judgment)).collect()
    }
}
