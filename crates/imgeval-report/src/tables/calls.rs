//! What came of calls, and what they cost, as text and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    calls::{CallsView, OutcomeView, SpendView},
    tables::terminal::{Column, Row, Table},
};

/// For people.
#[must_use]
pub fn calls_table(view: &CallsView) -> Table {
    let columns = [Column::text("outcome"), Column::number("count"), Column::text("meaning").wrapped()];
    let mut table = Table::new(columns);
    for OutcomeView { code, count, meaning } in &view.outcomes {
        table.push(Row::new([*code, &count.to_string(), meaning]));
    }
    for (code, examples) in &view.examples {
        table.below.extend(examples.iter().map(|example| format!("  {code}: {example}")));
    }
    table.below.push(view.spend.line.clone());
    table.below.extend(view.stopped.as_ref().map(|stopped| format!("stopped: {stopped}")));
    table
}

/// As JSON.
#[must_use]
pub fn calls_json(view: &CallsView) -> Value {
    let outcome = |OutcomeView { code, count, meaning }: &OutcomeView| json!({"outcome": code, "count": count, "meaning": meaning});
    let examples: BTreeMap<&str, &[String]> =
        view.examples.iter().map(|(code, examples)| (code.as_str(), examples.as_slice())).collect();
    json!({
        "outcomes": view.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "examples": examples,
        "spend": spend_json(&view.spend),
        "stopped": view.stopped,
    })
}

/// As JSON; an unknown amount is `null`.
#[must_use]
pub fn spend_json(spend: &SpendView) -> Value {
    json!({
        "usd": spend.usd,
        "perhaps_more_usd": spend.perhaps_more_usd,
        "calls": spend.calls,
        "calls_without_price": spend.calls_without_price,
        "requests": spend.requests,
        "requests_without_answer": spend.requests_without_answer,
    })
}
