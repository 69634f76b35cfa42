//! How far the judges of a run can be trusted, as text and as JSON.

use std::collections::BTreeMap;

use imgeval_core::Interval;
use imgeval_metrics::JudgeNoise;
use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_scoring::{Anchored, Dispute, JudgeReplies, Pair, Trust};
use serde_json::{Value, json};

/// How far the judges can be trusted, for people.
pub(crate) fn trust_tables(trust: &Trust<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    if !trust.pairs.is_empty() {
        tables.push(agreement_table(trust));
    }
    if !trust.noise.is_empty() {
        tables.push(noise_table(trust));
    }
    tables.extend(
        trust.anchors.iter().map(|anchored| Table { below: drift_lines(anchored), ..Table::default() }),
    );
    if !trust.disputed.is_empty() {
        let title = "Images on which the judges differ most:".to_owned();
        let below = trust.disputed.iter().map(dispute_line).collect();
        tables.push(Table { title, below, ..Table::default() });
    }
    tables
}

fn agreement_table(trust: &Trust<'_>) -> Table {
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
    for Pair { judges: [one, other], scale, agreement } in &trust.pairs {
        let mut row = vec![format!("{} | {}", one.title(), other.title()), (*scale).to_owned()];
        row.push(agreement.n.to_string());
        row.extend([agreement.exact, agreement.within_one].map(percent));
        row.extend(
            [agreement.kappa, agreement.quadratic_kappa, agreement.spearman, agreement.kendall].map(decimals),
        );
        table.push(Row::new(row));
    }
    table.below.push(
        "Kappa and rank correlations are undefined (-) where a judge gives every image the same.".to_owned(),
    );
    table
}

fn noise_table(trust: &Trust<'_>) -> Table {
    let mut table = Table::new([
        Column::text("judge's own noise").wrapped(),
        Column::number("images"),
        Column::number("standard deviation"),
        Column::number("not all alike"),
    ]);
    for (judge, noise) in &trust.noise {
        let (deviation, flips) = (decimals(noise.standard_deviation), percent(noise.flip_share));
        table.push(Row::new([judge.title(), noise.n.to_string(), deviation, flips]));
    }
    table
}

fn dispute_line(dispute: &Dispute<'_>) -> String {
    let values = dispute.values.iter().map(|(judge, value)| format!("{} {value:.2}", judge.short_title()));
    format!("  {}: {}", dispute.sample, values.collect::<Vec<_>>().join(", "))
}

/// As JSON.
pub(crate) fn trust_json(trust: &Trust<'_>) -> Value {
    let pair = |Pair { judges, scale, agreement }: &Pair<'_>| {
        json!({
            "judges": judges.map(|judge| &judge.id),
            "titles": judges.map(JudgeReplies::title),
            "scale": scale,
            "images": agreement.n,
            "exact": agreement.exact,
            "within_one": agreement.within_one,
            "kappa": agreement.kappa,
            "linear_kappa": agreement.linear_kappa,
            "quadratic_kappa": agreement.quadratic_kappa,
            "spearman": agreement.spearman,
            "kendall": agreement.kendall,
        })
    };
    let noise = |(judge, noise): &(&JudgeReplies, JudgeNoise)| {
        json!({
            "judge": judge.id, "images": noise.n, "standard_deviation": noise.standard_deviation,
            "flip_share": noise.flip_share,
        })
    };
    let drift = |Anchored { judge, n, drift, widened }: &Anchored<'_>| {
        json!({
            "judge": judge.id,
            "anchors": n,
            "difference": drift.map(|drift| drift.difference.value),
            "interval": drift.and_then(|drift| drift.difference.interval).map(|(low, high)| [low, high]),
            "noise_limit": drift.and_then(|drift| drift.noise_limit),
            "beyond_noise": drift.and_then(|drift| drift.is_beyond_noise),
            "overall_interval_with_shift": widened.as_ref().map(interval_json),
        })
    };
    let dispute = |Dispute { sample, spread, values }: &Dispute<'_>| {
        let values: BTreeMap<&str, f64> =
            values.iter().map(|(judge, value)| (judge.id.as_str(), *value)).collect();
        json!({"sample": sample.to_string(), "spread": spread, "values": values})
    };
    json!({
        "agreement": trust.pairs.iter().map(pair).collect::<Vec<_>>(),
        "noise": trust.noise.iter().map(noise).collect::<Vec<_>>(),
        "anchors": trust.anchors.iter().map(drift).collect::<Vec<_>>(),
        "disputed": trust.disputed.iter().map(dispute).collect::<Vec<_>>(),
    })
}

fn interval_json(interval: &Interval) -> Value {
    json!({"low": interval.low, "high": interval.high, "level": 0.95, "method": interval.method.code()})
}

fn drift_lines(anchored: &Anchored<'_>) -> Vec<String> {
    let Anchored { judge, n: n_anchors, drift, widened } = anchored;
    let title = judge.title();
    let Some(drift) = drift else {
        return vec![format!(
            "anchors: {title}: none of them has a score now and then; nothing is known of drift"
        )];
    };
    let difference = drift.difference;
    let interval = match difference.interval {
        Some((low, high)) => format!(" ({low:+.3} to {high:+.3})"),
        None => String::new(),
    };
    let limit = match drift.noise_limit {
        Some(limit) => format!(", its own noise moves them by up to {limit:.3}"),
        None => ", its own noise was not measured (--judge-repeats)".to_owned(),
    };
    let verdict = match drift.is_beyond_noise {
        Some(true) => "DRIFTED: do not compare these scores with those of before",
        Some(false) => "no drift beyond noise",
        None => "not enough is known to tell drift from noise",
    };
    let mut lines = vec![format!(
        "anchors: {title}: {n_anchors} images moved by {:+.3}{interval}{limit}: {verdict}",
        difference.value
    )];
    lines.extend(widened.map(|Interval { low, high, .. }| {
        format!("  with such a shift between sessions the overall score lies from {low:.3} to {high:.3}")
    }));
    lines
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

fn decimals(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}
