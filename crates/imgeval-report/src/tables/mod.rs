//! Score tables and comparisons as text, Markdown, LaTeX, CSV and JSON.
//!
//! Text, Markdown and LaTeX are three renderings of one [`sheet`]: rows under the headings of their groups, published
//! ones first, then what must be known to read them: notes, what is missing, the protocol of each run, the source of
//! published rows and what is not known about them. They print as many decimals as the paper; CSV and JSON hold the
//! numbers whole. Text goes through [`terminal`], as every other table of the program does. A value that does not exist is an em dash in the first three, an empty field in CSV and `null` in
//! JSON, and so is one that is not finite.

mod best;
mod board_sheet;
mod calls;
mod closing;
mod comparison_sheet;
mod csv;
mod files;
mod json;
mod latex;
mod markdown;
mod measured;
mod plans;
mod reread;
mod rounds;
mod scores;
mod sheet;
pub mod terminal;
mod text;
mod trust;
mod verdicts;
mod views;
mod weaknesses;

pub(crate) use sheet::sentence;

use self::terminal::View;
use crate::model::{Board, ComparisonView};

pub use best::mark_best;
pub use calls::{calls_json, calls_table, spend_json};
pub use closing::{cost_table, failure_table, method_table};
pub use csv::{render_board_csv, render_comparison_csv};
pub use files::{TableFile, table_files};
pub use json::{comparison_json, render_board_json, render_comparison_json};
pub use measured::{metric_tables, metrics_json, pixel_metrics_table};
pub use plans::{plan_json, plan_table};
pub use reread::{reread_json, reread_text};
pub use rounds::{rounds_json, rounds_tables};
pub use scores::{
    coverage_json, coverage_table, line_json, published_json, published_table, render_scores_csv,
    scores_csv_header, scores_json, scores_table, slice_tables, withheld_text,
};
pub use trust::{trust_json, trust_tables};
pub use verdicts::{verdicts_json, verdicts_table};
pub use weaknesses::{weaknesses_json, weaknesses_table};

/// What a table shows beside scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Show the 95 % interval next to each score that has one.
    pub intervals: bool,
}

/// For a terminal; the best of a column carries an asterisk.
#[must_use]
pub fn board_table(board: &Board, options: TableOptions) -> terminal::Table {
    let sheet = board_sheet::lay_out(board, options);
    text::to_table(&sheet, |place, title| board_sheet::column(board, place, title))
}

/// For a file: the table of [`board_table`] with all its columns and each note at its row.
#[must_use]
pub fn render_board_text(board: &Board, options: TableOptions) -> String {
    in_full(board_table(board, options))
}

/// A table of GitHub's Markdown; the best of a column is bold.
#[must_use]
pub fn render_board_markdown(board: &Board, options: TableOptions) -> String {
    markdown::render(&board_sheet::lay_out(board, options))
}

/// A floating table that needs the package `booktabs` and nothing else; the best of a column is bold.
///
/// Characters that pdfTeX's standard fonts lack are written as `[U+4E2D]`.
#[must_use]
pub fn render_board_latex(board: &Board, options: TableOptions) -> String {
    latex::render(&board_sheet::lay_out(board, options))
}

/// For a terminal.
#[must_use]
pub fn comparison_table(comparison: &ComparisonView) -> terminal::Table {
    text::to_table(&comparison_sheet::lay_out(comparison), comparison_sheet::column)
}

/// For a file: the table of [`comparison_table`] with all its columns.
#[must_use]
pub fn render_comparison_text(comparison: &ComparisonView) -> String {
    in_full(comparison_table(comparison))
}

fn in_full(table: terminal::Table) -> String {
    terminal::Table { has_notes_at_rows: true, ..table }.render(View::WIDE)
}

/// A table of GitHub's Markdown.
#[must_use]
pub fn render_comparison_markdown(comparison: &ComparisonView) -> String {
    markdown::render(&comparison_sheet::lay_out(comparison))
}

/// A floating table that needs the package `booktabs` and nothing else.
#[must_use]
pub fn render_comparison_latex(comparison: &ComparisonView) -> String {
    latex::render(&comparison_sheet::lay_out(comparison))
}
