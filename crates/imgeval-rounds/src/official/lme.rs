//! LME-Bench's report.

use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_suites::rounds::lme::{
    JudgedTurn, LmeRates, LmeReport, REPORTED_TURNS, collapse_onset, first_failed_turn, summary_csv,
};
use serde_json::{Map, Value, json};

use super::{by_turn, number};

/// Everything, by the names of the official files.
#[must_use]
pub fn lme_json(report: &LmeReport) -> Value {
    let rates = |rates: &LmeRates| json!({"success_rate": by_turn(&rates.success), "collapse_rate": by_turn(&rates.collapse)});
    let sessions = report.sessions.iter();
    let first_failed = sessions.clone().map(|(id, scores)| {
        (id.clone(), first_failed_turn(scores, report.n_turns).map_or(Value::Null, Value::from))
    });
    let onset = report.collapse.iter().map(|(id, turns)| {
        (id.clone(), collapse_onset(turns, report.n_turns).map_or(Value::Null, Value::from))
    });
    let pass1 = sessions.map(|(id, scores)| {
        let turns = scores.iter().map(|(turn, judged)| (format!("turn{turn}"), turn_json(judged)));
        (id.clone(), Value::Object(turns.collect()))
    });
    let pass2 = report.collapse.iter().map(|(id, turns)| {
        let turns = turns.iter().map(|(turn, score)| {
            let score = json!({
                "c": score.content_loss,
                "s": score.surface_corruption,
                "a": score.appearance_violation,
                "reason": score.reason,
            });
            (turn.to_string(), score)
        });
        (id.clone(), Value::Object(turns.collect()))
    });
    let n_sessions = report.sessions.len() + report.given_up.len();
    json!({
        "n_sessions": n_sessions,
        "turns": report.n_turns,
        "calls": report.n_calls,
        "report": report.rates.as_ref().map(rates),
        "report_after_full_run": report.rates_after_full_run.as_ref().map(rates),
        "summary_csv": report.rates.as_ref().map(csv_rows),
        "first_failed_turn": first_failed.collect::<Map<_, _>>(),
        "collapse_onset": onset.collect::<Map<_, _>>(),
        "pass1": pass1.collect::<Map<_, _>>(),
        "pass2": pass2.collect::<Map<_, _>>(),
        "gate": report.gate.as_ref().map(|gate| json!({
            "success_rate": by_turn(&gate.success),
            "degraded_rate": by_turn(&gate.degraded),
            "collapsed_rate": by_turn(&gate.collapsed),
            "quality": by_turn(&gate.quality),
            "quality_auc": gate.mean_quality,
            "quality_last": gate.quality.last(),
        })),
        "given_up": report.given_up,
        "undecided": report.undecided,
    })
}

fn turn_json(judged: &JudgedTurn) -> Value {
    let degraded = u8::from(judged.is_degraded());
    match judged {
        JudgedTurn::Scored { axes, quality, reason } => json!({
            "reason": reason,
            "prompt_following": number(axes.prompt_following),
            "consistency": number(axes.consistency),
            "quality": number(*quality),
            "all": u8::from(judged.is_ok()),
            "degraded": degraded,
        }),
        JudgedTurn::QualityOnly { quality, reason } => {
            json!({"quality": quality, "degraded": degraded, "reason": reason, "quality_only": true})
        }
    }
}

/// The cells of `summary.csv`.
fn csv_rows(rates: &LmeRates) -> Value {
    let cell = |text: &str| text.parse::<f64>().map_or_else(|_| text.into(), number);
    let text = summary_csv(rates);
    text.lines().map(|line| line.split(',').map(cell).collect::<Vec<_>>()).collect()
}

/// SR and CR by turn, and what stands in the way of a report.
#[must_use]
pub fn lme_tables(report: &LmeReport) -> Vec<Table> {
    let mut table = Table::new([
        Column::number("turn"),
        Column::number("SR@k"),
        Column::number("CR@k"),
        Column::number("quality"),
        Column::text("printed officially").normal(),
    ])
    .with_title(format!("LME-Bench: {} sessions", report.sessions.len() + report.given_up.len()));
    if let Some(rates) = &report.rates {
        for (place, (success, collapse)) in rates.success.iter().zip(&rates.collapse).enumerate() {
            let quality = report.gate.as_ref().and_then(|gate| gate.quality.get(place));
            table.push(Row::new([
                (place + 1).to_string(),
                format!("{success:.4}"),
                format!("{collapse:.4}"),
                quality.map_or_else(|| "-".to_owned(), |quality| format!("{quality:.2}")),
                if REPORTED_TURNS.contains(&(place + 1)) { "yes".to_owned() } else { String::new() },
            ]));
        }
        table
            .below
            .push("CR looks one turn ahead: at the last turn it repeats the previous turn.".to_owned());
    }
    if let (Some(own), Some(full)) = (&report.rates, &report.rates_after_full_run)
        && own != full
    {
        let last = full.collapse.last().copied().unwrap_or_default();
        table.below.push(format!(
            "With the collapses of all sessions, as the official script counts them after a complete run, CR ends at {last:.4}."
        ));
    }
    for (id, turn) in &report.given_up {
        table.below.push(format!("no official report: session {id} has no scores for turn {turn}"));
    }
    for (id, turns) in &report.undecided {
        let turns: Vec<String> = turns.iter().map(ToString::to_string).collect();
        table
            .below
            .push(format!("no official report: session {id} has no pass 2 for turns {}", turns.join(", ")));
    }
    vec![table]
}
