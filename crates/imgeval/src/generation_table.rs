//! What came of a call of `generate`, and what was spent.

use std::collections::BTreeMap;

use comfy_table::CellAlignment;
use imgeval_core::{FailureKind, SampleId, Usd, visible};
use imgeval_runner::{GenerateSummary, Stopped};
use imgeval_store::Spend;
use serde_json::{Value, json};

use crate::table::plain_table;

/// How many examples of a kind are named.
const EXAMPLES: usize = 3;

/// The first few failures of each kind, with their details.
#[derive(Debug, Default)]
pub(crate) struct FailureExamples(BTreeMap<FailureKind, Vec<String>>);

impl FailureExamples {
    pub(crate) fn add(&mut self, kind: FailureKind, id: &SampleId, detail: &str) {
        let examples = self.0.entry(kind).or_default();
        if examples.len() < EXAMPLES {
            examples.push(visible(&format!("{id}: {detail}")));
        }
    }

    pub(crate) fn of(&self, kind: FailureKind) -> &[String] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }
}

pub(crate) struct GenerationTable<'a> {
    pub(crate) summary: &'a GenerateSummary,
    pub(crate) examples: &'a FailureExamples,
    pub(crate) not_rewritten: usize,
}

impl GenerationTable<'_> {
    fn rows(&self) -> Vec<(&'static str, usize, &'static str)> {
        let summary = self.summary;
        let mut rows = vec![("made", summary.made, "images asked for now and taken into the run")];
        let mut failed = summary.failed.clone();
        for (kind, count) in &summary.failed_before {
            *failed.entry(*kind).or_default() += count;
        }
        rows.extend(failed.iter().map(|(kind, count)| (kind.code(), *count, kind.meaning())));
        let others = [
            ("there-before", summary.done_before, "images that the run held already"),
            (
                "accepted",
                summary.accepted_from_store,
                "images that came before and are taken now (--any-size)",
            ),
            (
                "waiting",
                summary.waiting,
                "later rounds of conversations in which an earlier round has no image",
            ),
            (
                "not-rewritten",
                self.not_rewritten,
                "not asked for, because their prompts could not be rewritten",
            ),
            ("abandoned", summary.abandoned, "calls that were under way when everything had to stop"),
            ("not-started", summary.not_started, "not asked for yet; start the command again"),
        ];
        rows.extend(others.into_iter().filter(|(_, count, _)| *count > 0));
        rows
    }

    pub(crate) fn render_text(&self) -> String {
        let mut table = plain_table(&["outcome", "count", "meaning"]);
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for (code, count, meaning) in self.rows() {
            table.add_row([code, &count.to_string(), meaning]);
        }
        let mut text = format!("{}\n", table.trim_fmt());
        for (kind, examples) in &self.examples.0 {
            for example in examples {
                text.push_str(&format!("  {}: {example}\n", kind.code()));
            }
        }
        text.push_str(&spend_line(&self.summary.spend));
        if let Some(stopped) = self.stopped() {
            text.push_str(&format!("stopped: {stopped}\n"));
        }
        text
    }

    fn stopped(&self) -> Option<String> {
        match self.summary.stopped.as_ref()? {
            Stopped::Budget { needed, left } => {
                Some(format!("the next call may cost {needed}, and {left} of --max-cost are left"))
            }
            Stopped::Interrupted => Some("as asked".to_owned()),
            Stopped::Down(down) => Some(down.message.clone()),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let row = |(code, count, meaning): (&str, usize, &str)| json!({"outcome": code, "count": count, "meaning": meaning});
        let examples: BTreeMap<&str, &Vec<String>> =
            self.examples.0.iter().map(|(kind, examples)| (kind.code(), examples)).collect();
        json!({
            "outcomes": self.rows().into_iter().map(row).collect::<Vec<_>>(),
            "examples": examples,
            "spend": spend_json(&self.summary.spend),
            "stopped": self.stopped(),
        })
    }
}

/// What the run has cost over all calls ever made for it.
pub(crate) fn spend_line(spend: &Spend) -> String {
    let mut text = format!("spend: {} for {} calls", spend.known, spend.calls);
    if spend.unpriced_calls > 0 {
        text.push_str(&format!(", {} of them at an unknown price", spend.unpriced_calls));
    }
    if spend.lost_tries > 0 || spend.possible > Usd::ZERO {
        text.push_str(&format!(
            "; perhaps {} more ({} requests whose answer never came may have been billed)",
            spend.possible, spend.lost_tries
        ));
    }
    text.push('\n');
    text
}

pub(crate) fn spend_json(spend: &Spend) -> Value {
    json!({
        "usd": spend.known.dollars(),
        "perhaps_more_usd": spend.possible.dollars(),
        "calls": spend.calls,
        "calls_without_price": spend.unpriced_calls,
        "requests": spend.tries,
        "requests_without_answer": spend.lost_tries,
    })
}
