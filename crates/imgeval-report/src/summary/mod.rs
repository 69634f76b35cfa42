//! What a reader may be told who reads nothing else: for each model one line, ranked with ties, with the sentences that the
//! intervals allow. The rules of these sentences are in [`wording`]; here they meet the report.

mod boards;
mod diagnoses;
mod rounds;
mod wording;

use serde::{Deserialize, Serialize};

pub use rounds::summarize_rounds;

use crate::model::Report;

/// Lines that may stand below one another: the models of one suite, or the diagnoses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryGroup {
    /// What was evaluated, such as the title of a suite.
    pub title: String,
    pub lines: Vec<SummaryLine>,
}

/// What is said of one model, or of one diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryLine {
    /// `1`, or `1-2` where the order is within the noise; empty where nothing was compared.
    pub rank: String,
    pub name: String,
    pub sentences: Vec<String>,
}

/// The summary of a report, in the order of its sections. A group without a line is left out.
#[must_use]
pub fn summarize(report: &Report) -> Vec<SummaryGroup> {
    let boards = report.boards.iter().map(|board| boards::summarize_board(report, board));
    let rounds = report.rounds.iter().map(summarize_rounds);
    let own = report.diagnoses.iter().filter_map(|diagnosis| diagnosis.summary.clone());
    let groups = boards.chain(rounds).chain(own).chain([diagnoses::summarize_diagnoses(&report.diagnoses)]);
    groups.filter(|group| !group.lines.is_empty()).collect()
}

/// The summary as text, a paragraph for each line.
#[must_use]
pub fn summary_text(groups: &[SummaryGroup]) -> String {
    let line = |line: &SummaryLine| {
        let rank = if line.rank.is_empty() { String::new() } else { format!("{}. ", line.rank) };
        format!("{rank}{}: {}\n", line.name, line.sentences.join(" "))
    };
    let group = |group: &SummaryGroup| {
        format!("{}\n{}", group.title, group.lines.iter().map(line).collect::<String>())
    };
    groups.iter().map(group).collect::<Vec<_>>().join("\n")
}
