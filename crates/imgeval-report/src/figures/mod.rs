//! Figures as SVG, PDF and PNG.
//!
//! Every figure stands alone: its font, patterns and images are inside the SVG, and nothing in it refers to anything
//! outside. Colors can be told apart in gray and by every color vision, and never carry a meaning alone. Text of others
//! is escaped, and broken into lines by the widths of its characters. A value that does not exist or is not finite is
//! never drawn: it is an em dash, a gap or a hatched cell. The same input always gives the same bytes.

mod axis;
mod board_charts;
mod canvas;
mod font;
mod forest;
mod grid;
mod heat_map;
mod histogram;
mod lines;
mod matrix;
mod palette;
mod pdf_file;
mod png_file;
mod session_strip;
mod stacked_bars;
mod svg_tree;
mod wrap;

use serde::Serialize;

use crate::model::{Board, BoardRow, ComparisonView, Report, RowSource};

pub use board_charts::{overall_bars, part_bars, part_radar};
pub use forest::forest_plot;
pub use grid::{GridItem, qualitative_grid};
pub use heat_map::{HeatMap, heat_maps};
pub use histogram::confidence_histogram;
pub use lines::{LinePoint, LineSeries, lines};
pub use matrix::matrix;
pub use png_file::FigureError;
pub use session_strip::{Strip, StripImage, StripRow, session_strip};
pub use stacked_bars::{BarGroup, stacked_bars};

/// Published rows that stand beside the runs where the parts are drawn: the best ones.
const MOST_PUBLISHED: usize = 2;

/// More rows than this make bars too thin to read.
const MOST_ROWS: usize = 8;

/// Of more pairs of runs, a figure each would be too many to look at; the page has a matrix of all differences.
const MOST_PAIRS: usize = 3;

/// The figures that a report has by itself, with unique names: for each board with a score the overall scores and the parts, for
/// each comparison its differences, numbered, as long as they are few.
#[must_use]
pub fn figures_of(report: &Report) -> Vec<Figure> {
    let mut figures = Vec::new();
    let is_run = |row: &&BoardRow| row.source != RowSource::Published;
    let has_score = |row: &BoardRow| row.cells.iter().any(|cell| cell.value.is_some());
    for board in report.boards.iter().filter(|board| board.rows.iter().filter(is_run).any(has_score)) {
        let rows = rows_of_parts(board);
        let drawn =
            [overall_bars(board), part_bars(board, &rows)].into_iter().chain(part_radar(board, &rows));
        figures.extend(drawn.map(|figure| figure.in_section(FigureSection::Scores)));
    }
    for (place, comparison) in report.comparisons.iter().enumerate() {
        let is_of_suite = |other: &&ComparisonView| other.suite == comparison.suite;
        if report.comparisons.iter().filter(is_of_suite).count() > MOST_PAIRS {
            continue;
        }
        if comparison.lines.iter().any(|line| line.difference.is_some()) {
            let name = format!("{}-difference-{}", comparison.suite, place + 1);
            figures.push(forest::draw(comparison, &name).in_section(FigureSection::Comparisons));
        }
    }
    figures
}

/// The runs and, as far as they fit, the published rows with the best overall scores that have scores of parts.
fn rows_of_parts(board: &Board) -> Vec<usize> {
    let is_published = |row: &usize| board.rows[*row].source == RowSource::Published;
    let (mut published, runs): (Vec<usize>, Vec<usize>) = (0..board.rows.len()).partition(is_published);
    published.retain(|row| board.rows[*row].cells.iter().filter(|cell| cell.value.is_some()).count() > 1);
    let overall = |row: &usize| board.rows[*row].cells.get(board.overall).and_then(|cell| cell.value);
    published.sort_by(|a, b| overall(b).unwrap_or(-1.0).total_cmp(&overall(a).unwrap_or(-1.0)));
    published.truncate(MOST_PUBLISHED.min(MOST_ROWS.saturating_sub(runs.len())));
    runs.into_iter().take(MOST_ROWS).chain(published).collect()
}

/// Where a page shows a figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureSection {
    /// With the score tables.
    Scores,
    Comparisons,
    /// With the sessions of edits.
    Rounds,
    /// Below everything else, or with the diagnosis that names it.
    #[default]
    Others,
}

/// A drawing with what it shows in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Stem of its file name: lower-case ASCII letters, digits and hyphens. Element ids and the font's name in the SVG
    /// begin with it, so that several figures may stand in one page.
    pub name: String,
    pub title: String,
    /// What it shows, with the numbers, for those who do not see it.
    pub alternative: String,
    /// The document, with no reference to anything outside. Sizes are in pixels of 1/96 inch.
    pub svg: String,
    pub section: FigureSection,
}

impl Figure {
    /// The figure, to be shown there.
    #[must_use]
    pub fn in_section(self, section: FigureSection) -> Self {
        Self { section, ..self }
    }

    /// Renders the figure as PNG at this resolution, which its header states; use 300 for a paper.
    ///
    /// Characters that the embedded font lacks show as boxes.
    ///
    /// # Errors
    ///
    /// If the resolution is not between 1 and 2400, the image would be larger than 200 million pixels, or the SVG
    /// cannot be read.
    pub fn render_png(&self, dpi: u32) -> Result<Vec<u8>, FigureError> {
        png_file::render(&self.svg, dpi)
    }

    /// The figure as a PDF of one page of its size, as vectors. Text is in outlines, so that no font has to be embedded or
    /// installed; pictures keep their pixels. The same figure always gives the same bytes.
    ///
    /// # Errors
    ///
    /// If the SVG cannot be read, or holds what no figure of ours has, such as a gradient.
    pub fn render_pdf(&self) -> Result<Vec<u8>, FigureError> {
        pdf_file::render(&self.svg, &self.title)
    }
}
