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

pub use board_charts::{overall_bars, part_bars, part_chart, part_radar};
pub use forest::forest_plot;
pub use grid::{GridItem, qualitative_grid};
pub use histogram::confidence_histogram;
pub use lines::{LinePoint, LineSeries, lines};
pub use matrix::matrix;
pub use png_file::FigureError;

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
