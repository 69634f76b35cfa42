//! OpenCV's `resize` with `INTER_LINEAR` for 8-bit images, as mmcv's `imresize` and `imrescale` call it.
//!
//! Positions are single precision, weights are rounded to 11 bits (half to even), a row is first interpolated
//! horizontally and cut to 15 bits, then pairs of rows are mixed with two high-half multiplications
//! (OpenCV 4.10, `modules/imgproc/src/resize.cpp`, CPU path without IPP's inexact functions). Halving both sides
//! exactly is the mean of four pixels there, and so it is here.

use imgeval_core::Pixels;
use rayon::prelude::*;

use crate::picture;

pub(crate) const WEIGHT_ONE: f32 = 2048.0;
const ROWS_PER_BAND: usize = 32;

/// Scales to `width` x `height`; a side of zero counts as one.
#[must_use]
pub fn resize_bilinear(pixels: &Pixels, width: u32, height: u32) -> Pixels {
    let (width, height) = (width.max(1), height.max(1));
    if (width, height) == (pixels.width(), pixels.height()) {
        return pixels.clone();
    }
    let mut rgb = vec![0; 3 * width as usize * height as usize];
    let halves = |source: u32, target: u32| source.is_multiple_of(2) && source / 2 == target;
    if halves(pixels.width(), width) && halves(pixels.height(), height) {
        halve(pixels, &mut rgb);
    } else {
        interpolate(pixels, width, height, &mut rgb);
    }
    picture(width, height, rgb)
}

/// The size that mmcv's `imrescale` gives a `(width, height)` image: the largest with its proportions whose long side is at
/// most `limit`'s long side and whose short side is at most `limit`'s short side, rounded half up. A
/// image so thin that a side would round to nothing keeps one pixel, which mmcv refuses.
///
/// Source: mmcv 2.1 `rescale_size`; mmdetection's test pipeline uses the limit (1333, 800).
#[must_use]
pub fn rescale_size((width, height): (u32, u32), limit: (u32, u32)) -> (u32, u32) {
    let long_limit = f64::from(limit.0.max(limit.1));
    let short_limit = f64::from(limit.0.min(limit.1));
    let scale = (long_limit / f64::from(width.max(height))).min(short_limit / f64::from(width.min(height)));
    let scaled = |side: u32| (f64::from(side) * scale + 0.5) as u32;
    (scaled(width).max(1), scaled(height).max(1))
}

/// Two neighboring source positions and their 11-bit weights.
#[derive(Clone, Copy)]
pub(crate) struct Tap {
    first: usize,
    second: usize,
    weights: [i16; 2],
}

impl Tap {
    /// The second position's share is `fraction`.
    pub(crate) fn new(first: usize, second: usize, fraction: f32) -> Self {
        Self { first, second, weights: weights(fraction) }
    }
}

/// Columns beyond the edge take the edge pixel alone.
fn column_taps(source: u32, target: u32) -> Vec<Tap> {
    let last = source as usize - 1;
    positions(source, target)
        .map(|(start, fraction)| match usize::try_from(start) {
            Err(_) => Tap { first: 0, second: 0, weights: weights(0.0) },
            Ok(first) if first >= last => Tap { first: last, second: last, weights: weights(0.0) },
            Ok(first) => Tap { first, second: first + 1, weights: weights(fraction) },
        })
        .collect()
}

/// Rows beyond the edge repeat the edge row but keep both weights, whose products are rounded one by one.
fn row_taps(source: u32, target: u32) -> Vec<Tap> {
    let clamped = |row: i64| row.clamp(0, i64::from(source) - 1) as usize;
    positions(source, target)
        .map(|(start, fraction)| Tap {
            first: clamped(start),
            second: clamped(start + 1),
            weights: weights(fraction),
        })
        .collect()
}

/// For each target position the source position left of its center and the distance from it.
fn positions(source: u32, target: u32) -> impl Iterator<Item = (i64, f32)> {
    // OpenCV takes the reciprocal twice; the last bit matters.
    let scale = 1.0 / (f64::from(target) / f64::from(source));
    (0..target).map(move |index| {
        let position = ((f64::from(index) + 0.5) * scale - 0.5) as f32;
        let start = position.floor();
        (start as i64, position - start)
    })
}

fn weights(fraction: f32) -> [i16; 2] {
    [1.0 - fraction, fraction].map(|weight| (weight * WEIGHT_ONE).round_ties_even() as i16)
}

fn interpolate(pixels: &Pixels, width: u32, height: u32, rgb: &mut [u8]) {
    let (columns, rows) = (column_taps(pixels.width(), width), row_taps(pixels.height(), height));
    mix(pixels, width, &columns, &rows, rgb);
}

/// An image of this size, each pixel mixed from the four that the taps of its column and row name.
pub(crate) fn mixed(pixels: &Pixels, (width, height): (u32, u32), columns: &[Tap], rows: &[Tap]) -> Pixels {
    let mut rgb = vec![0; 3 * width as usize * height as usize];
    mix(pixels, width, columns, rows, &mut rgb);
    picture(width, height, rgb)
}

fn mix(pixels: &Pixels, width: u32, columns: &[Tap], rows: &[Tap], rgb: &mut [u8]) {
    let stride = 3 * width as usize;
    rgb.par_chunks_mut(ROWS_PER_BAND * stride).zip(rows.par_chunks(ROWS_PER_BAND)).for_each(
        |(band, taps)| {
            let mut lines = LinePair::new(stride);
            for (target, tap) in band.chunks_exact_mut(stride).zip(taps) {
                lines.load(pixels, columns, tap);
                mix_lines(&lines.upper, &lines.lower, tap.weights, target);
            }
        },
    );
}

/// Two horizontally interpolated source rows, kept while the target rows between them are made.
struct LinePair {
    upper: Vec<i16>,
    lower: Vec<i16>,
    held: [Option<usize>; 2],
}

impl LinePair {
    fn new(stride: usize) -> Self {
        Self { upper: vec![0; stride], lower: vec![0; stride], held: [None; 2] }
    }

    fn load(&mut self, pixels: &Pixels, columns: &[Tap], tap: &Tap) {
        if self.held[0] != Some(tap.first) && self.held[1] == Some(tap.first) {
            std::mem::swap(&mut self.upper, &mut self.lower);
            self.held.swap(0, 1);
        }
        if self.held[0] != Some(tap.first) {
            stretch_line(pixels, tap.first, columns, &mut self.upper);
        }
        if self.held[1] != Some(tap.second) {
            stretch_line(pixels, tap.second, columns, &mut self.lower);
        }
        self.held = [Some(tap.first), Some(tap.second)];
    }
}

/// One source row interpolated horizontally: `(8 bits * 11 bits) >> 4`, at most 32640.
fn stretch_line(pixels: &Pixels, row: usize, columns: &[Tap], target: &mut [i16]) {
    let stride = 3 * pixels.width() as usize;
    let (source, _) = pixels.rgb()[row * stride..][..stride].as_chunks::<3>();
    let (target, _) = target.as_chunks_mut::<3>();
    for (values, tap) in target.iter_mut().zip(columns) {
        let (first, second) = (source[tap.first], source[tap.second]);
        let [first_weight, second_weight] = tap.weights.map(i32::from);
        for channel in 0..3 {
            let sum = i32::from(first[channel]) * first_weight + i32::from(second[channel]) * second_weight;
            values[channel] = (sum >> 4) as i16;
        }
    }
}

fn mix_lines(upper: &[i16], lower: &[i16], weights: [i16; 2], target: &mut [u8]) {
    let high_half = |value: i16, weight: i16| (i32::from(value) * i32::from(weight)) >> 16;
    for ((value, upper), lower) in target.iter_mut().zip(upper).zip(lower) {
        *value = ((high_half(*upper, weights[0]) + high_half(*lower, weights[1]) + 2) >> 2) as u8;
    }
}

fn halve(pixels: &Pixels, rgb: &mut [u8]) {
    let stride = 3 * pixels.width() as usize;
    rgb.par_chunks_mut(stride / 2).zip(pixels.rgb().par_chunks_exact(2 * stride)).for_each(
        |(target, rows)| {
            let (upper, lower) = rows.split_at(stride);
            let pairs = upper.chunks_exact(6).zip(lower.chunks_exact(6));
            for (value, (upper, lower)) in target.chunks_exact_mut(3).zip(pairs) {
                for channel in 0..3 {
                    let sum = [upper[channel], upper[channel + 3], lower[channel], lower[channel + 3]];
                    value[channel] = ((sum.map(u16::from).iter().sum::<u16>() + 2) >> 2) as u8;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    // mmcv.rescale_size(size, (1333, 800)), mmcv 2.1.0's rule int(side * scale + 0.5).
    #[test]
    fn sizes_follow_mmcv() {
        for (size, expected) in [
            ((1024, 1024), (800, 800)),
            ((1536, 1024), (1200, 800)),
            ((1024, 1536), (800, 1200)),
            ((2000, 500), (1333, 333)),
            ((640, 427), (1199, 800)),
            ((3, 1), (1333, 444)),
            ((1, 9000), (1, 1333)),
        ] {
            assert_eq!(rescale_size(size, (1333, 800)), expected, "{size:?}");
        }
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let pixels = picture(5, 7, [12, 200, 255].repeat(35));
        for (width, height) in [(13, 3), (1, 1), (5, 7), (0, 9)] {
            let resized = resize_bilinear(&pixels, width, height);
            assert!(resized.rgb().chunks(3).all(|pixel| pixel == [12, 200, 255]), "{width}x{height}");
        }
    }
}
