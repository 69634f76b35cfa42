//! Which tables of a report are files beside its page.

use super::{
    TableOptions, cost_table, failure_table, method_table, render_board_csv, render_board_json,
    render_board_latex, render_board_markdown, render_board_text, render_comparison_csv,
    render_comparison_json, render_comparison_latex, render_comparison_markdown, render_comparison_text,
    rounds_tables,
    terminal::{Column, Row, Table},
    views, weaknesses_table,
};
use crate::{
    diagnosis::TableView,
    model::Report,
    summary::{SummaryGroup, summarize, summary_text},
};

/// Every table with its intervals; without them they can be printed.
const TABLES: TableOptions = TableOptions { intervals: true };

/// A file with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFile {
    pub name: String,
    pub text: String,
}

/// Every table that the page of a report shows, as text, Markdown, LaTeX and CSV, and the scores and comparisons as JSON too.
#[must_use]
pub fn table_files(report: &Report) -> Vec<TableFile> {
    let mut files = Vec::new();
    let mut put = |stem: &str, forms: [(&str, String); 4]| {
        files.extend(forms.map(|(extension, text)| TableFile { name: format!("{stem}.{extension}"), text }));
    };
    for board in &report.boards {
        put(
            &board.suite,
            [
                ("txt", render_board_text(board, TABLES)),
                ("md", render_board_markdown(board, TABLES)),
                ("tex", render_board_latex(board, TABLES)),
                ("csv", render_board_csv(board, TABLES)),
            ],
        );
    }
    for (place, comparison) in report.comparisons.iter().enumerate() {
        put(
            &format!("comparison-{}", place + 1),
            [
                ("txt", render_comparison_text(comparison)),
                ("md", render_comparison_markdown(comparison)),
                ("tex", render_comparison_latex(comparison)),
                ("csv", render_comparison_csv(comparison)),
            ],
        );
    }
    let summary = summarize(report);
    for (stem, table) in other_tables(report, &summary) {
        let forms = [
            // As a table a summary has no room for its sentences.
            ("txt", if stem == SUMMARY { summary_text(&summary) } else { views::text(&table) }),
            ("md", views::markdown(&table)),
            ("tex", views::latex(&table)),
            ("csv", views::csv(&table)),
        ];
        put(&stem, forms);
    }
    let json = |name: &str, text: String| TableFile { name: name.to_owned(), text };
    files.push(json("scores.json", render_board_json(&report.boards)));
    files.push(json("comparisons.json", render_comparison_json(&report.comparisons)));
    files
}

const SUMMARY: &str = "summary";

/// All but boards and comparisons, by the stem of their files.
fn other_tables(report: &Report, summary: &[SummaryGroup]) -> Vec<(String, TableView)> {
    let mut tables = Vec::new();
    if !summary.is_empty() {
        tables.push((SUMMARY.to_owned(), summary_table(summary)));
    }
    for metrics in &report.pixel_metrics {
        tables.push((format!("{}-pixel-metrics", metrics.suite), metrics.table.clone()));
    }
    for (place, view) in report.weaknesses.iter().enumerate() {
        tables.push((format!("weaknesses-{}", place + 1), TableView::from(&weaknesses_table(view))));
    }
    for (place, table) in report.rounds.iter().flat_map(rounds_tables).enumerate() {
        tables.push((format!("rounds-{}", place + 1), TableView::from(&table)));
    }
    for (place, diagnosis) in report.diagnoses.iter().enumerate() {
        for (number, table) in diagnosis.tables.iter().enumerate() {
            tables.push((format!("diagnosis-{}-{}", place + 1, number + 1), table.clone()));
        }
    }
    let closing = [
        ("costs", cost_table(report)),
        ("failures", failure_table(report)),
        ("methods", method_table(report)),
    ];
    tables.extend(
        closing.into_iter().filter_map(|(stem, table)| Some((stem.to_owned(), TableView::from(&table?)))),
    );
    tables
}

fn summary_table(groups: &[SummaryGroup]) -> TableView {
    let mut table =
        Table::new([Column::text("model"), Column::text("rank"), Column::text("what the data show")])
            .with_title("Summary");
    for group in groups {
        table.start_section(&group.title);
        for line in &group.lines {
            table.push(Row::new([line.name.clone(), line.rank.clone(), line.sentences.join(" ")]));
        }
    }
    TableView::from(&table)
}
