//! What every image was given, for people and as JSON.

use serde_json::{Map, Value, json};

use crate::{
    tables::terminal::{CellText, Column, Row, Table, Tone},
    verdicts::{JudgmentView, ReadingView, VerdictView, VerdictsView},
};

/// For people.
#[must_use]
pub fn verdicts_table(view: &VerdictsView) -> Table {
    if view.judgments.is_empty() { verdict_table(&view.verdicts) } else { judgment_table(&view.judgments) }
}

fn verdict_table(verdicts: &[VerdictView]) -> Table {
    let mut table = Table::new([
        Column::text("sample"),
        Column::text("tag").normal(),
        Column::text("verdict"),
        Column::text("prompt").wrapped(),
        Column::text("reason").wrapped(),
    ]);
    for row in verdicts {
        let (verdict, tone) = match row.is_correct {
            true => ("correct", Tone::Better),
            false => ("wrong", Tone::Worse),
        };
        let verdict = CellText::from(verdict).with_tone(tone);
        let reason = row.reasons.join("; ");
        let [sample, tag, prompt, reason] = [&row.sample, &row.tag, &row.prompt, &reason].map(CellText::from);
        table.push(Row::new([sample, tag, verdict, prompt, reason]));
    }
    table
}

fn judgment_table(judgments: &[JudgmentView]) -> Table {
    let mut table = Table::new([
        Column::text("image"),
        Column::text("judge").shortened(),
        Column::number("value"),
        Column::text("scores").wrapped(),
    ]);
    for row in judgments {
        let value = row.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        let scores = match &row.failure {
            Some((kind, detail)) => format!("{kind}: {detail}"),
            None => row.scores.join(" | "),
        };
        table.push(Row::new([row.sample.clone(), row.title.clone(), value, scores]));
    }
    table
}

/// As JSON.
#[must_use]
pub fn verdicts_json(view: &VerdictsView) -> Value {
    let verdict = |row: &VerdictView| {
        json!({
            "sample": row.sample, "file": row.file, "tag": row.tag, "prompt": row.prompt,
            "correct": row.is_correct, "reasons": row.reasons,
        })
    };
    let reading = |reading: &ReadingView| {
        let scores: Map<String, Value> =
            reading.scores.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
        json!({
            "scores": scores, "value": reading.value, "notes": reading.notes, "reply": reading.reply,
        })
    };
    let judgment = |row: &JudgmentView| {
        let failure = row.failure.as_ref().map(|(kind, detail)| json!({"outcome": kind, "detail": detail}));
        json!({
            "judge": row.judge, "case": row.case, "sample": row.ordinal, "value": row.value,
            "readings": row.readings.iter().map(reading).collect::<Vec<_>>(), "failure": failure,
        })
    };
    view.verdicts.iter().map(verdict).chain(view.judgments.iter().map(judgment)).collect()
}
