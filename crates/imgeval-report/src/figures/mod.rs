//! Figures as SVG and PNG.
//!
//! Every figure stands alone: its font, patterns and pictures are inside the SVG, and nothing in it refers to anything
//! outside. Colours can be told apart in grey and by every colour vision, and never carry a meaning alone. Text of others
//! is escaped, and broken into lines by the widths of its characters. A value that does not exist or is not finite is
//! never drawn: it is an em dash, a gap or a hatched cell. The same input always gives the same bytes.

mod axis;
mod board_charts;
mod canvas;
mod font;
mod forest;
mod grid;
mod histogram;
mod lines;
mod matrix;
mod palette;
mod png_file;
mod wrap;

use crate::model::{Report, RowSource};

pub use board_charts::{overall_bars, part_bars, part_chart, part_radar};
pub use forest::forest_plot;
pub use grid::{GridItem, qualitative_grid};
pub use histogram::confidence_histogram;
pub use lines::{LinePoint, LineSeries, lines};
pub use matrix::matrix;
pub use png_file::FigureError;

/// The figures that a report has by itself, with unique names: for each board the overall scores and the parts of its runs
/// (without published rows), for each comparison its differences, numbered.
#[must_use]
pub fn figures_of(report: &Report) -> Vec<Figure> {
    let mut figures = Vec::new();
    for board in &report.boards {
        figures.push(overall_bars(board));
        let is_run = |row: &usize| board.rows[*row].source != RowSource::Published;
        let runs: Vec<usize> = (0..board.rows.len()).filter(is_run).collect();
        if !runs.is_empty() {
            figures.push(part_chart(board, &runs));
        }
    }
    for (place, comparison) in report.comparisons.iter().enumerate() {
        figures.push(forest::draw(comparison, &format!("{}-difference-{}", comparison.suite, place + 1)));
    }
    figures
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
}

impl Figure {
    /// The figure as PNG with so many pixels to an inch, which its header tells; 300 for a paper.
    ///
    /// Characters that the embedded font lacks show as boxes.
    ///
    /// # Errors
    ///
    /// If the resolution is not between 1 and 2400, the picture would be larger than 200 million pixels, or the SVG cannot
    /// be read.
    pub fn render_png(&self, dpi: u32) -> Result<Vec<u8>, FigureError> {
        png_file::render(&self.svg, dpi)
    }
}
