//! Rounds of edits, as text and as JSON.

use serde_json::{Value, json};

use crate::{
    number::three_digits as shown,
    rounds::{MeanLine, RoundLine, RoundsComparison, RoundsModel, RoundsView, SuccessLine},
    tables::terminal::{Column, Row, Table},
};

/// For each model a table by round, then each comparison.
#[must_use]
pub fn rounds_tables(view: &RoundsView) -> Vec<Table> {
    let mut tables: Vec<Table> = view.models.iter().map(model_table).collect();
    tables.extend(view.comparisons.iter().map(comparison_table));
    if let Some(last) = tables.last_mut() {
        last.below.extend(view.limits.iter().cloned());
        last.below.extend(view.notes.iter().cloned());
    }
    tables
}

/// The whole view.
///
/// # Errors
/// If a number has no form in JSON; none of these is such.
pub fn rounds_json(view: &RoundsView) -> Result<Value, serde_json::Error> {
    Ok(json!({
        "models": serde_json::to_value(&view.models)?,
        "comparisons": serde_json::to_value(&view.comparisons)?,
        "sessions": serde_json::to_value(&view.sessions)?,
        "limits": view.limits,
        "notes": view.notes,
    }))
}

const SHOWN: [(&str, &str); 5] = [
    ("cut off", "cut off %"),
    ("tiles that survive", "tiles left %"),
    ("content outside the edits", "content dE"),
    ("tone outside the edits", "tone dE"),
    ("sharpness", "sharp log2"),
];

/// What networks see has no room in columns.
const BELOW: [&str; 5] = ["CLIP-I", "CLIP-T", "DINO", "structure", "LPIPS"];

/// What a detector adds.
const KEPT: [&str; 5] =
    ["objects kept", "pixels of objects kept", "background kept", "pixels of background kept", "consistency"];

fn model_table(model: &RoundsModel) -> Table {
    let mut columns = vec![Column::number("round"), Column::number("holds"), Column::number("registered")];
    columns.extend(SHOWN.map(|(name, heading)| match name {
        "sharpness" => Column::number(heading).wide_only(),
        "cut off" => Column::number(heading).normal(),
        _ => Column::number(heading),
    }));
    columns.push(Column::text("added by the round").wrapped());
    let sessions = if model.n_sessions == 1 { "session" } else { "sessions" };
    let mut table =
        Table::new(columns).with_title(format!("{}: {} {sessions}", model.name, model.n_sessions));
    for round in &model.rounds {
        let n = round.ok + round.failed + round.refused + round.missing;
        let mut cells =
            vec![round.round.to_string(), format!("{}/{n}", round.ok), format!("{}/{n}", round.registered)];
        cells.extend(SHOWN.map(|(name, _)| {
            let mean = round.means.iter().find(|mean| mean.name == name);
            mean.and_then(|mean| mean.value).map_or_else(|| "-".to_owned(), shown)
        }));
        cells.push(added(&round.parts));
        table.push(Row::new(cells));
    }
    table.below.push(format!("sessions that hold through round {}", rates_of(&model.success)));
    if !model.judged.is_empty() {
        table
            .below
            .push(format!("sessions that succeed by the judge through round {}", rates_of(&model.judged)));
    }
    if !model.noise.is_empty() {
        let told = |of: &MeanLine| Some(format!("{} {} {}", of.name, shown(of.value?), of.unit));
        let noise: Vec<String> = model.noise.iter().filter_map(told).collect();
        table.below.push(format!("two first rounds of one session differ by: {}", noise.join(", ")));
    }
    let below = |names: &'static [&'static str], what: &'static str| {
        model.rounds.iter().filter_map(move |round| line_below(round, names, what))
    };
    table.below.extend(below(&BELOW, "to networks"));
    table.below.extend(below(&KEPT, "compared with the source"));
    table.below.push(match model.median {
        Some(round) => format!("half of the sessions have failed by round {round}"),
        None => "more than half of the sessions hold through all observed rounds".to_owned(),
    });
    table
}

fn line_below(round: &RoundLine, names: &[&str], what: &str) -> Option<String> {
    let seen = names.iter().filter_map(|name| {
        let mean = round.means.iter().find(|mean| mean.name == *name)?;
        Some(format!("{name} {:.3}", mean.value?))
    });
    let seen: Vec<String> = seen.collect();
    (!seen.is_empty()).then(|| format!("round {} {what}: {}", round.round, seen.join(", ")))
}

fn rates_of(success: &[SuccessLine]) -> String {
    let rate = |of: &SuccessLine| {
        let (low, high) = of.interval;
        format!("{}: {:.0} % ({:.0} to {:.0})", of.round, 100.0 * of.rate, 100.0 * low, 100.0 * high)
    };
    success.iter().map(rate).collect::<Vec<_>>().join(", ")
}

/// The parts above their floor.
fn added(parts: &[MeanLine]) -> String {
    let told = |part: &MeanLine| {
        let value = part.value?;
        (value.abs() > part.floor && part.name != "codec")
            .then(|| format!("{} {} {}", part.name, shown(value), part.unit))
    };
    let told: Vec<String> = parts.iter().filter_map(told).collect();
    // The codec is that of a control, and says nothing of these images.
    let mut own = parts.iter().filter(|part| part.name != "codec");
    match told.is_empty() {
        true if own.all(|part| part.value.is_none()) => "not measurable".to_owned(),
        true => "nothing above the floor".to_owned(),
        false => told.join(", "),
    }
}

fn comparison_table(comparison: &RoundsComparison) -> Table {
    let mut table = Table::new([
        Column::text("measure"),
        Column::number("sessions"),
        Column::number("B minus A"),
        Column::number("95 % interval").normal(),
        Column::number("p"),
        Column::number("p (Holm)"),
    ])
    .with_title(format!("A {} against B {}", comparison.a, comparison.b));
    let interval = |interval: Option<(f64, f64)>, scale: f64| {
        interval.map_or_else(
            || "-".to_owned(),
            |(low, high)| format!("{} to {}", shown(scale * low), shown(scale * high)),
        )
    };
    let p = |p: Option<f64>| p.map_or_else(|| "-".to_owned(), |p| format!("{p:.3}"));
    let success = comparison.success.iter().map(|of| ("holds", of));
    for (what, of) in success.chain(comparison.judged.iter().map(|of| ("succeeds (judge)", of))) {
        table.push(Row::new([
            format!("{what} through {}, %", of.round),
            of.sessions.to_string(),
            format!("{:+.0}", 100.0 * of.difference),
            interval(of.interval, 100.0),
            p(Some(of.p)),
            p(Some(of.p_adjusted)),
        ]));
    }
    for of in &comparison.slopes {
        table.push(Row::new([
            format!("{}, {} per round", of.name, of.unit),
            of.sessions.to_string(),
            format!("{:+.2}", of.difference),
            interval(of.interval, 1.0),
            p(of.p),
            p(of.p_adjusted),
        ]));
    }
    table.below.push(comparison.conclusion.clone());
    table
}
