//! Pixel metrics of a run, as text and as JSON.

use imgeval_core::{Fact, facts_of};
use serde_json::{Map, Value, json};

use crate::{
    measured::{MeasuredView, MetricLineView, MetricView},
    tables::terminal::{Column, Row, Table},
};

/// A table of pixel metrics for each meter.
pub fn metric_tables(measured: &[MeasuredView]) -> impl Iterator<Item = Table> {
    measured.iter().map(metric_table)
}

fn metric_table(MeasuredView { meter, metrics }: &MeasuredView) -> Table {
    let mut table = Table::new([
        Column::text("pixel metric"),
        Column::text("where"),
        Column::number("mean"),
        Column::number("95 % interval"),
        Column::number("cases"),
        Column::number("missing").normal(),
    ]);
    for MetricView { name, unit, lines } in metrics {
        for line in lines {
            let value = match line.value {
                Some(value) if value.is_infinite() => "infinite".to_owned(),
                Some(value) => format!("{value:.4} {unit}").trim_end().to_owned(),
                None => "-".to_owned(),
            };
            let interval =
                line.interval.map_or("-".to_owned(), |(low, high)| format!("{low:.4} to {high:.4}"));
            let (n, missing) = (line.n.to_string(), line.n_missing.to_string());
            table.push(Row::new([name.clone(), line.name.clone(), value, interval, n, missing]));
        }
    }
    let meter: Vec<String> = facts_of(meter).map(shortened).collect();
    table.below.push(format!("measured by {}", meter.join("; ")));
    table
}

/// A fact about a meter, its checksums cut to what tells them apart.
fn shortened(Fact { name, value }: Fact<'_>) -> String {
    let hash = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = value.split('+').map(|part| if hash(part) { &part[..12] } else { part }).collect();
    match name {
        Some(name) => format!("{name} {}", parts.join("+")),
        None => parts.join("+"),
    }
}

/// As JSON.
#[must_use]
pub fn metrics_json(measured: &[MeasuredView]) -> Value {
    let line = |line: &MetricLineView| {
        // JSON has no infinity.
        let value = line.value.filter(|value| value.is_finite());
        let is_infinite = line.value.is_some_and(f64::is_infinite);
        json!({
            "where": line.name, "mean": value, "is_infinite": is_infinite,
            "interval": line.interval.map(|(low, high)| [low, high]), "cases": line.n, "missing": line.n_missing,
        })
    };
    let meter = |MeasuredView { meter, metrics }: &MeasuredView| {
        let metrics: Map<String, Value> = metrics
            .iter()
            .map(|metric| (metric.name.clone(), metric.lines.iter().map(line).collect()))
            .collect();
        json!({"meter": meter, "metrics": metrics})
    };
    measured.iter().map(meter).collect()
}
