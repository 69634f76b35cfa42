//! Power at every frequency of an image's center square.

use realfft::{RealFftPlanner, num_complex::Complex};
use rustfft::FftPlanner;

use super::{Gray, Measured, NotMeasurable, gray::SCALE};

/// Pixels on a side below which there are too few frequencies.
const MIN_SIDE: usize = 32;

/// |FFT|^2 of the center square of even side `n`, its mean removed, under a periodic Hann window on both axes; gray in [0, 255].
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Mean power of the frequencies that round to r / n cycles per pixel, for r from 0 to n / 2.
    pub radial: Vec<f64>,
    /// Power above 1/4 cycle per pixel, corners included, over all power but that of the mean.
    pub hf_share_quarter: f64,
    /// The same above 1/8 cycle per pixel.
    pub hf_share_eighth: f64,
    n: usize,
}

impl Spectrum {
    /// # Errors
    /// If a side has fewer than 32 pixels or the square has one level of gray.
    pub fn of(gray: &Gray) -> Measured<Self> {
        gray.check(MIN_SIDE)?;
        Self::of_power(&SquarePower::of(gray, Square::center(gray)))
    }

    pub(super) fn of_power(power: &SquarePower) -> Measured<Self> {
        let n = power.n;
        let (mut sums, mut counts) = (vec![0.0; n], vec![0_u64; n]);
        let (mut all, mut above_eighth, mut above_quarter) = (0.0, 0.0, 0.0);
        for u in 0..=n / 2 {
            let column = power.column(u);
            // Of real numbers, columns between the first and the last stand for two.
            let weight = if u == 0 || u == n / 2 { 1 } else { 2 };
            let mut radius = u;
            for v in 0..=n / 2 {
                let squared = u * u + v * v;
                // The nearest whole number: halves cannot occur.
                while squared > radius * radius + radius {
                    radius += 1;
                }
                let (here, count) = match v {
                    0 => (column[0], 1),
                    _ if v == n / 2 => (column[v], 1),
                    _ => (column[v] + column[n - v], 2),
                };
                let here = here * weight as f64;
                sums[radius] += here;
                counts[radius] += weight * count;
                all += here;
                if 64 * squared > n * n {
                    above_eighth += here;
                }
                if 16 * squared > n * n {
                    above_quarter += here;
                }
            }
        }
        all -= sums[0];
        if all <= 0.0 {
            return Err(NotMeasurable::OneGray);
        }
        let means = sums.iter().zip(&counts).take(n / 2 + 1);
        let radial = means.map(|(sum, count)| sum / *count as f64).collect();
        Ok(Self { radial, hf_share_quarter: above_quarter / all, hf_share_eighth: above_eighth / all, n })
    }

    /// Pixels on a side of the square.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// The frequency of a place of `radial` in cycles per pixel.
    #[must_use]
    pub fn frequency(&self, place: usize) -> f64 {
        place as f64 / self.n as f64
    }

    /// The power that rounding to 8 bits leaves at every frequency: the variance of 1/12 under the window.
    #[must_use]
    pub fn rounding_floor(&self) -> f64 {
        // The squares of a periodic Hann window sum to 3/8 of its length.
        (0.375 * self.n as f64).powi(2) / 12.0
    }
}

/// A square inside an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Square {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) n: usize,
}

impl Square {
    /// The largest of even side in the middle.
    pub(super) fn center(gray: &Gray) -> Self {
        let n = gray.width().min(gray.height()) / 2 * 2;
        Self { left: (gray.width() - n) / 2, top: (gray.height() - n) / 2, n }
    }
}

/// |FFT|^2 of a windowed square: the half with frequencies from 0 to n / 2 along a row.
pub(super) struct SquarePower {
    pub(super) n: usize,
    /// Column by column.
    power: Vec<f64>,
}

impl SquarePower {
    pub(super) fn of(gray: &Gray, square: Square) -> Self {
        let n = square.n;
        let window = hann(n);
        let rows = (0..n).map(|y| &gray.row(square.top + y)[square.left..square.left + n]);
        let sum: f64 = rows.clone().map(|row| row.iter().map(|value| f64::from(*value)).sum::<f64>()).sum();
        let mean = sum / (n * n) as f64;
        let transform = RealFftPlanner::<f64>::new().plan_fft_forward(n);
        let mut input = transform.make_input_vec();
        let mut output = transform.make_output_vec();
        let mut scratch = transform.make_scratch_vec();
        let half = n / 2 + 1;
        let mut spectra = vec![Complex::default(); half * n];
        for ((row, weight), spectrum) in rows.zip(&window).zip(spectra.chunks_exact_mut(half)) {
            for ((place, value), across) in input.iter_mut().zip(row).zip(&window) {
                *place = (f64::from(*value) - mean) / SCALE * (weight * across);
            }
            let done = transform.process_with_scratch(&mut input, &mut output, &mut scratch);
            debug_assert!(done.is_ok(), "buffers are made by the transform itself");
            spectrum.copy_from_slice(&output);
        }
        Self { n, power: column_power(&spectra, half, n) }
    }

    /// The power at `u` cycles along a row, at most n / 2, for all numbers of cycles down a column.
    fn column(&self, u: usize) -> &[f64] {
        &self.power[u * self.n..(u + 1) * self.n]
    }

    /// The power at any whole numbers of cycles.
    pub(super) fn at(&self, u: isize, v: isize) -> f64 {
        let n = self.n as isize;
        let (u, v) = (u.rem_euclid(n), v.rem_euclid(n));
        // Of real numbers, the other half is its mirror image.
        let (u, v) = if u > n / 2 { (n - u, (n - v) % n) } else { (u, v) };
        self.power[(u * n + v) as usize]
    }
}

/// Columns that are turned and transformed together, so that memory is read in whole lines.
const BATCH: usize = 8;

fn column_power(spectra: &[Complex<f64>], half: usize, n: usize) -> Vec<f64> {
    let transform = FftPlanner::<f64>::new().plan_fft_forward(n);
    let mut scratch = vec![Complex::default(); transform.get_inplace_scratch_len()];
    let mut columns = vec![Complex::default(); BATCH * n];
    let mut power = Vec::with_capacity(half * n);
    for first in (0..half).step_by(BATCH) {
        let count = BATCH.min(half - first);
        for (v, row) in spectra.chunks_exact(half).enumerate() {
            for (step, value) in row[first..first + count].iter().enumerate() {
                columns[step * n + v] = *value;
            }
        }
        let columns = &mut columns[..count * n];
        transform.process_with_scratch(columns, &mut scratch);
        power.extend(columns.iter().map(Complex::norm_sqr));
    }
    power
}

/// Periodic: the window of n + 1 numbers without its last.
pub(super) fn hann(n: usize) -> Vec<f64> {
    (0..n).map(|place| 0.5 - 0.5 * (std::f64::consts::TAU * place as f64 / n as f64).cos()).collect()
}
