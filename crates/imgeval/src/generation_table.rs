//! What came of a call of `generate`, in words of the command line.

use imgeval_generation::FailureExamples;
use imgeval_report::calls::{CallsView, OutcomeView};
use imgeval_runner::{CallSummary, Stopped};
use imgeval_scoring::spend_view;

use crate::advice::explain;

/// In the form that tables show.
pub(crate) fn generation_view(
    summary: &CallSummary,
    examples: &FailureExamples,
    not_rewritten: usize,
) -> CallsView {
    let stopped = summary.stopped.as_ref().map(|stopped| match stopped {
        Stopped::Budget(shortage) => shortage.describe("--max-cost"),
        Stopped::Interrupted => "interrupted".to_owned(),
        Stopped::Down(down) => down.message.clone(),
    });
    let examples = examples.iter().map(|(kind, examples)| (kind.code().to_owned(), examples.clone()));
    CallsView {
        outcomes: outcomes(summary, not_rewritten),
        examples: examples.collect(),
        spend: spend_view(&summary.spend),
        stopped,
    }
}

fn outcomes(summary: &CallSummary, not_rewritten: usize) -> Vec<OutcomeView> {
    let outcome = |(code, count, meaning)| OutcomeView { code, count, meaning };
    let made = ("made", summary.made, "images generated now");
    let mut failed = summary.failed.clone();
    for (kind, count) in &summary.failed_before {
        *failed.entry(*kind).or_default() += count;
    }
    let failed = failed.iter().map(|(kind, count)| (kind.code(), *count, explain(*kind)));
    let others = [
        ("there-before", summary.done_before, "images already in the run"),
        ("accepted", summary.accepted_from_store, "images received earlier and accepted now (--any-size)"),
        ("waiting", summary.waiting, "later rounds of conversations in which an earlier round has no image"),
        ("not-rewritten", not_rewritten, "not requested, because their prompts could not be rewritten"),
        ("abandoned", summary.abandoned, "calls abandoned when the command was interrupted"),
        ("not-started", summary.not_started, "not requested yet; run the command again"),
    ];
    let others = others.into_iter().filter(|(_, count, _)| *count > 0);
    std::iter::once(made).chain(failed).chain(others).map(outcome).collect()
}
