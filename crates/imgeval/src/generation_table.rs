//! What came of a call of `generate`, and what was spent.

use std::collections::BTreeMap;

use imgeval_core::{FailureKind, SampleId, Usd, visible};
use imgeval_report::tables::terminal::{Column, Row, Table, View};
use imgeval_runner::{CallSummary, Shortage, Stopped};
pub(crate) use imgeval_scoring::{short_cost, spend_line};
use imgeval_store::Spend;
use serde_json::{Value, json};

use crate::advice::explain;

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
    pub(crate) summary: &'a CallSummary,
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
        rows.extend(failed.iter().map(|(kind, count)| (kind.code(), *count, explain(*kind))));
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

    /// The table as text for stderr, where its width does not matter.
    pub(crate) fn render_text(&self) -> String {
        self.to_table().render(View::WIDE)
    }

    pub(crate) fn to_table(&self) -> Table {
        let columns = [Column::text("outcome"), Column::number("count"), Column::text("meaning").wrapped()];
        let mut table = Table::new(columns);
        for (code, count, meaning) in self.rows() {
            table.push(Row::new([code, &count.to_string(), meaning]));
        }
        for (kind, examples) in &self.examples.0 {
            table.below.extend(examples.iter().map(|example| format!("  {}: {example}", kind.code())));
        }
        table.below.push(spend_line(&self.summary.spend).trim_end().to_owned());
        table.below.extend(self.stopped().map(|stopped| format!("stopped: {stopped}")));
        table
    }

    fn stopped(&self) -> Option<String> {
        match self.summary.stopped.as_ref()? {
            Stopped::Budget(shortage) => Some(shortage_text(shortage, "--max-cost")),
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

/// Why a limit on the cost ended a stage, and which one lets the rest run.
pub(crate) fn shortage_text(shortage: &Shortage, flag: &str) -> String {
    let Shortage { needed, left, kept_back, enough } = *shortage;
    let kept_back = match kept_back {
        Usd::ZERO => String::new(),
        kept_back if kept_back == left => {
            ", kept back in case a call costs far more than the others".to_owned()
        }
        kept_back => format!(", {kept_back} of it kept back in case a call costs far more than the others"),
    };
    let cents = (enough.dollars() * 100.0).ceil() / 100.0;
    format!(
        "the next call may cost {needed}, and {left} of {flag} are left{kept_back}; {flag} {cents:.2} covers the rest"
    )
}

pub(crate) fn spend_json(spend: &Spend) -> Value {
    let dollars = |amount: Usd| (amount > Usd::ZERO || spend.unpriced_calls == 0).then(|| amount.dollars());
    json!({
        "usd": dollars(spend.known),
        "perhaps_more_usd": dollars(spend.possible),
        "calls": spend.calls,
        "calls_without_price": spend.unpriced_calls,
        "requests": spend.tries,
        "requests_without_answer": spend.lost_tries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(n: u64) -> Usd {
        Usd::from_nanos(10_000_000).times(n)
    }

    #[test]
    fn an_unknown_cost_is_never_shown_as_nothing() {
        let unknown = Spend { calls: 2, tries: 2, unpriced_calls: 2, lost_tries: 1, ..Spend::default() };
        let json = spend_json(&unknown);
        assert!(json["usd"].is_null() && json["perhaps_more_usd"].is_null(), "{json}");

        let free = Spend { calls: 1, ..Spend::default() };
        assert_eq!(spend_json(&free)["usd"], 0.0);
    }

    #[test]
    fn a_shortage_names_a_limit_that_is_enough() {
        let shortage = Shortage {
            needed: cents(4),
            left: cents(40),
            kept_back: cents(30),
            enough: Usd::from_nanos(2_449_000_001),
        };
        let expected = "the next call may cost $0.0400, and $0.4000 of --max-cost are left, $0.3000 of it kept back in case a \
                        call costs far more than the others; --max-cost 2.45 covers the rest";
        assert_eq!(shortage_text(&shortage, "--max-cost"), expected);
        let all = Shortage { kept_back: cents(40), ..shortage };
        assert!(shortage_text(&all, "--max-cost").contains("are left, kept back in case"));
        let none = Shortage { kept_back: Usd::ZERO, ..shortage };
        assert!(shortage_text(&none, "--max-cost").contains("are left; --max-cost 2.45"));
    }
}
