//! How far the judges of a run can be trusted, as text and as JSON.

use std::collections::BTreeMap;

use imgeval_core::{Interval, visible};
use imgeval_metrics::JudgeNoise;
use imgeval_scoring::{Anchored, Dispute, JudgeReplies, Pair, Trust};
use serde_json::{Value, json};

use crate::plain_table::{plain_table, right_aligned};

/// How far the judges can be trusted, for people.
pub(crate) fn render_trust(trust: &Trust<'_>) -> String {
    let mut text = String::new();
    if !trust.pairs.is_empty() {
        let header = [
            "agreement",
            "scale",
            "images",
            "exact",
            "within 1",
            "kappa",
            "quadratic",
            "spearman",
            "kendall",
        ];
        let mut table = right_aligned(plain_table(&header), 2, 7);
        for Pair { judges: [one, other], scale, agreement } in &trust.pairs {
            let mut row =
                vec![format!("{} | {}", visible(&one.title()), visible(&other.title())), (*scale).to_owned()];
            row.push(agreement.n.to_string());
            row.extend([agreement.exact, agreement.within_one].map(percent));
            row.extend(
                [agreement.kappa, agreement.quadratic_kappa, agreement.spearman, agreement.kendall]
                    .map(decimals),
            );
            table.add_row(row);
        }
        text.push_str(&format!(
            "{}\nKappa and rank correlations are undefined (-) where a judge gives every image the same.\n",
            table.trim_fmt()
        ));
    }
    if !trust.noise.is_empty() {
        let header = ["judge's own noise", "images", "standard deviation", "not all alike"];
        let mut table = right_aligned(plain_table(&header), 1, 3);
        for (judge, noise) in &trust.noise {
            let title = visible(&judge.title());
            table.add_row([
                title,
                noise.n.to_string(),
                decimals(noise.standard_deviation),
                percent(noise.flip_share),
            ]);
        }
        text.push_str(&format!("\n{}\n", table.trim_fmt()));
    }
    for anchored in &trust.anchors {
        text.push_str(&format!("\n{}", render_drift(anchored)));
    }
    if !trust.disputed.is_empty() {
        text.push_str("\nImages on which the judges differ most:\n");
        for Dispute { sample, values, .. } in &trust.disputed {
            let values: Vec<String> = values
                .iter()
                .map(|(judge, value)| format!("{} {value:.2}", visible(&judge.short_title())))
                .collect();
            text.push_str(&format!("  {sample}: {}\n", values.join(", ")));
        }
    }
    text
}

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

fn render_drift(anchored: &Anchored<'_>) -> String {
    let Anchored { judge, n: n_anchors, drift, widened } = anchored;
    let title = visible(&judge.title());
    let Some(drift) = drift else {
        return format!(
            "anchors: {title}: none of them has a score now and then; nothing is known of drift\n"
        );
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
    let widened = widened.map_or(String::new(), |interval| {
        let Interval { low, high, .. } = interval;
        format!("  with such a shift between sessions the overall score lies from {low:.3} to {high:.3}\n")
    });
    format!(
        "anchors: {title}: {n_anchors} images moved by {:+.3}{interval}{limit}: {verdict}\n{widened}",
        difference.value
    )
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

fn decimals(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}
