//! One report of several runs: tables, comparisons, ranks and what a reader should know.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_metrics::{BootstrapSettings, rank_with_ties};
use imgeval_report::{
    diagnosis::TableView,
    model::{Board, ComparisonView, PixelMetricsView, Report, RowSource},
    tables::{mark_best, pixel_metrics_table},
};

use imgeval_suites::{suite::SuiteRef, summary::Scheme};

use crate::{
    ColorReference, OpenedRun, ScoringError,
    board::{board_of, columns_of},
    compare::{Side, compare_sides, compare_with_fresh, differing_facts, is_clear},
};

/// What a report is made with.
pub struct Assembly<'a> {
    pub title: Option<&'a str>,
    pub with_published: bool,
    /// Fields in which runs may differ and still be compared.
    pub allow: &'a [String],
    pub settings: BootstrapSettings,
    /// What colors are compared with where something was measured.
    pub reference: Option<&'a ColorReference>,
}

impl Assembly<'_> {
    /// # Errors
    /// If what was measured on a run cannot be read.
    pub fn assemble(&self, runs: &mut [OpenedRun]) -> Result<Report, ScoringError> {
        make_names_unique(runs);
        let mut report = Report {
            title: self.title.map_or_else(|| title_of(runs), str::to_owned),
            tool: format!("imgeval {}", env!("CARGO_PKG_VERSION")),
            runs: runs.iter().map(|run| run.view.clone()).collect(),
            ..Report::default()
        };
        let mut suites: Vec<(SuiteRef, Scheme)> = Vec::new();
        for run in runs.iter().map(|opened| &opened.run) {
            let is_known =
                |(suite, scheme): &(SuiteRef, Scheme)| *suite == run.suite() && scheme == run.scheme();
            if run.has_rules() && !suites.iter().any(is_known) {
                suites.push((run.suite(), run.scheme().clone()));
            }
        }
        suites.sort_by_key(|(suite, _)| place_in_paper(suite.id()));
        for (suite, scheme) in &suites {
            report.pixel_metrics.extend(self.pixel_metrics(runs, *suite, scheme)?);
            let mut board = board_of(*suite, scheme, runs, self.with_published);
            self.compare_rows(runs, &mut board, *suite, scheme, &mut report);
            mark_best(&mut board);
            report.boards.push(board);
        }
        if suites.len() > 1 {
            report
                .notes
                .push("The runs belong to different suites; each suite has its own table.".to_owned());
        }
        for opened in runs.iter() {
            if opened.run.all_measured()?.holds_measures() {
                let view = opened.run.weaknesses(&opened.view.name, self.reference, self.settings)?;
                report.weaknesses.push(view);
            }
        }
        Ok(report)
    }

    /// The pixel metrics of the suite's runs; `None` if nothing was measured.
    fn pixel_metrics(
        &self,
        runs: &[OpenedRun],
        suite: SuiteRef,
        scheme: &Scheme,
    ) -> Result<Option<PixelMetricsView>, ScoringError> {
        let mut measured = Vec::new();
        for opened in runs.iter().filter(|of| of.run.suite() == suite && of.run.scheme() == scheme) {
            measured.push((opened.view.name.clone(), opened.run.measured(self.settings)?));
        }
        let table = pixel_metrics_table(suite.facts().title, &measured);
        Ok(table
            .map(|table| PixelMetricsView { suite: suite.id().to_owned(), table: TableView::from(&table) }))
    }

    /// Compares each run with each other one of the board, and ranks those that may be compared.
    fn compare_rows(
        &self,
        runs: &[OpenedRun],
        board: &mut Board,
        suite: SuiteRef,
        scheme: &Scheme,
        report: &mut Report,
    ) {
        let rows: Vec<(usize, Side<'_>)> = board
            .rows
            .iter()
            .enumerate()
            .filter_map(|(row, of)| match of.source {
                RowSource::Run { run, observer } if observer < runs[run].scored.len() => {
                    Some((row, Side { run: &runs[run], observer }))
                }
                _ => None,
            })
            .collect();
        let mut compared: BTreeMap<(usize, usize), ComparisonView> = BTreeMap::new();
        // By the fields in which they differ.
        let mut not_compared: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for (place, (row_a, a)) in rows.iter().enumerate() {
            for (row_b, b) in &rows[place + 1..] {
                let differing = differing_facts(&a.scored().protocol, &b.scored().protocol);
                let blocking: Vec<&str> = differing
                    .iter()
                    .map(|(name, ..)| name.as_str())
                    .filter(|name| !self.allow.iter().any(|allowed| allowed == name))
                    .collect();
                if let Some((official, fresh)) = official_and_fresh(*a, *b, &blocking) {
                    report.comparisons.push(compare_with_fresh(official, fresh, self.settings));
                } else if blocking.is_empty() {
                    let comparison = compare_sides(*a, *b, self.settings);
                    compared.insert((*row_a, *row_b), comparison.clone());
                    report.comparisons.push(comparison);
                } else if a.run.run.directory() != b.run.run.directory() {
                    not_compared.entry(blocking.join(", ")).or_default().push((a.name(), b.name()));
                }
            }
        }
        report.notes.extend(not_compared.iter().map(|(fields, pairs)| note_of_pairs(fields, pairs)));
        let names: Vec<String> = columns_of(suite, scheme).into_iter().map(|column| column.name).collect();
        rank(board, &names, &rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), &compared);
    }
}

/// Why pairs of runs are not compared: each is named as long as they are few.
fn note_of_pairs(fields: &str, pairs: &[(String, String)]) -> String {
    let allow = "allow these fields to compare them anyway";
    match pairs {
        [(a, b)] => format!("{a} and {b} are not compared because they differ in {fields}; {allow}."),
        pairs => {
            let names: BTreeSet<&str> = pairs.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
            let names: Vec<&str> = names.into_iter().collect();
            format!(
                "{} pairs of {} are not compared because they differ in {fields}; {allow}.",
                pairs.len(),
                names.join(", ")
            )
        }
    }
}

/// Two runs of one model that differ in nothing but the seed of the prompts, the official one first.
pub fn official_and_fresh<'a>(a: Side<'a>, b: Side<'a>, blocking: &[&str]) -> Option<(Side<'a>, Side<'a>)> {
    let is_seed_only = blocking == ["suite.seed"];
    if !is_seed_only || a.run.view.model != b.run.view.model {
        return None;
    }
    match (a.run.run.is_official(), b.run.run.is_official()) {
        (true, false) => Some((a, b)),
        (false, true) => Some((b, a)),
        _ => None,
    }
}

/// Suites in the order of GPT-ImgEval: GenEval, editing, WISE; then all others as they came.
fn place_in_paper(suite: &str) -> usize {
    const ORDER: [&str; 3] = ["geneval", "reason-edit", "wise"];
    ORDER.iter().position(|known| suite.starts_with(known)).unwrap_or(ORDER.len())
}

/// First and last rank in each column among rows that were all compared with each other.
/// `names` are those of the columns' parts, as comparisons know them.
fn rank(
    board: &mut Board,
    names: &[String],
    rows: &[usize],
    compared: &BTreeMap<(usize, usize), ComparisonView>,
) {
    let mut ranked: BTreeSet<usize> = BTreeSet::new();
    for row in rows {
        if ranked.contains(row) {
            continue;
        }
        let pair = |a: usize, b: usize| compared.get(&(a.min(b), a.max(b)));
        let mut group = vec![*row];
        for other in rows.iter().filter(|other| *other > row && !ranked.contains(*other)) {
            if group.iter().all(|member| pair(*member, *other).is_some()) {
                group.push(*other);
            }
        }
        ranked.extend(&group);
        for (column, name) in names.iter().enumerate() {
            let members: Vec<(usize, f64)> =
                group.iter().filter_map(|row| Some((*row, board.rows[*row].cells[column].value?))).collect();
            if members.len() < 2 {
                continue;
            }
            let line = |a: usize, b: usize| {
                let comparison = pair(members[a].0, members[b].0)?;
                comparison.lines.iter().find(|line| line.part == *name)
            };
            // A column that no line is about cannot be ranked, and neither can rows of which one knows nothing.
            if (1..members.len()).any(|other| line(0, other).is_none_or(|line| line.interval.is_none())) {
                continue;
            }
            let values: Vec<f64> = members.iter().map(|(_, value)| *value).collect();
            let ranks = rank_with_ties(&values, |a, b| line(a, b).is_some_and(is_clear));
            for ((row, _), range) in members.iter().zip(ranks) {
                board.rows[*row].cells[column].rank = Some((range.best, range.worst));
            }
        }
    }
}

fn title_of(runs: &[OpenedRun]) -> String {
    let names: Vec<&str> = runs.iter().map(|run| run.view.name.as_str()).collect();
    match names.as_slice() {
        [one] => format!("imgeval: {one}"),
        names if names.len() <= 4 => format!("imgeval: {}", names.join(", ")),
        names => format!("imgeval: {} runs", names.len()),
    }
}

/// Runs of one suite and one name get numbers.
fn make_names_unique(runs: &mut [OpenedRun]) {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    for run in runs {
        let name = run.view.name.clone();
        let mut number = 2;
        while !seen.insert((run.view.suite.clone(), run.view.name.clone())) {
            run.view.name = format!("{name} ({number})");
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_are_not_compared_share_a_note() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            note_of_pairs("suite.seed", &[pair("one", "two")]),
            "one and two are not compared because they differ in suite.seed; allow these fields to compare them anyway."
        );
        let note =
            note_of_pairs("suite.seed", &[pair("one", "two"), pair("one", "three"), pair("two", "three")]);
        assert!(
            note.starts_with("3 pairs of one, three, two are not compared because they differ in suite.seed")
        );
    }
}
