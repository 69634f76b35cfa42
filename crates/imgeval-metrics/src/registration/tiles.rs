//! How much of a source can still be found, tile by tile, in a redrawn image.

use imgeval_core::Pixels;

use super::{AlignedPair, Alignment, Registration, Status};
use crate::plane::{Border, Plane, gaussian, normalize_locally};

const SIDE: u32 = 384;
const TILES: usize = 8;
const BLUR: f64 = 0.7;
const WINDOW: f64 = 8.0;
/// A tile needs this share of its pixels in the overlap,
const LEAST_INSIDE: f64 = 0.9;
/// and this standard deviation of its normalized pixels.
const LEAST_SPREAD: f64 = 0.25;
/// Tiles are looked for this far away, in long sides.
const REACH: f64 = 0.06;
/// From this correlation on a tile has survived.
const SURVIVED: f64 = 0.5;

/// Tiles of a source that were found again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileSurvival {
    /// Tiles, of the 64, that have enough detail and are in the overlap.
    pub judged: usize,
    /// Share of the judged tiles that were found, in [0, 1]; `None` if none was judged.
    pub survival: Option<f64>,
    /// Of the tiles that were found, in long sides of the source; `None` if none was found.
    pub median_displacement: Option<f64>,
    /// Of the best correlations of all judged tiles; `None` if none was judged.
    pub median_ncc: Option<f64>,
}

/// Looks for the source's tiles in the edited image; after a failed registration, at the same places of the frame.
#[must_use]
pub fn tile_survival(source: &Pixels, edited: &Pixels, registration: &Registration) -> TileSurvival {
    let alignment = match registration.status {
        Status::Ok | Status::Coarse => registration.alignment,
        Status::Failed => Alignment::IDENTITY,
    };
    tile_survival_at(source, edited, &alignment)
}

/// The same with an alignment that is known.
#[must_use]
pub fn tile_survival_at(source: &Pixels, edited: &Pixels, alignment: &Alignment) -> TileSurvival {
    let pair = AlignedPair::new(source, edited, alignment, SIDE);
    let (width, height) = (pair.width(), pair.height());
    let normalized = |gray: &Plane| normalize_locally(&gaussian(gray, BLUR, 4.0, Border::Reflect), WINDOW);
    let source = normalized(&Plane::gray_of(pair.source()));
    let edited = Windows::new(normalized(&pair.edited_gray()));
    let long_side = width.max(height) as f64;
    let reach = (REACH * long_side).round() as usize;
    let (mut best, mut displacements) = (Vec::new(), Vec::new());
    for tile in 0..TILES * TILES {
        let bounds = |index: usize, length: usize| (index * length / TILES, (index + 1) * length / TILES);
        let ((left, right), (top, bottom)) = (bounds(tile % TILES, width), bounds(tile / TILES, height));
        let Some(template) = source.crop(left, top, right - left, bottom - top) else { continue };
        let rows = pair.is_inside().chunks_exact(width).take(bottom).skip(top);
        let inside = rows.flat_map(|row| &row[left..right]).filter(|inside| **inside).count();
        if (inside as f64) < LEAST_INSIDE * template.values().len() as f64 {
            continue;
        }
        let Some(template) = Template::new(&template, LEAST_SPREAD) else { continue };
        let places = |start: usize, size: usize, length: usize| {
            start.saturating_sub(reach)..=(start + reach).min(length - size)
        };
        let mut found = (f64::NEG_INFINITY, 0.0);
        for y in places(top, bottom - top, height) {
            for x in places(left, right - left, width) {
                let correlation = edited.correlation(&template, x, y);
                if correlation > found.0 {
                    let distance = (x as f64 - left as f64).hypot(y as f64 - top as f64);
                    found = (correlation, distance / long_side);
                }
            }
        }
        best.push(found.0);
        if found.0 >= SURVIVED {
            displacements.push(found.1);
        }
    }
    let judged = best.len();
    TileSurvival {
        judged,
        survival: (judged > 0).then(|| displacements.len() as f64 / judged as f64),
        median_displacement: median(displacements),
        median_ncc: median(best),
    }
}

/// The middle, or the mean of both; `None` without values.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

/// A tile without its mean.
struct Template {
    width: usize,
    values: Vec<f32>,
    /// Root of the sum of squares.
    length: f64,
}

impl Template {
    fn new(tile: &Plane, least_spread: f64) -> Option<Self> {
        let n = tile.values().len() as f64;
        let mean = tile.values().iter().copied().map(f64::from).sum::<f64>() / n;
        let values: Vec<f32> = tile.values().iter().map(|value| value - mean as f32).collect();
        let squares: f64 = values.iter().map(|value| f64::from(value * value)).sum();
        let has_spread = (squares / n).sqrt() >= least_spread;
        has_spread.then(|| Self { width: tile.width(), values, length: squares.sqrt() })
    }
}

/// A plane whose windows have known sums.
struct Windows {
    plane: Plane,
    /// Of values and of squares, over all pixels above and to the left.
    sums: Vec<[f64; 2]>,
}

impl Windows {
    fn new(plane: Plane) -> Self {
        let stride = plane.width() + 1;
        let mut sums = vec![[0.0; 2]; stride * (plane.height() + 1)];
        for (y, row) in plane.rows().enumerate() {
            let mut along = [0.0; 2];
            for (x, value) in row.iter().enumerate() {
                let value = f64::from(*value);
                along = [along[0] + value, along[1] + value * value];
                let above = sums[y * stride + x + 1];
                sums[(y + 1) * stride + x + 1] = [above[0] + along[0], above[1] + along[1]];
            }
        }
        Self { plane, sums }
    }

    /// Zero-mean normalized; 0 where the window has one value.
    fn correlation(&self, template: &Template, x: usize, y: usize) -> f64 {
        let (width, height) = (template.width, template.values.len() / template.width);
        let stride = self.plane.width() + 1;
        let sum = |which: usize| {
            let at = |x: usize, y: usize| self.sums[y * stride + x][which];
            at(x + width, y + height) - at(x, y + height) - at(x + width, y) + at(x, y)
        };
        let n = template.values.len() as f64;
        let squares = sum(1) - sum(0) * sum(0) / n;
        if squares <= 1e-9 * n {
            return 0.0;
        }
        let rows = self.plane.values().chunks_exact(self.plane.width()).skip(y);
        let products: f64 = template
            .values
            .chunks_exact(width)
            .zip(rows)
            .map(|(template, row)| dot(template, &row[x..x + width]))
            .sum();
        products / (template.length * squares.sqrt())
    }
}

fn dot(one: &[f32], other: &[f32]) -> f64 {
    let ((ones, one), (others, other)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut lanes = [0.0_f32; 8];
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..8 {
            lanes[lane] += one[lane] * other[lane];
        }
    }
    let rest: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
    f64::from(lanes.iter().sum::<f32>() + rest)
}
