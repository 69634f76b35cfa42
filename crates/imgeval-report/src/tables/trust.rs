//! How far the judges of a run can be trusted, as text and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    model::IntervalView,
    tables::terminal::{Column, Row, Table},
    trust::{AnchorsView, DisputeView, JudgeName, NoiseView, PairView, TrustView},
};

/// For people; `measured_by` names what measures a judge's own noise.
#[must_use]
pub fn trust_tables(trust: &TrustView, measured_by: &str) -> Vec<Table> {
    let mut tables = Vec::new();
    if !trust.pairs.is_empty() {
        tables.push(agreement_table(trust));
    }
    if !trust.noise.is_empty() {
        tables.push(noise_table(trust));
    }
    let drift = |anchors| Table { below: drift_lines(anchors, measured_by), ..Table::default() };
    tables.extend(trust.anchors.iter().map(drift));
    if !trust.disputed.is_empty() {
        let title = "Images on which the judges disagree most:".to_owned();
        let below = trust.disputed.iter().map(dispute_line).collect();
        tables.push(Table { title, below, ..Table::default() });
    }
    tables
}

fn agreement_table(trust: &TrustView) -> Table {
    let mut table = Table::new([
        Column::text("agreement").wrapped(),
        Column::text("scale"),
        Column::number("images"),
        Column::number("exact"),
        Column::number("within 1").normal(),
        Column::number("kappa"),
        Column::number("quadratic").normal(),
        Column::number("spearman").normal(),
        Column::number("kendall").wide_only(),
    ]);
    for agreement in &trust.pairs {
        let [one, other] = &agreement.judges;
        let mut row = vec![format!("{} | {}", one.title, other.title), agreement.scale.clone()];
        row.push(agreement.n_images.to_string());
        row.extend([agreement.exact, agreement.within_one].map(percent));
        row.extend(
            [agreement.kappa, agreement.quadratic_kappa, agreement.spearman, agreement.kendall].map(decimals),
        );
        table.push(Row::new(row));
    }
    table.below.push(
        "Kappa and rank correlations are undefined (-) where a judge gives every image the same score."
            .to_owned(),
    );
    table
}

fn noise_table(trust: &TrustView) -> Table {
    let mut table = Table::new([
        Column::text("judge's own noise").wrapped(),
        Column::number("images"),
        Column::number("standard deviation"),
        Column::number("not identical"),
    ]);
    for noise in &trust.noise {
        let (deviation, flips) = (decimals(noise.standard_deviation), percent(noise.flip_share));
        table.push(Row::new([noise.judge.title.clone(), noise.n_images.to_string(), deviation, flips]));
    }
    table
}

fn dispute_line(dispute: &DisputeView) -> String {
    let values = dispute.values.iter().map(|(judge, value)| format!("{} {value:.2}", judge.title));
    format!("  {}: {}", dispute.sample, values.collect::<Vec<_>>().join(", "))
}

/// As JSON.
#[must_use]
pub fn trust_json(trust: &TrustView) -> Value {
    let pair = |agreement: &PairView| {
        let [one, other] = &agreement.judges;
        json!({
            "judges": [one.id, other.id],
            "titles": [one.title, other.title],
            "scale": agreement.scale,
            "images": agreement.n_images,
            "exact": agreement.exact,
            "within_one": agreement.within_one,
            "kappa": agreement.kappa,
            "linear_kappa": agreement.linear_kappa,
            "quadratic_kappa": agreement.quadratic_kappa,
            "spearman": agreement.spearman,
            "kendall": agreement.kendall,
        })
    };
    let noise = |noise: &NoiseView| {
        json!({
            "judge": noise.judge.id, "images": noise.n_images, "standard_deviation": noise.standard_deviation,
            "flip_share": noise.flip_share,
        })
    };
    let drift = |AnchorsView { judge, n, drift, widened }: &AnchorsView| {
        let drift = drift.as_ref();
        json!({
            "judge": judge.id,
            "anchors": n,
            "difference": drift.map(|drift| drift.difference),
            "interval": drift.and_then(|drift| drift.interval).map(|(low, high)| [low, high]),
            "noise_limit": drift.and_then(|drift| drift.noise_limit),
            "beyond_noise": drift.and_then(|drift| drift.is_beyond_noise),
            "overall_interval_with_shift": widened.as_ref().map(interval_json),
        })
    };
    let dispute = |DisputeView { sample, spread, values }: &DisputeView| {
        let values: BTreeMap<&str, f64> =
            values.iter().map(|(JudgeName { id, .. }, value)| (id.as_str(), *value)).collect();
        json!({"sample": sample, "spread": spread, "values": values})
    };
    json!({
        "agreement": trust.pairs.iter().map(pair).collect::<Vec<_>>(),
        "noise": trust.noise.iter().map(noise).collect::<Vec<_>>(),
        "anchors": trust.anchors.iter().map(drift).collect::<Vec<_>>(),
        "disputed": trust.disputed.iter().map(dispute).collect::<Vec<_>>(),
    })
}

fn interval_json(interval: &IntervalView) -> Value {
    json!({"low": interval.low, "high": interval.high, "level": 0.95, "method": interval.method})
}

fn drift_lines(anchors: &AnchorsView, measured_by: &str) -> Vec<String> {
    let AnchorsView { judge, n: n_anchors, drift, widened } = anchors;
    let title = &judge.title;
    let Some(drift) = drift else {
        return vec![format!(
            "anchors: {title}: none of them has scores from both times, so drift is unknown"
        )];
    };
    let interval = match drift.interval {
        Some((low, high)) => format!(" ({low:+.3} to {high:+.3})"),
        None => String::new(),
    };
    let limit = match drift.noise_limit {
        Some(limit) => format!(", the judge's own noise moves them by up to {limit:.3}"),
        None => format!(", the judge's own noise was not measured ({measured_by})"),
    };
    let verdict = match drift.is_beyond_noise {
        Some(true) => "DRIFTED: do not compare these scores with earlier ones",
        Some(false) => "no drift beyond noise",
        None => "too little data to tell drift from noise",
    };
    let mut lines = vec![format!(
        "anchors: {title}: {n_anchors} images moved by {:+.3}{interval}{limit}: {verdict}",
        drift.difference
    )];
    lines.extend(widened.as_ref().map(|IntervalView { low, high, .. }| {
        format!("  with such a shift between sessions, the overall score is between {low:.3} and {high:.3}")
    }));
    lines
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

fn decimals(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}
