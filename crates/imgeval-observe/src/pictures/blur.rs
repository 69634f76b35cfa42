//! How blurred each part of an image is.

use imgeval_core::Pixels;
use imgeval_metrics::image::{Gray, edge_sigma};
use imgeval_vision::canvas::Canvas;

use super::{Panel, Scale, color_map::heat};

/// The blur radius in pixels that has the last color, on every map.
pub const BLUR_MAX: f64 = 4.0;

/// Blur is measured on squares of so many pixels, one for each cell.
const TILE: u32 = 64;
const CELL: u32 = 16;
const COVERAGE: f32 = 0.72;
/// How much of the gray image is left where nothing was measured; the rest is white.
const FAINT: f32 = 0.45;

/// The blur radius by place.
#[derive(Debug, Clone, PartialEq)]
pub struct BlurMap {
    columns: u32,
    /// The standard deviation of the blur of the clearest edges around each cell of 16 pixels, in pixels, row by row; `None` where
    /// there are too few clear edges.
    cells: Vec<Option<f64>>,
}

impl BlurMap {
    /// On squares of 64 pixels around the cells, moved inwards at the borders.
    #[must_use]
    pub fn of(pixels: &Pixels) -> Self {
        let (width, height) = (pixels.width(), pixels.height());
        let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let sigma = |(column, row): (u32, u32)| {
            let start = |cell: u32, side: u32| {
                let center = cell * CELL + CELL / 2;
                center.saturating_sub(TILE / 2).min(side.saturating_sub(TILE))
            };
            let tile = crop(pixels, start(column, width), start(row, height));
            tile.and_then(|tile| edge_sigma(&Gray::of(&tile)).ok())
        };
        Self { columns, cells: cells.map(sigma).collect() }
    }

    /// The share of cells that have a value, in [0, 1].
    #[must_use]
    pub fn covered(&self) -> f64 {
        self.cells.iter().flatten().count() as f64 / self.cells.len().max(1) as f64
    }

    /// The middle value of the cells that have one.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let mut values: Vec<f64> = self.cells.iter().flatten().copied().collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// Over a gray copy of the image that it was made of, which stays faint where there is no value.
    #[must_use]
    pub fn draw(&self, pixels: &Pixels) -> Pixels {
        let gray = imgeval_core::GrayPixels::luma_of(pixels);
        let rgb = gray.values().iter().flat_map(|value| [*value; 3]).collect();
        let Some(gray) = Pixels::new(pixels.width(), pixels.height(), rgb) else { return pixels.clone() };
        let mut canvas = Canvas::of(&gray);
        for y in 0..pixels.height() {
            for x in 0..pixels.width() {
                let cell = self.cells.get((y / CELL * self.columns + x / CELL) as usize).copied().flatten();
                let (color, coverage) = match cell {
                    Some(sigma) => (heat(sigma / BLUR_MAX), COVERAGE),
                    None => ([255; 3], 1.0 - FAINT),
                };
                canvas.blend(x as f32, y as f32, color, coverage);
            }
        }
        canvas.into_pixels()
    }
}

fn crop(pixels: &Pixels, left: u32, top: u32) -> Option<Pixels> {
    let width = TILE.min(pixels.width() - left);
    let height = TILE.min(pixels.height() - top);
    let row = |y: u32| {
        let start = (y as usize * pixels.width() as usize + left as usize) * 3;
        &pixels.rgb()[start..start + width as usize * 3]
    };
    Pixels::new(width, height, (top..top + height).flat_map(row).copied().collect())
}

/// Both images, or the answer alone, which must have one distance of pixels.
#[must_use]
pub fn blur_panels(source: Option<&Pixels>, answer: &Pixels) -> Vec<Panel> {
    let panel = |name: &str, pixels: &Pixels| {
        let map = BlurMap::of(pixels);
        let heading = match map.median() {
            Some(sigma) => format!("{name}: median {sigma:.2} px"),
            None => format!("{name}: no clear edges"),
        };
        Panel::new(heading, map.draw(pixels))
    };
    source.map(|source| panel("source", source)).into_iter().chain([panel("answer", answer)]).collect()
}

pub(super) fn blur_scale() -> Scale {
    Scale { max: BLUR_MAX, label: "blur radius of edges in pixels; faint gray: no clear edges".to_owned() }
}
