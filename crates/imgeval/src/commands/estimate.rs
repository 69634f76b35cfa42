//! What work would cost, for people and as JSON.

use imgeval_clients::Limits;
use imgeval_core::{Usd, counted, human_duration};
use imgeval_generation::WorkEstimate;
use serde_json::{Value, json};

fn cost_text(estimate: &WorkEstimate) -> String {
    match (estimate.calls + estimate.rewrites, estimate.unpriced) {
        (0, _) => "no cost".to_owned(),
        (_, 0) if estimate.cost == Usd::ZERO => "no cost".to_owned(),
        (_, 0) => format!("about {}", estimate.cost),
        (all, unpriced) if unpriced == all => "cost unknown".to_owned(),
        (_, unpriced) => {
            let calls = counted(unpriced, "call");
            let cost = if unpriced == 1 { "costs" } else { "cost" };
            format!("about {}, plus {calls} without a known price {cost}", estimate.cost)
        }
    }
}

fn time_text(estimate: &WorkEstimate) -> String {
    let Some(Limits { requests_per_minute, tokens_per_minute, concurrent }) = estimate.limits else {
        return String::new();
    };
    let rates = [(requests_per_minute, "requests", "--rpm"), (tokens_per_minute, "tokens", "--tpm")];
    let rates: Vec<String> = rates
        .into_iter()
        .filter_map(|(rate, what, flag)| rate.map(|rate| format!("{rate} {what} per minute ({flag})")))
        .chain([format!("{concurrent} concurrent (--concurrency)")])
        .collect();
    let rates = rates.join(", ");
    match estimate.least_time() {
        Some(time) => format!("at least {} at the configured limits: {rates}", human_duration(time)),
        None => format!("no rate limit is configured; {rates}"),
    }
}

fn done_text(estimate: &WorkEstimate) -> String {
    let are = if estimate.done == 1 { "is" } else { "are" };
    format!("{} {are} already done", counted(estimate.done, "image"))
}

/// One line for people.
pub(super) fn estimate_sentence(estimate: &WorkEstimate) -> String {
    let rewrites = match estimate.rewrites {
        0 => String::new(),
        n => format!(" and {} to rewrite", counted(n, "prompt")),
    };
    format!("{}{rewrites}, {}; {}", counted(estimate.calls, "call"), cost_text(estimate), done_text(estimate))
}

pub(super) fn estimate_text(estimate: &WorkEstimate) -> String {
    let mut text = format!("calls    {}\n", estimate.calls);
    if estimate.rewrites > 0 {
        text.push_str(&format!("rewrites {}\n", estimate.rewrites));
    }
    text.push_str(&format!("done     {}\n", done_text(estimate)));
    text.push_str(&format!("cost     {}\n", cost_text(estimate)));
    for (basis, calls) in &estimate.bases {
        text.push_str(&format!("         {}: {basis}\n", counted(*calls, "call")));
    }
    if estimate.unpriced > 0 {
        let mend = "add the model's prices to your own catalog (--catalog)";
        text.push_str(&format!("         {}: price unknown; {mend}\n", counted(estimate.unpriced, "call")));
    }
    text.push_str(&format!("time     {}\n", time_text(estimate)));
    text
}

pub(super) fn estimate_json(estimate: &WorkEstimate) -> Value {
    json!({
        "calls": estimate.calls,
        "rewrites": estimate.rewrites,
        "done": estimate.done,
        "cost_usd": (estimate.unpriced == 0).then(|| estimate.cost.dollars()),
        "cost_of_priced_calls_usd": (estimate.unpriced == 0 || estimate.cost > Usd::ZERO).then(|| estimate.cost.dollars()),
        "calls_without_price": estimate.unpriced,
        "basis": estimate.bases,
        "least_seconds": estimate.least_time().map(|time| time.as_secs_f64()),
        "concurrency": estimate.limits.as_ref().map(|limits| limits.concurrent.get()),
    })
}
