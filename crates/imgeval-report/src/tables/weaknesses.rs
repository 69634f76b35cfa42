//! Weaknesses, as text and as JSON.

use serde_json::{Value, json};

use crate::{
    number::three_digits as shown,
    tables::terminal::{Column, Row, Table},
    weaknesses::{ControlView, WeaknessLine, WeaknessesView},
};

/// Group, measure, value, interval, control and verdict.
#[must_use]
pub fn weaknesses_table(view: &WeaknessesView) -> Table {
    let mut table = Table::new([
        Column::text("group"),
        Column::text("measure").wrapped(),
        Column::number("value"),
        Column::number("95 % interval").normal(),
        Column::number("control"),
        Column::number("n"),
        Column::text("verdict").wrapped(),
    ])
    .with_title(view.run.clone());
    for line in &view.lines {
        let number = |value: f64| format!("{} {}", shown(value), line.unit).trim_end().to_owned();
        let interval = line
            .interval
            .map_or_else(|| "-".to_owned(), |(low, high)| format!("{} to {}", shown(low), shown(high)));
        table.push(Row::new([
            line.group.clone(),
            line.measure.clone(),
            line.value.map_or_else(|| "-".to_owned(), number),
            interval,
            line.control.as_ref().map_or_else(|| "-".to_owned(), |control| number(control.value)),
            match line.n_missing {
                0 => line.n.to_string(),
                missing => format!("{}/{}", line.n, line.n + missing),
            },
            line.verdict.clone(),
        ]));
    }
    table.below.extend(view.notes.iter().cloned());
    if !view.meters.is_empty() {
        table.below.push(format!("measured by {}", view.meters.join(", ")));
    }
    table
}

#[must_use]
pub fn weaknesses_json(view: &WeaknessesView) -> Value {
    let control = |control: &ControlView| {
        json!({
            "name": control.name,
            "value": control.value,
            "difference": control.difference,
            "difference_interval": control.difference_interval,
            "p": control.p,
        })
    };
    let line = |line: &WeaknessLine| {
        json!({
            "group": line.group,
            "measure": line.measure,
            "unit": line.unit,
            "value": line.value,
            "interval": line.interval,
            "n": line.n,
            "n_missing": line.n_missing,
            "control": line.control.as_ref().map(control),
            "verdict": line.verdict,
        })
    };
    json!({
        "run": view.run,
        "meters": view.meters,
        "reference": (!view.reference.is_empty()).then_some(&view.reference),
        "lines": view.lines.iter().map(line).collect::<Vec<_>>(),
        "notes": view.notes,
    })
}
