//! EdiVal-Bench's tables.

use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_suites::rounds::edival::{ModeReport, Reading, SkipReason, Skipped, TurnReport, Unreadable};
use serde_json::{Map, Value, json};

/// The reading of CC whose name is printed with every value.
const PRINTED: Reading = Reading::OfMeans;

/// Everything by mode, and within it by turn.
#[must_use]
pub fn edival_json(reports: &[ModeReport]) -> Value {
    let by_mode = |value: &dyn Fn(&ModeReport) -> Value| -> Map<String, Value> {
        reports.iter().map(|report| (report.mode.folder().to_owned(), value(report))).collect()
    };
    let by_turn = |report: &ModeReport, value: &dyn Fn(usize, &TurnReport) -> Value| -> Value {
        let turns = (1..).zip(&report.turns).map(|(turn, of)| (turn.to_string(), value(turn, of)));
        Value::Object(turns.collect())
    };
    json!({
        "valid_indices": by_mode(&|report| {
            report.plan.sessions.iter().map(|session| session.index).collect::<Vec<_>>().into()
        }),
        "skipped": by_mode(&|report| report.plan.skipped.iter().map(skipped_json).collect::<Vec<_>>().into()),
        "official": by_mode(&|report| official_json(report, &by_turn)),
        "printed_reading": PRINTED.name(),
        "derived": by_mode(&|report| by_turn(report, &|_, of| derived_json(of))),
        "honest": by_mode(&|report| by_turn(report, &|_, of| json!({
            "sessions": of.honest.n_sessions,
            "all_ok": of.honest.n_ok,
            "failed": of.honest.n_failed,
            "unknown": of.honest.n_unknown,
            "rate_missing_as_failed": of.honest.rate_missing_as_failed(),
            "rate_of_known": of.honest.rate_of_known(),
        }))),
    })
}

type ByTurn<'a> = dyn Fn(&ModeReport, &dyn Fn(usize, &TurnReport) -> Value) -> Value + 'a;

fn official_json(report: &ModeReport, by_turn: &ByTurn<'_>) -> Value {
    let rates = &report.rates;
    let image_rate = rates.image_rate.iter().map(|(index, followed)| {
        let followed: Vec<u8> = followed.iter().map(|followed| u8::from(*followed)).collect();
        (index.to_string(), Value::from(followed))
    });
    let lists = |turn: usize, value: &dyn Fn(&str, usize) -> Value| -> Value {
        let lists = rates.task_rate.get(turn.saturating_sub(1)).into_iter().flatten();
        Value::Object(lists.map(|(name, list)| (name.clone(), value(name, list.len()))).collect())
    };
    let n_overall = rates.overall.len();
    let mean = (n_overall > 0).then(|| rates.overall.iter().sum::<f64>() / n_overall as f64);
    json!({
        "image_rate": image_rate.collect::<Map<_, _>>(),
        "task_rate_counts": by_turn(report, &|turn, _| lists(turn, &|_, n| n.into())),
        "task_rate_means": by_turn(report, &|turn, _| lists(turn, &|name, _| rates.task_mean(turn, name).into())),
        "pooled_overall": {"n": n_overall, "mean": mean},
        "tables": by_turn(report, &|_, of| {
            let rows = of.table.values.keys().map(|name| (name.clone(), of.table.printed(name).into()));
            Value::Object(rows.collect())
        }),
    })
}

/// IF, which is there without any measure of consistency.
fn instruction_following(of: &TurnReport) -> Option<f64> {
    of.table.values.get("image_rate").copied().flatten()
}

fn derived_json(of: &TurnReport) -> Value {
    let first = of.derived.iter().flatten().next();
    let mut values = Map::new();
    values.insert("IF".to_owned(), instruction_following(of).into());
    values.insert("n_per_item".to_owned(), first.map(|derived| derived.n_items).into());
    for (reading, derived) in Reading::ALL.iter().zip(&of.derived) {
        values.insert(format!("CC_{}", reading.name()), derived.map(|derived| derived.consistency).into());
        values.insert(format!("O_{}", reading.name()), derived.map(|derived| derived.overall).into());
    }
    Value::Object(values)
}

fn reason(skipped: &Skipped) -> String {
    match &skipped.reason {
        SkipReason::NoImage => "no image exists under the expected name".to_owned(),
        SkipReason::NoRow => "the table has no rows".to_owned(),
        SkipReason::Unreadable(Unreadable::NotALiteral { column }) => {
            format!("`{column}` is not a Python literal")
        }
        SkipReason::Unreadable(Unreadable::TooFewInstructions { n_found }) => {
            format!("the row has {n_found} instructions")
        }
    }
}

fn skipped_json(skipped: &Skipped) -> Value {
    json!({"index": skipped.index, "turn": skipped.turn, "reason": reason(skipped)})
}

/// For each mode the printed tables side by side, then IF, CC and O.
#[must_use]
pub fn edival_tables(reports: &[ModeReport]) -> Vec<Table> {
    let mut tables = Vec::new();
    for report in reports {
        tables.push(printed_table(report));
        tables.push(derived_table(report));
    }
    tables
}

fn printed_table(report: &ModeReport) -> Table {
    let turns = (1..=report.turns.len()).map(|turn| Column::number(format!("turn {turn}")));
    let mut table = Table::new([Column::text("rate x 100")].into_iter().chain(turns)).with_title(format!(
        "EdiVal-Bench, {}: {} sessions",
        report.mode.folder(),
        report.plan.sessions.len()
    ));
    let mut names: Vec<&String> = report.turns.iter().flat_map(|turn| turn.table.values.keys()).collect();
    // Rates over everything first.
    names.sort_by_key(|name| {
        (!matches!(name.as_str(), "image_rate" | "overall_task_rate" | "marginal_mean"), *name)
    });
    names.dedup();
    for name in names {
        let value = |turn: &TurnReport| {
            turn.table.printed(name).map_or_else(|| "nan".to_owned(), |x| format!("{x:.2}"))
        };
        table.push(Row::new([name.clone()].into_iter().chain(report.turns.iter().map(value))));
    }
    let n_skipped = report.plan.skipped.len();
    if n_skipped > 0 {
        let first: Vec<String> = report
            .plan
            .skipped
            .iter()
            .take(3)
            .map(|skipped| format!("turn {} of image {} ({})", skipped.turn, skipped.index, reason(skipped)))
            .collect();
        let more = if n_skipped > first.len() { ", ..." } else { "" };
        table.below.push(format!("skipped turns: {n_skipped}: {}{more}", first.join(", ")));
    }
    table
}

fn derived_table(report: &ModeReport) -> Table {
    let mut table = Table::new([
        Column::number("turn"),
        Column::number("IF"),
        Column::text("reading of CC"),
        Column::number("CC"),
        Column::number("O"),
        Column::number("ok/failed/unknown"),
        Column::number("missing as failed").normal(),
        Column::number("of known").normal(),
    ])
    .with_title(format!("{}: IF, CC and O x 100, and our own count of sessions", report.mode.folder()));
    let shown =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{:.2}", 100.0 * value));
    for (turn, of) in (1_usize..).zip(&report.turns) {
        for (reading, derived) in Reading::ALL.iter().zip(&of.derived) {
            let is_first = *reading == Reading::ALL[0];
            let once = |text: String| if is_first { text } else { String::new() };
            let honest = of.honest;
            table.push(Row::new([
                once(turn.to_string()),
                once(shown(instruction_following(of))),
                reading.name().to_owned(),
                shown(derived.map(|derived| derived.consistency)),
                shown(derived.map(|derived| derived.overall)),
                once(format!("{}/{}/{}", honest.n_ok, honest.n_failed, honest.n_unknown)),
                once(shown(honest.rate_missing_as_failed())),
                once(shown(honest.rate_of_known())),
            ]));
        }
    }
    table.below.push(format!(
        "No published code defines CC and O. According to notes on the paper, CC is `{}`; the leaderboard's score is O at turn 3.",
        PRINTED.name()
    ));
    table
}
