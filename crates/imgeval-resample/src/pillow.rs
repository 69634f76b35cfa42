//! Pillow's `Image.resize` for the modes RGB and L, and `Image.crop`.
//!
//! Bilinear, bicubic and Lanczos are separable convolutions whose support grows when shrinking. Weights are normalized in
//! double precision and rounded to 22 bits; rows are filtered first and kept as 8 bits, then columns (Pillow 10.4,
//! `src/libImaging/Resample.c`; Pillow 13 sometimes filters columns first and differs). Nearest takes the pixel under
//! each center, whose position is summed up from pixel to pixel (`src/libImaging/Geometry.c`, `ImagingScaleAffine`).

use std::{f64::consts::PI, ops::Range};

use imgeval_core::{GrayPixels, Pixels};
use rayon::prelude::*;

use crate::{gray_picture, picture};

const PRECISION_BITS: u32 = 22;
const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// More than `Image.crop` gives out without complaint: Pillow's limit against decompression bombs, twice `MAX_IMAGE_PIXELS`.
const MAX_CROP_PIXELS: f64 = 2.0 * 89_478_485.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The pixel under the center, without antialiasing.
    Nearest,
    /// Box, support 0.5: the mean when shrinking.
    Box,
    /// Triangle, support 1.
    Bilinear,
    /// Windowed sinc (Hamming), support 1.
    Hamming,
    /// Cubic convolution with a = -0.5, support 2.
    Bicubic,
    /// Windowed sinc, support 3.
    Lanczos,
}

/// A filter that weighs neighbors.
#[derive(Debug, Clone, Copy)]
struct Window {
    support: f64,
    weight: fn(f64) -> f64,
}

impl Filter {
    /// None for [`Self::Nearest`], which weighs nothing.
    fn window(self) -> Option<Window> {
        match self {
            Self::Nearest => None,
            Self::Box => Some(Window { support: 0.5, weight: rectangle }),
            Self::Bilinear => Some(Window { support: 1.0, weight: triangle }),
            Self::Hamming => Some(Window { support: 1.0, weight: hamming }),
            Self::Bicubic => Some(Window { support: 2.0, weight: cubic }),
            Self::Lanczos => Some(Window { support: 3.0, weight: lanczos }),
        }
    }
}

fn rectangle(distance: f64) -> f64 {
    // Half open, so that a pixel on the border of two targets counts once.
    if distance > -0.5 && distance <= 0.5 { 1.0 } else { 0.0 }
}

fn hamming(distance: f64) -> f64 {
    match distance.abs() {
        0.0 => 1.0,
        x if x < 1.0 => {
            let x = x * PI;
            x.sin() / x * (0.54 + 0.46 * x.cos())
        }
        _ => 0.0,
    }
}

fn triangle(distance: f64) -> f64 {
    (1.0 - distance.abs()).max(0.0)
}

fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.5;
    match distance.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

fn lanczos(distance: f64) -> f64 {
    let sinc = |x: f64| {
        let x = x * PI;
        if x == 0.0 { 1.0 } else { x.sin() / x }
    };
    if (-3.0..3.0).contains(&distance) { sinc(distance) * sinc(distance / 3.0) } else { 0.0 }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CropError {
    #[error("crop box {bounding_box:?} contains no pixels")]
    Empty { bounding_box: [f64; 4] },
    #[error("crop box {bounding_box:?} is too large")]
    TooLarge { bounding_box: [f64; 4] },
}

/// Scales with the bicubic filter, as CLIP's preprocessing does; a side of zero counts as one.
#[must_use]
pub fn resize_bicubic(pixels: &Pixels, width: u32, height: u32) -> Pixels {
    resize(pixels, width, height, Filter::Bicubic)
}

/// Scales to `width` x `height`; a side of zero counts as one. A side that keeps its length is not filtered.
#[must_use]
pub fn resize(pixels: &Pixels, width: u32, height: u32, filter: Filter) -> Pixels {
    let (width, height) = (width.max(1), height.max(1));
    resize_part(pixels, (width, height), 0..width, 0..height, filter)
}

/// The same for mode L.
#[must_use]
pub fn resize_gray(gray: &GrayPixels, width: u32, height: u32, filter: Filter) -> GrayPixels {
    let (width, height) = (width.max(1), height.max(1));
    let source = Raster::<1> { width: gray.width(), height: gray.height(), values: gray.values() };
    gray_picture(width, height, source.resized((width, height), 0..width, 0..height, filter))
}

/// These columns and rows of the image scaled to `(width, height)`: the same bytes as cutting them out afterwards, but
/// the rest is not computed, which may be enormous where an image is thin.
#[must_use]
pub fn resize_part(
    pixels: &Pixels,
    size: (u32, u32),
    columns: Range<u32>,
    rows: Range<u32>,
    filter: Filter,
) -> Pixels {
    let source = Raster::<3> { width: pixels.width(), height: pixels.height(), values: pixels.rgb() };
    let (width, height) = (columns.end - columns.start, rows.end - rows.start);
    picture(width, height, source.resized(size, columns, rows, filter))
}

/// Rows of pixels of `CHANNELS` bytes.
#[derive(Clone, Copy)]
struct Raster<'a, const CHANNELS: usize> {
    width: u32,
    height: u32,
    values: &'a [u8],
}

impl<const CHANNELS: usize> Raster<'_, CHANNELS> {
    fn stride(&self) -> usize {
        CHANNELS * self.width as usize
    }

    fn resized(
        &self,
        (width, height): (u32, u32),
        columns: Range<u32>,
        rows: Range<u32>,
        filter: Filter,
    ) -> Vec<u8> {
        let Some(window) = filter.window() else {
            return self.nearest(
                &nearest_positions(self.width, width, columns),
                &nearest_positions(self.height, height, rows),
            );
        };
        let vertical =
            (height != self.height).then(|| Kernel::new(self.height, height, rows.clone(), window));
        let needed = vertical.as_ref().map_or(rows.start as usize..rows.end as usize, Kernel::span);
        let n_columns = columns.end - columns.start;
        let strip = if width == self.width {
            self.cut(columns, needed.clone())
        } else {
            self.resize_rows(needed.clone(), &Kernel::new(self.width, width, columns, window))
        };
        match vertical {
            Some(kernel) => {
                let strip = Raster::<CHANNELS> { width: n_columns, height: 0, values: &strip };
                strip.resize_columns(needed.start, &kernel)
            }
            None => strip,
        }
    }

    fn nearest(&self, columns: &[usize], rows: &[usize]) -> Vec<u8> {
        let lines = rows.iter().map(|row| &self.values[row * self.stride()..][..self.stride()]);
        lines
            .flat_map(|line| {
                let (line, _) = line.as_chunks::<CHANNELS>();
                columns.iter().flat_map(|&column| line[column])
            })
            .collect()
    }

    fn cut(&self, columns: Range<u32>, rows: Range<usize>) -> Vec<u8> {
        let part = CHANNELS * columns.start as usize..CHANNELS * columns.end as usize;
        let lines = self.values.chunks_exact(self.stride()).skip(rows.start).take(rows.len());
        lines.flat_map(|line| &line[part.clone()]).copied().collect()
    }

    /// These rows, filtered along x.
    fn resize_rows(&self, rows: Range<usize>, kernel: &Kernel) -> Vec<u8> {
        let width = kernel.runs.len() - 1;
        let mut values = vec![0; CHANNELS * width * rows.len()];
        let sources = self.values[rows.start * self.stride()..].par_chunks_exact(self.stride());
        values.par_chunks_mut(CHANNELS * width).zip(sources).for_each(|(target, source)| {
            let (target, _) = target.as_chunks_mut::<CHANNELS>();
            let (source, _) = source.as_chunks::<CHANNELS>();
            for (value, (first, weights)) in target.iter_mut().zip(kernel.taps()) {
                let mut sums = [HALF; CHANNELS];
                for (pixel, weight) in source[first..].iter().zip(weights) {
                    for channel in 0..CHANNELS {
                        sums[channel] += i32::from(pixel[channel]) * weight;
                    }
                }
                *value = sums.map(clip);
            }
        });
        values
    }

    /// Filtered along y; the first row here is row `first_row` of the kernel's source.
    fn resize_columns(&self, first_row: usize, kernel: &Kernel) -> Vec<u8> {
        let stride = self.stride();
        let taps: Vec<_> = kernel.taps().collect();
        let mut values = vec![0; stride * taps.len()];
        values.par_chunks_mut(stride).zip(taps).for_each_init(
            || vec![0; stride],
            |sums, (target, (first, weights))| {
                sums.fill(HALF);
                let rows = self.values[(first - first_row) * stride..].chunks_exact(stride);
                for (source, weight) in rows.zip(weights) {
                    for (sum, value) in sums.iter_mut().zip(source) {
                        *sum += i32::from(*value) * weight;
                    }
                }
                for (value, sum) in target.iter_mut().zip(sums.iter()) {
                    *value = clip(*sum);
                }
            },
        );
        values
    }
}

/// The source positions under the centers of some target positions.
fn nearest_positions(source: u32, target: u32, positions: Range<u32>) -> Vec<usize> {
    // Pillow keeps the box in single precision.
    let step = f64::from(source as f32) / f64::from(target);
    let mut center = step * 0.5;
    let mut found = Vec::with_capacity(positions.len());
    for position in 0..positions.end {
        if position >= positions.start {
            found.push((center as usize).min(source as usize - 1));
        }
        // A product would be rounded otherwise.
        center += step;
    }
    found
}

/// Crops `[left, top, right, bottom]`, each rounded half to even; pixels outside the image are black.
///
/// # Errors
///
/// [`CropError::Empty`] if the rounded box has no width or height or is not finite, [`CropError::TooLarge`] beyond
/// 179 million pixels.
pub fn crop(pixels: &Pixels, bounding_box: [f64; 4]) -> Result<Pixels, CropError> {
    let [left, top, right, bottom] = bounding_box.map(f64::round_ties_even);
    let (width, height) = (right - left, bottom - top);
    if !(width >= 1.0 && height >= 1.0 && bounding_box.iter().all(|edge| edge.is_finite())) {
        return Err(CropError::Empty { bounding_box });
    }
    if width * height > MAX_CROP_PIXELS {
        return Err(CropError::TooLarge { bounding_box });
    }
    // Exact: both sides are whole numbers below 2^28, and edges beyond i64 saturate far outside every image.
    let (width, height) = (width as usize, height as usize);
    let columns = Overlap::of(left as i64, width, pixels.width());
    let rows = Overlap::of(top as i64, height, pixels.height());
    let stride = 3 * pixels.width() as usize;
    let mut rgb = vec![0; 3 * width * height];
    for row in 0..rows.length {
        let source = &pixels.rgb()[(rows.source + row) * stride + 3 * columns.source..][..3 * columns.length];
        let start = 3 * ((rows.target + row) * width + columns.target);
        rgb[start..start + source.len()].copy_from_slice(source);
    }
    Ok(picture(width as u32, height as u32, rgb))
}

/// The part of a cut that lies inside the image, along one axis.
struct Overlap {
    source: usize,
    target: usize,
    length: usize,
}

impl Overlap {
    fn of(start: i64, length: usize, side: u32) -> Self {
        let end = start.saturating_add(length as i64).min(i64::from(side));
        let source = start.max(0);
        if end <= source {
            return Self { source: 0, target: 0, length: 0 };
        }
        let target = source.saturating_sub(start) as usize;
        Self { source: source as usize, target, length: (end - source) as usize }
    }
}

/// The weights of some target positions, each over a run of source positions.
struct Kernel {
    /// Where each run starts, in the source and in `weights`, and one more for the end.
    runs: Vec<(usize, usize)>,
    weights: Vec<i32>,
}

impl Kernel {
    fn new(source: u32, target: u32, positions: Range<u32>, window: Window) -> Self {
        let scale = f64::from(source) / f64::from(target);
        let stretch = scale.max(1.0);
        let support = window.support * stretch;
        let shrink = 1.0 / stretch;

        let mut kernel = Self { runs: Vec::with_capacity(positions.len() + 1), weights: Vec::new() };
        let mut run = Vec::new();
        for index in positions {
            let center = (f64::from(index) + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(source as usize);
            run.clear();
            run.extend(
                (first..end).map(|position| (window.weight)((position as f64 - center + 0.5) * shrink)),
            );
            let total: f64 = run.iter().sum();
            kernel.runs.push((first, kernel.weights.len()));
            kernel.weights.extend(run.iter().map(|weight| {
                let normalized = if total == 0.0 { *weight } else { weight / total };
                let scaled = normalized * f64::from(1 << PRECISION_BITS);
                // Half away from zero, as C's truncating cast gives it.
                if scaled < 0.0 { (scaled - 0.5) as i32 } else { (scaled + 0.5) as i32 }
            }));
        }
        kernel.runs.push((0, kernel.weights.len()));
        kernel
    }

    /// The source positions that any run needs.
    fn span(&self) -> Range<usize> {
        let start = self.taps().map(|(first, _)| first).min().unwrap_or(0);
        start..self.taps().map(|(first, weights)| first + weights.len()).max().unwrap_or(start)
    }

    /// For each target position, where its run starts in the source and the run's weights.
    fn taps(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.runs.windows(2).map(|pair| (pair[0].0, &self.weights[pair[0].1..pair[1].1]))
    }
}

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> Pixels {
        let rgb = (0..width * height).flat_map(|index| [index as u8 + 1, 0, 255]).collect();
        picture(width, height, rgb)
    }

    #[test]
    fn crops_round_half_to_even_and_fill_with_black() {
        let pixels = ramp(4, 3);
        let cut = crop(&pixels, [0.5, 1.5, 2.5, 3.4]).unwrap();
        assert_eq!((cut.width(), cut.height()), (2, 1));
        assert_eq!([cut.at(0, 0)[0], cut.at(1, 0)[0]], [9, 10]);
        let cut = crop(&pixels, [-1.0, -2.0, 6.0, 4.0]).unwrap();
        assert_eq!((cut.width(), cut.height()), (7, 6));
        assert_eq!([cut.at(0, 2), cut.at(1, 1), cut.at(5, 2), cut.at(1, 5)], [[0; 3]; 4]);
        assert_eq!([cut.at(1, 2), cut.at(4, 4)], [[1, 0, 255], [12, 0, 255]]);
        assert!(crop(&pixels, [100.0, 0.0, 102.0, 2.0]).unwrap().rgb().iter().all(|value| *value == 0));
    }

    #[test]
    fn a_part_is_what_cutting_out_afterwards_gives() {
        let pixels = ramp(12, 20);
        for filter in [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            for (width, height) in [(7, 64), (12, 40), (50, 20), (12, 20), (5, 5)] {
                let whole = resize(&pixels, width, height, filter);
                let part = resize_part(&pixels, (width, height), 1..4, 2..5, filter);
                assert_eq!(part, crop(&whole, [1.0, 2.0, 4.0, 5.0]).unwrap(), "{filter:?} {width}x{height}");
            }
        }
    }

    #[test]
    fn boxes_without_pixels_or_with_too_many_are_refused() {
        let pixels = ramp(4, 3);
        for bounding_box in [
            [1.0, 1.0, 1.2, 3.0],
            [2.0, 0.0, 1.0, 3.0],
            [f64::NAN, 0.0, 1.0, 1.0],
            [0.0, 0.0, f64::INFINITY, 1.0],
        ] {
            assert!(matches!(crop(&pixels, bounding_box), Err(CropError::Empty { .. })), "{bounding_box:?}");
        }
        for bounding_box in [[-1e300, 0.0, 1e300, 1.0], [0.0, 0.0, 1e6, 1e6]] {
            assert!(
                matches!(crop(&pixels, bounding_box), Err(CropError::TooLarge { .. })),
                "{bounding_box:?}"
            );
        }
        let cut = crop(&pixels, [-1e17, 0.0, 16.0 - 1e17, 1.0]).unwrap();
        assert_eq!((cut.width(), cut.height()), (16, 1));
    }
}
