//! Power at every frequency.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use rustfft::FftPlanner;

use super::GrayPlane;

/// The squared magnitude of the orthonormal Fourier transform: `|numpy.fft.fft2(plane, norm="ortho")|^2`.
///
/// Row `v`, column `u` holds the frequency of `u / width` cycles per pixel along a row and `v / height` down a column; the
/// zero frequency comes first, frequencies above one half stand for negative ones.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSpectrum {
    width: usize,
    height: usize,
    power: Vec<f64>,
}

impl PowerSpectrum {
    #[must_use]
    pub fn of(plane: &GrayPlane) -> Self {
        let (width, height) = (plane.width(), plane.height());
        let half = width / 2 + 1;
        let columns = transform_columns(transform_rows(plane), half, height);
        let scale = 1.0 / (width * height) as f64;
        let mut power = vec![0.0; width * height];
        for (u, column) in columns.chunks_exact(height).enumerate() {
            for (v, value) in column.iter().enumerate() {
                let squared = value.norm_sqr() * scale;
                power[v * width + u] = squared;
                // Of real numbers, the other half is its mirror image.
                power[(height - v) % height * width + (width - u) % width] = squared;
            }
        }
        Self { width, height, power }
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Row by row, zero frequency first.
    #[must_use]
    pub fn power(&self) -> &[f64] {
        &self.power
    }

    pub(super) fn at(&self, u: usize, v: usize) -> f64 {
        self.power[v * self.width + u]
    }

    /// Every frequency with its power, row by row.
    pub(super) fn frequencies(&self) -> impl Iterator<Item = (Frequency, f64)> {
        let rows = self.power.chunks_exact(self.width).enumerate();
        rows.flat_map(move |(v, row)| {
            let down = signed(v, self.height);
            row.iter().enumerate().map(move |(u, power)| {
                (Frequency { along: signed(u, self.width), down, size: (self.width, self.height) }, *power)
            })
        })
    }
}

/// Frequencies on the edge of two bins belong to the upper one, whatever rounding says.
const HAIR: f64 = 1e-9;

/// A frequency as whole waves over the image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frequency {
    along: f64,
    down: f64,
    size: (usize, usize),
}

impl Frequency {
    /// In waves over the shorter side: whole numbers on the axes of a square image.
    fn radius(self) -> f64 {
        let (width, height) = self.size;
        let side = width.min(height) as f64;
        // Multiplied by exactly 1 for a square, so that 3 and 4 make 5 without rounding.
        let along = self.along * (side / width as f64);
        let down = self.down * (side / height as f64);
        (along * along + down * down).sqrt()
    }

    /// The whole part of the radius.
    pub(super) fn ring(self) -> usize {
        (self.radius() + HAIR) as usize
    }

    /// Index of its band among `n` bands of equal width between zero and the corner.
    pub(super) fn band(self, n: usize) -> usize {
        let band = (self.cycles() / std::f64::consts::FRAC_1_SQRT_2 * n as f64 + HAIR) as usize;
        // The corner itself is the end of the last band.
        band.min(n - 1)
    }

    /// In cycles per pixel: 0 to the square root of one half.
    pub(super) fn cycles(self) -> f64 {
        self.radius() / self.size.0.min(self.size.1) as f64
    }

    /// From 0 (waves along a row) over a quarter turn (waves down a column) to a half turn, in radians, half turn excluded.
    pub(super) fn angle(self) -> f64 {
        let (width, height) = self.size;
        let angle = (self.down / height as f64).atan2(self.along / width as f64);
        angle.rem_euclid(std::f64::consts::PI)
    }
}

fn signed(index: usize, n: usize) -> f64 {
    if 2 * index <= n { index as f64 } else { index as f64 - n as f64 }
}

/// Half of each row's transform, row by row.
fn transform_rows(plane: &GrayPlane) -> Vec<Complex<f64>> {
    let width = plane.width();
    let transform = RealFftPlanner::<f64>::new().plan_fft_forward(width);
    let mut scratch = transform.make_scratch_vec();
    let mut input = transform.make_input_vec();
    let half = width / 2 + 1;
    let mut output = vec![Complex::default(); half * plane.height()];
    for (row, spectrum) in plane.values().chunks_exact(width).zip(output.chunks_exact_mut(half)) {
        for (place, value) in input.iter_mut().zip(row) {
            *place = f64::from(*value);
        }
        let done = transform.process_with_scratch(&mut input, spectrum, &mut scratch);
        debug_assert!(done.is_ok(), "buffers are made by the transform itself");
    }
    output
}

/// Column by column: the transposed input, transformed.
fn transform_columns(rows: Vec<Complex<f64>>, width: usize, height: usize) -> Vec<Complex<f64>> {
    let mut columns = vec![Complex::default(); rows.len()];
    for (v, row) in rows.chunks_exact(width).enumerate() {
        for (u, value) in row.iter().enumerate() {
            columns[u * height + v] = *value;
        }
    }
    FftPlanner::new().plan_fft_forward(height).process(&mut columns);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_two_peaks_that_hold_its_energy() {
        let (width, height) = (12_usize, 10_usize);
        let wave = |place: usize| {
            let (x, y) = ((place % width) as f32, (place / width) as f32);
            (std::f32::consts::TAU * (2.0 * x / 12.0 + 3.0 * y / 10.0)).cos()
        };
        let plane = GrayPlane::new(width, height, (0..120).map(wave).collect()).unwrap();
        let spectrum = PowerSpectrum::of(&plane);
        for (place, power) in spectrum.power().iter().enumerate() {
            let is_peak = [(2, 3), (10, 7)].contains(&(place % width, place / width));
            let expected = if is_peak { 30.0 } else { 0.0 };
            assert!((power - expected).abs() < 1e-4, "{place}: {power}");
        }
    }
}
