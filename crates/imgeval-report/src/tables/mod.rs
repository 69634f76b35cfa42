//! Score tables and comparisons as text, Markdown, LaTeX, CSV and JSON.
//!
//! Text, Markdown and LaTeX are three renderings of one [`sheet`]: rows under the headings of their groups, published
//! ones first, then what must be known to read them: notes, what is missing, the protocol of each run, the source of
//! published rows and what is not known about them. They print as many decimals as the paper; CSV and JSON hold the
//! numbers whole. A value that does not exist is an em dash in the first three, an empty field in CSV and `null` in
//! JSON, and so is one that is not finite.

mod best;
mod board_sheet;
mod comparison_sheet;
mod csv;
mod json;
mod latex;
mod markdown;
mod scores;
mod sheet;
mod text;

use crate::model::{Board, ComparisonView};

pub use best::mark_best;
pub use csv::{render_board_csv, render_comparison_csv};
pub use json::{comparison_json, render_board_json, render_comparison_json};
pub use scores::{
    coverage_json, line_json, published_json, render_coverage_text, render_published_text, render_scores_csv,
    render_scores_text, render_withheld_text, scores_csv_header, scores_json,
};

/// What a table shows beside scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The 95 % interval beside each score that has one.
    pub intervals: bool,
}

/// For a terminal: no escape sequences; the best of a column carries an asterisk.
#[must_use]
pub fn render_board_text(board: &Board, options: TableOptions) -> String {
    text::render(&board_sheet::lay_out(board, options))
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
pub fn render_comparison_text(comparison: &ComparisonView) -> String {
    text::render(&comparison_sheet::lay_out(comparison))
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
