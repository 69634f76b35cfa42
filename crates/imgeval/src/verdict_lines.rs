//! What every image was given, for people and as JSON.

use imgeval_report::tables::terminal::{CellText, Column, Row, Table, Tone};
use imgeval_scoring::{Evaluator, NOT_OBSERVED, Reading, SampleResult, SampleState};
use serde_json::{Map, Value, json};

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
        if matches!(evaluator, Evaluator::Checks { .. }) {
            return self.add_checked(evaluator, result);
        }
        let Some(judge) = evaluator.judge() else { return };
        let Some(replies) = judge.samples.get(&sample.id) else { return };
        let text = |(name, value): &(&str, f64)| format!("{name} {value}");
        let scores = replies
            .readings()
            .map(|reading| reading.scores.values.iter().map(text).collect::<Vec<_>>().join(", "));
        self.judgments.push(Judgment {
            judge: judge.id.clone(),
            title: judge.short_title(),
            sample: sample.id.to_string(),
            case: sample.id.case.as_str().to_owned(),
            ordinal: sample.id.ordinal,
            value: replies.value(),
            readings: replies.readings().map(reading_json).collect(),
            scores: scores.collect(),
            failure: replies.failure().map(|failure| (failure.kind.code(), failure.detail.clone())),
        });
    }

    /// By the checks of its case: each with its value, beside what the judge said.
    fn add_checked(&mut self, evaluator: &Evaluator, result: &SampleResult<'_>) {
        let sample = &result.observed.sample;
        let (scores, failure) = match &result.state {
            SampleState::Checked(checked) => (vec![checked.reasons().replace('\n', ", ")], None),
            SampleState::Failed(failure) => (Vec::new(), Some((failure.kind.code(), failure.detail.clone()))),
            SampleState::Incomplete(reason) => (Vec::new(), Some((NOT_OBSERVED, reason.clone()))),
            _ => return,
        };
        let replies = evaluator.judge().and_then(|judge| judge.samples.get(&sample.id));
        self.judgments.push(Judgment {
            judge: evaluator.id(),
            title: evaluator.title(),
            sample: sample.id.to_string(),
            case: sample.id.case.as_str().to_owned(),
            ordinal: sample.id.ordinal,
            value: result.state.value(),
            readings: replies.into_iter().flat_map(|of| of.readings()).map(reading_json).collect(),
            scores,
            failure,
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.verdicts.len() + self.judgments.len()
    }

    pub(crate) fn to_table(&self) -> Table {
        if self.judgments.is_empty() { self.verdict_table() } else { self.judgment_table() }
    }

    fn verdict_table(&self) -> Table {
        let mut table = Table::new([
            Column::text("sample"),
            Column::text("tag").normal(),
            Column::text("verdict"),
            Column::text("prompt").wrapped(),
            Column::text("reason").wrapped(),
        ]);
        for row in &self.verdicts {
            let (verdict, tone) = match row.is_correct {
                true => ("correct", Tone::Better),
                false => ("wrong", Tone::Worse),
            };
            let verdict = CellText::from(verdict).with_tone(tone);
            let reason = row.reasons.join("; ");
            let [sample, tag, prompt, reason] =
                [&row.sample, &row.tag, &row.prompt, &reason].map(CellText::from);
            table.push(Row::new([sample, tag, verdict, prompt, reason]));
        }
        table
    }

    fn judgment_table(&self) -> Table {
        let mut table = Table::new([
            Column::text("image"),
            Column::text("judge").shortened(),
            Column::number("value"),
            Column::text("scores").wrapped(),
        ]);
        for row in &self.judgments {
            let value = row.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            let scores = match &row.failure {
                Some((kind, detail)) => format!("{kind}: {detail}"),
                None => row.scores.join(" | "),
            };
            table.push(Row::new([row.sample.clone(), row.title.clone(), value, scores]));
        }
        table
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

fn reading_json(reading: &Reading) -> Value {
    let Reading { scores, reply } = reading;
    let values: Map<String, Value> =
        scores.values.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    json!({"scores": values, "value": scores.value, "notes": scores.notes, "reply": reply})
}
