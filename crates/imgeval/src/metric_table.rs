//! Pixel metrics of a run, as text and as JSON.

use imgeval_core::{Fact, facts_of};
use imgeval_scoring::{METRICS, Measured};
use imgeval_suites::summary::MetricLine;
use serde_json::{Map, Value, json};

use crate::plain_table::{plain_table, right_aligned};

/// The table of pixel metrics; empty if nothing was measured.
pub(crate) fn render_metrics(measured: &[Measured]) -> String {
    let mut text = String::new();
    for Measured { meter, metrics } in measured {
        let unit = |name: &str| METRICS.iter().find(|(of, _)| *of == name).map_or("", |(_, unit)| *unit);
        let mut table = right_aligned(
            plain_table(&["pixel metric", "where", "mean", "95 % interval", "cases", "missing"]),
            2,
            4,
        );
        for (name, lines) in metrics {
            for line in lines {
                let value = match line.value {
                    Some(value) if value.is_infinite() => "infinite".to_owned(),
                    Some(value) => format!("{value:.4} {}", unit(name)).trim_end().to_owned(),
                    None => "-".to_owned(),
                };
                let interval =
                    line.interval.map_or("-".to_owned(), |(low, high)| format!("{low:.4} to {high:.4}"));
                let (n, missing) = (line.n.to_string(), line.n_missing.to_string());
                table.add_row([(*name).to_owned(), line.name.clone(), value, interval, n, missing]);
            }
        }
        let meter: Vec<String> = facts_of(meter).map(shortened).collect();
        text.push_str(&format!("{}\nmeasured by {}\n", table.trim_fmt(), meter.join("; ")));
    }
    text
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

pub(crate) fn metrics_json(measured: &[Measured]) -> Value {
    let line = |line: &MetricLine| {
        // JSON has no infinity.
        let value = line.value.filter(|value| value.is_finite());
        let is_infinite = line.value.is_some_and(f64::is_infinite);
        json!({
            "where": line.name, "mean": value, "is_infinite": is_infinite,
            "interval": line.interval.map(|(low, high)| [low, high]), "cases": line.n, "missing": line.n_missing,
        })
    };
    let meter = |Measured { meter, metrics }: &Measured| {
        let metrics: Map<String, Value> = metrics
            .iter()
            .map(|(name, lines)| ((*name).to_owned(), lines.iter().map(line).collect()))
            .collect();
        json!({"meter": meter, "metrics": metrics})
    };
    measured.iter().map(meter).collect()
}
