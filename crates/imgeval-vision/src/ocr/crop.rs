//! Lines cut out of the frame and set upright.

use imgeval_core::Pixels;
use rayon::prelude::*;

use super::geometry::{Quad, distance};

/// Of the cubic kernel.
const SHARPNESS: f32 = -0.75;
/// A line that is this much higher than wide runs from bottom to top.
const UPRIGHT: f64 = 1.5;

/// The inside a box, turned so that the box's corners are the crop's; a high one is turned once more, counterclockwise.
/// `None` if a side is shorter than a pixel.
///
/// Source: OpenCV 5.0's `warpPerspective` with `INTER_CUBIC` and repeated borders. OpenCV 4 takes positions to 32nds of a pixel,
/// which changes values by up to 5 levels.
pub(super) fn cut(frame: &Pixels, quad: &Quad) -> Option<Pixels> {
    let longer = |[a, b]: [usize; 2], [c, d]: [usize; 2]| {
        distance(quad[a], quad[b]).max(distance(quad[c], quad[d])) as u32
    };
    let (width, height) = (longer([0, 1], [2, 3]), longer([0, 3], [1, 2]));
    if width == 0 || height == 0 {
        return None;
    }
    let map = perspective([f64::from(width), f64::from(height)], quad)?;
    let mut rgb = vec![0; 3 * width as usize * height as usize];
    rgb.par_chunks_exact_mut(3 * width as usize).enumerate().for_each(|(row, line)| {
        for (column, pixel) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = sample(frame, place(&map, column as f64, row as f64));
        }
    });
    let crop = Pixels::new(width, height, rgb)?;
    if f64::from(height) / f64::from(width) >= UPRIGHT { turn_left(&crop) } else { Some(crop) }
}

/// The image turned by a half.
pub(super) fn turn_around(pixels: &Pixels) -> Option<Pixels> {
    let rgb = pixels.rgb().as_chunks::<3>().0.iter().rev().flatten().copied().collect();
    Pixels::new(pixels.width(), pixels.height(), rgb)
}

/// The image turned by a quarter, counterclockwise.
fn turn_left(pixels: &Pixels) -> Option<Pixels> {
    let mut rgb = Vec::with_capacity(pixels.rgb().len());
    for x in (0..pixels.width()).rev() {
        for y in 0..pixels.height() {
            rgb.extend_from_slice(&pixels.at(x, y));
        }
    }
    Pixels::new(pixels.height(), pixels.width(), rgb)
}

/// The first eight entries of the 3x3 matrix (the last is 1) that takes the corners of a rectangle of this size at the origin
/// to the corners of `quad`.
fn perspective([width, height]: [f64; 2], quad: &Quad) -> Option<[f64; 8]> {
    let corners = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]];
    let mut rows = [[0.0; 9]; 8];
    for (index, ([x, y], [u, v])) in corners.into_iter().zip(*quad).enumerate() {
        rows[index] = [x, y, 1.0, 0.0, 0.0, 0.0, -x * u, -y * u, u];
        rows[index + 4] = [0.0, 0.0, 0.0, x, y, 1.0, -x * v, -y * v, v];
    }
    for column in 0..8 {
        let pivot = (column..8).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        if rows[pivot][column] == 0.0 {
            return None;
        }
        rows.swap(column, pivot);
        let lead = rows[column];
        for (index, row) in rows.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / lead[column];
                row.iter_mut().zip(lead).for_each(|(value, lead)| *value -= factor * lead);
            }
        }
    }
    Some(std::array::from_fn(|index| rows[index][8] / rows[index][index]))
}

/// Where the crop's pixel lies in the frame.
fn place(map: &[f64; 8], x: f64, y: f64) -> [f64; 2] {
    let depth = map[6] * x + map[7] * y + 1.0;
    let scale = if depth == 0.0 { 0.0 } else { 1.0 / depth };
    [0, 3].map(|row| (map[row] * x + map[row + 1] * y + map[row + 2]) * scale)
}

fn sample(frame: &Pixels, [x, y]: [f64; 2]) -> [u8; 3] {
    let (columns, across) = taps(x, frame.width());
    let (rows, down) = taps(y, frame.height());
    let mut sums = [0.0_f32; 3];
    for (row, down) in rows.into_iter().zip(down) {
        let line = &frame.rgb()[3 * row * frame.width() as usize..];
        for (column, across) in columns.into_iter().zip(across) {
            for (sum, value) in sums.iter_mut().zip(&line[3 * column..3 * column + 3]) {
                *sum += down * across * f32::from(*value);
            }
        }
    }
    sums.map(|sum| sum.round_ties_even() as u8)
}

/// The four pixels around a position along one axis, the last ones repeated outside, and their weights.
fn taps(position: f64, side: u32) -> ([usize; 4], [f32; 4]) {
    let start = position.floor();
    let pixel = |tap: usize| (start - 1.0 + tap as f64).clamp(0.0, f64::from(side) - 1.0) as usize;
    (std::array::from_fn(pixel), cubic((position - start) as f32))
}

fn cubic(x: f32) -> [f32; 4] {
    let a = SHARPNESS;
    let first = ((a * (x + 1.0) - 5.0 * a) * (x + 1.0) + 8.0 * a) * (x + 1.0) - 4.0 * a;
    let second = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    let third = ((a + 2.0) * (1.0 - x) - (a + 3.0)) * (1.0 - x) * (1.0 - x) + 1.0;
    [first, second, third, 1.0 - first - second - third]
}
