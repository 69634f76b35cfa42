//! Panels in rows, with headings, notes and a scale.

use imgeval_core::Pixels;

use super::blocks::{across, down, fitted, matted, padded, scale, text};

/// No sheet is wider, in pixels.
pub const WIDEST: u32 = 1600;

const MARGIN: u32 = 20;
const GAP: u32 = 14;
const BETWEEN_COLUMNS: u32 = 36;
const BETWEEN_ROWS: u32 = 22;
/// Panels are at most this large, and no narrower than this for the sake of their headings.
const MOST_PANEL: [u32; 2] = [1000, 620];
const LEAST_PANEL: u32 = 180;
/// Notes get at least this width.
const LEAST_ROW: u32 = 560;
const TITLE: f32 = 24.0;
const TEXT: f32 = 18.0;
const SMALL: f32 = 16.0;

/// An image with what it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub heading: String,
    pub image: Pixels,
}

impl Panel {
    #[must_use]
    pub fn new(heading: impl Into<String>, image: Pixels) -> Self {
        Self { heading: heading.into(), image }
    }
}

/// Panels beside each other, and what is said of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    pub panels: Vec<Panel>,
    /// One paragraph each.
    pub notes: Vec<String>,
}

/// What the colors of heat maps mean: 0 is the first color, `max` and more the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    pub max: f64,
    pub label: String,
}

/// An image of images. Text is printable ASCII; of other characters it says how many there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    pub title: String,
    pub rows: Vec<Row>,
    /// Number of columns that rows are arranged in; 0 counts as 1.
    pub columns: u32,
    pub scale: Option<Scale>,
    pub notes: Vec<String>,
}

impl Sheet {
    /// At most [`WIDEST`] pixels wide.
    #[must_use]
    pub fn draw(&self) -> Pixels {
        let columns = self.columns.max(1);
        let inner = WIDEST - 2 * MARGIN;
        let widest = (inner - (columns - 1).min(8) * BETWEEN_COLUMNS) / columns;
        let rows: Vec<Pixels> = self.rows.iter().map(|row| draw_row(row, widest)).collect();
        let width = rows.iter().map(Pixels::width).max().unwrap_or(LEAST_ROW);
        let rows: Vec<Pixels> = rows.iter().map(|row| padded(row, width, 1)).collect();
        let lines: Vec<Pixels> =
            rows.chunks(columns as usize).map(|some| across(some, BETWEEN_COLUMNS)).collect();
        let body = down(&lines, BETWEEN_ROWS);
        let width = body.width().max(LEAST_ROW);
        let mut blocks = vec![text(&self.title, TITLE, width), body];
        blocks.extend(self.scale.iter().map(|of| fitted(&scale(of, SMALL), width, u32::MAX)));
        blocks.extend(self.notes.iter().map(|note| text(note, TEXT, width)));
        matted(&down(&blocks, GAP), MARGIN)
    }
}

fn draw_row(row: &Row, widest: u32) -> Pixels {
    let n = row.panels.len().max(1) as u32;
    let most = ((widest - (n - 1).min(8) * GAP) / n).min(MOST_PANEL[0]);
    let images: Vec<Pixels> =
        row.panels.iter().map(|panel| fitted(&panel.image, most, MOST_PANEL[1])).collect();
    let width = |image: &Pixels| image.width().max(LEAST_PANEL.min(most));
    let headings: Vec<Pixels> = row
        .panels
        .iter()
        .zip(&images)
        .map(|(panel, image)| text(&panel.heading, SMALL, width(image)))
        .collect();
    let height = headings.iter().map(Pixels::height).max().unwrap_or(1);
    let panels: Vec<Pixels> = headings
        .iter()
        .zip(&images)
        .map(|(heading, image)| {
            padded(&down(&[padded(heading, 1, height), image.clone()], 4), width(image), 1)
        })
        .collect();
    let panels = across(&panels, GAP);
    let width = panels.width().max(LEAST_ROW.min(widest));
    let notes = row.notes.iter().map(|note| text(note, SMALL, width));
    down(&std::iter::once(panels.clone()).chain(notes).collect::<Vec<_>>(), 6)
}
