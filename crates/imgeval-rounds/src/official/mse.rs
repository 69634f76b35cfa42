//! MSE-Bench's report.

use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_suites::rounds::mse::{MseReport, MseScores};
use serde_json::{Map, Value, json};

use super::number;

/// Everything, by the names of the official files.
#[must_use]
pub fn mse_json(report: &MseReport) -> Value {
    let results = report.sessions.iter().map(|scores| scores.as_ref().map(session_json));
    let first_failed = report.sessions.iter().map(|scores| {
        let failed = scores.as_ref()?.iter().position(|turn| !turn.axes.passes())?;
        Some(failed + 1)
    });
    let csv = report.rates.as_ref().map(|rates| {
        let text = rates.to_csv();
        let rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        rows.collect::<Vec<_>>()
    });
    json!({
        "n": report.sessions.len(),
        "turns": report.n_turns,
        "calls": report.n_calls,
        "csv": csv,
        "printed": report.rates.as_ref().map(|rates| rates.to_lines()),
        "first_failed_turn": first_failed.collect::<Vec<_>>(),
        "results": results.collect::<Vec<_>>(),
        "given_up": report.given_up.iter().map(|(row, turn)| (row.to_string(), (*turn).into()))
            .collect::<Map<String, Value>>(),
    })
}

fn session_json(scores: &MseScores) -> Value {
    let turns = (1..).zip(scores).map(|(turn, judged): (usize, _)| {
        let value = json!({
            "reason": judged.reason,
            "prompt_following": number(judged.axes.prompt_following),
            "consistency": number(judged.axes.consistency),
            "all": u8::from(judged.axes.passes()),
        });
        (format!("turn{turn}"), value)
    });
    Value::Object(turns.collect())
}

/// The official table.
#[must_use]
pub fn mse_table(report: &MseReport) -> Table {
    let mut table = Table::new([
        Column::number("turn"),
        Column::number("reached"),
        Column::number("success"),
        Column::number("prompt following"),
        Column::number("consistency"),
        Column::number("overall"),
    ])
    .with_title(format!("MSE-Bench: {} sessions", report.sessions.len()));
    for (turn, rates) in (1_usize..).zip(report.rates.iter().flat_map(|rates| &rates.turns)) {
        table.push(Row::new([
            turn.to_string(),
            rates.n_reached.to_string(),
            format!("{:.4}", rates.success),
            format!("{:.4}", rates.prompt_following),
            format!("{:.4}", rates.consistency),
            format!("{:.4}", rates.overall),
        ]));
    }
    match report.rates {
        Some(_) => {
            table.below.push(
                "Everything is divided by all sessions: a turn that was not reached counts as 0.".to_owned(),
            );
        }
        None if report.given_up.is_empty() => {
            table.below.push("no official report: a score is negative".to_owned())
        }
        None => {}
    }
    for (row, turn) in &report.given_up {
        table.below.push(format!("no official report: row {row} has no scores for turn {turn}"));
    }
    table
}
