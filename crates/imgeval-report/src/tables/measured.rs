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

/// The pixel metrics of several runs of one suite beside each other: all cases first, then the parts. `None` if nothing was
/// measured.
#[must_use]
pub fn pixel_metrics_table(suite: &str, runs: &[(String, Vec<MeasuredView>)]) -> Option<Table> {
    let measured: Vec<(String, &MeasuredView)> = runs
        .iter()
        .flat_map(|(run, meters)| {
            meters.iter().enumerate().map(move |(place, meter)| match place {
                0 => (run.clone(), meter),
                _ => (format!("{run}, meter {}", place + 1), meter),
            })
        })
        .collect();
    let mut metrics: Vec<(&str, &str)> = Vec::new();
    let mut places: Vec<&str> = Vec::new();
    for metric in measured.iter().flat_map(|(_, meter)| &meter.metrics) {
        if !metrics.iter().any(|(name, _)| *name == metric.name) {
            metrics.push((&metric.name, &metric.unit));
        }
        for line in &metric.lines {
            if !places.contains(&line.name.as_str()) {
                places.push(&line.name);
            }
        }
    }
    if metrics.is_empty() {
        return None;
    }
    let heading = |(name, unit): &(&str, &str)| {
        let name = title_of(name);
        Column::number(if unit.is_empty() { name.to_owned() } else { format!("{name}, {unit}") })
    };
    let mut table = Table::new(
        [Column::text("model")]
            .into_iter()
            .chain(metrics.iter().map(heading))
            .chain([Column::number("cases")]),
    )
    .with_title(format!("{suite}: pixel metrics of the edited images"));
    // The total over all cases is the last line.
    places.rotate_right(1);
    for place in places {
        table.start_section(place);
        for (name, meter) in &measured {
            let line = |metric: &str| {
                let of = meter.metrics.iter().find(|of| of.name == metric)?;
                of.lines.iter().find(|line| line.name == place)
            };
            let lines: Vec<Option<&MetricLineView>> =
                metrics.iter().map(|(metric, _)| line(metric)).collect();
            let n = lines.iter().flatten().map(|line| line.n).max().unwrap_or(0);
            let n_all = lines.iter().flatten().map(|line| line.n + line.n_missing).max().unwrap_or(0);
            let cases = if n == n_all { n.to_string() } else { format!("{n} of {n_all}") };
            let values =
                lines.iter().map(|line| line.map_or_else(|| "-".to_owned(), |line| mean_text(line, n)));
            table.push(Row::new([name.clone()].into_iter().chain(values).chain([cases])));
        }
    }
    table.below.push("Means over cases with their 95 % intervals. Higher is better for PSNR, SSIM and CLIP score, lower for MSE and LPIPS. No published rows of these metrics are known to imgeval.".to_owned());
    for (name, meter) in &measured {
        let facts: Vec<String> = facts_of(&meter.meter).map(shortened).collect();
        table.below.push(format!("{name}: measured by {}.", facts.join("; ")));
    }
    Some(table)
}

/// The mean with its interval, and over how many cases where these are fewer than `n`.
fn mean_text(line: &MetricLineView, n: usize) -> String {
    let mut text = match line.value {
        None => return "-".to_owned(),
        Some(value) if value.is_infinite() => "infinite".to_owned(),
        Some(value) => shown(value),
    };
    if let Some((low, high)) = line.interval {
        text.push_str(&format!(" ({} to {})", shown(low), shown(high)));
    }
    if line.n < n {
        text.push_str(&format!(" [{} cases]", line.n));
    }
    text
}

/// Two decimals where the scale is in tens, four where it is in parts of 1.
fn shown(value: f64) -> String {
    if value.abs() >= 2.0 { format!("{value:.2}") } else { format!("{value:.4}") }
}

/// As papers write it.
fn title_of(metric: &str) -> &str {
    match metric {
        "psnr" => "PSNR",
        "ssim" => "SSIM",
        "mse" => "MSE",
        "lpips" => "LPIPS",
        "clip_score" => "CLIP score",
        other => other,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, value: f64, n: usize) -> MetricLineView {
        MetricLineView {
            name: name.to_owned(),
            value: Some(value),
            interval: value.is_finite().then_some((value - 0.1, value + 0.1)),
            n,
            n_missing: 10 - n,
        }
    }

    fn measured(psnr: f64) -> MeasuredView {
        let metric = |name: &str, unit: &str, value: f64, n| MetricView {
            name: name.to_owned(),
            unit: unit.to_owned(),
            lines: vec![line("left-right", value, n), line("overall", value, n)],
        };
        MeasuredView {
            meter: "pixels=1".to_owned(),
            metrics: vec![metric("psnr", "dB", psnr, 10), metric("ssim", "", 0.5, 8)],
        }
    }

    #[test]
    fn runs_stand_beside_each_other_with_all_cases_first() {
        let runs = [("a".to_owned(), vec![measured(21.0)]), ("b".to_owned(), vec![measured(f64::INFINITY)])];
        let table = pixel_metrics_table("reason-edit", &runs).unwrap();
        let titles: Vec<&str> = table.columns.iter().map(|column| column.title.as_str()).collect();
        assert_eq!(titles, ["model", "PSNR, dB", "SSIM", "cases"]);
        assert_eq!(table.sections.len(), 2);
        assert_eq!(table.sections[0].heading, "overall");
        let cells = |row: usize| -> Vec<&str> {
            table.sections[0].rows[row].cells.iter().map(|cell| cell.text.as_str()).collect()
        };
        assert_eq!(cells(0), ["a", "21.00 (20.90 to 21.10)", "0.5000 (0.4000 to 0.6000) [8 cases]", "10"]);
        assert_eq!(cells(1)[1], "infinite");
    }

    #[test]
    fn without_a_metric_there_is_no_table() {
        assert_eq!(pixel_metrics_table("x", &[("a".to_owned(), Vec::new())]), None);
    }
}
