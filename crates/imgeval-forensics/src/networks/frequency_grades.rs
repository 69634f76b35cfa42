//! Windows of an image, graded by how much high frequency they hold.
//!
//! Windows of 32 x 32 pixels begin at every 16th pixel. A window's grade is a weighted sum over the coefficients of its cosine transform,
//! in six bands of frequency, each worth twice the one below it (AIDE, arXiv 2406.19435).

use std::f64::consts::PI;

use candle_core::Result as CandleResult;
use imgeval_vision::ops::{
    gemm::{DenseRows, Epilogue, PackedMatrix, RowSource, product},
    tensor::with_numbers,
};
use rayon::prelude::*;

use super::map::Map;

/// Side of a window.
pub const WINDOW: usize = 32;
const STRIDE: usize = 16;
const N_BANDS: usize = 6;
const CHANNELS: usize = 3;

/// What grading takes in memory at most, for each pixel of the image: the transform of lines, of which each pixel is in two.
pub const BYTES_PER_PIXEL: u64 = 4 * 2 * CHANNELS as u64;

/// The grades of all windows, row by row.
#[derive(Debug, Clone)]
pub struct Grades {
    pub numbers: Vec<f64>,
    pub windows_per_row: usize,
}

impl Grades {
    /// Of a map [height x width, 3] whose sides are at least [`WINDOW`].
    ///
    /// # Errors
    /// If the map is not one of 32-bit numbers on the CPU.
    pub fn of(map: &Map) -> CandleResult<Self> {
        let (height, width) = map.size;
        let count = |length: usize| length.saturating_sub(WINDOW) / STRIDE + 1;
        let (down, across) = (count(height), count(width));
        let cosines = PackedMatrix::from_transposed(&cosines(), WINDOW, WINDOW);
        let weights = weights();
        with_numbers(&map.x, |numbers| {
            // [channel, row, window of the row, frequency].
            let mut lines = vec![0.0; CHANNELS * height * across * WINDOW];
            let rows = Lines { numbers, height, width, across };
            product(&rows, CHANNELS * height * across, cosines.view(), Epilogue::default(), &mut lines);
            let grades = (0..down).into_par_iter().map(|window_row| {
                let mut columns = vec![0.0; across * WINDOW * WINDOW];
                let mut grades = vec![0.0; across];
                for channel in 0..CHANNELS {
                    let first = (channel * height + STRIDE * window_row) * across * WINDOW;
                    let transposed = transposed(&lines[first..][..WINDOW * across * WINDOW], across * WINDOW);
                    let rows = DenseRows { numbers: &transposed, depth: WINDOW };
                    product(&rows, across * WINDOW, cosines.view(), Epilogue::default(), &mut columns);
                    for (grade, window) in grades.iter_mut().zip(columns.chunks_exact(WINDOW * WINDOW)) {
                        let terms = window.iter().zip(&weights);
                        *grade +=
                            terms.map(|(x, weight)| f64::from((1.0 + x.abs()).ln() * weight)).sum::<f64>();
                    }
                }
                grades
            });
            let grades: Vec<Vec<f64>> = grades.collect();
            Ok(Self { numbers: grades.concat(), windows_per_row: across })
        })
    }

    /// The windows by their grade, lowest first; of equal ones the first in the image.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.numbers.len()).collect();
        order.sort_by(|a, b| self.numbers[*a].total_cmp(&self.numbers[*b]));
        order
    }

    /// The upper left pixel of a window: row and column.
    #[must_use]
    pub fn corner(&self, window: usize) -> (usize, usize) {
        (STRIDE * (window / self.windows_per_row), STRIDE * (window % self.windows_per_row))
    }
}

/// The orthonormal cosine transform [frequency, place].
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "small numbers; single precision"
)]
fn cosines() -> Vec<f32> {
    let side = WINDOW as f64;
    let number = |place: usize| {
        let (frequency, place) = ((place / WINDOW) as f64, (place % WINDOW) as f64);
        let scale = if frequency == 0.0 { (1.0 / side).sqrt() } else { (2.0 / side).sqrt() };
        (scale * (PI * frequency * (place + 0.5) / side).cos()) as f32
    };
    (0..WINDOW * WINDOW).map(number).collect()
}

/// What a coefficient counts. A band holds the coefficients whose two frequencies add up to its bounds or to what lies between them, so
/// that a bound that is a whole number belongs to two bands; a band is the mean of its coefficients.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn weights() -> Vec<f32> {
    let step = 2.0 * WINDOW as f64 / N_BANDS as f64;
    let sum_of = |place: usize| (place / WINDOW + place % WINDOW) as f64;
    let mut weights = vec![0.0_f32; WINDOW * WINDOW];
    for band in 0..N_BANDS {
        let bounds = step * band as f64..=step * (band + 1) as f64;
        let count = (0..weights.len()).filter(|place| bounds.contains(&sum_of(*place))).count();
        let weight = (1_u32 << band) as f32 / count as f32;
        for (place, sum) in weights.iter_mut().enumerate() {
            *sum += if bounds.contains(&sum_of(place)) { weight } else { 0.0 };
        }
    }
    weights
}

/// The lines of all windows, one channel after another.
struct Lines<'a> {
    numbers: &'a [f32],
    height: usize,
    width: usize,
    across: usize,
}

impl RowSource for Lines<'_> {
    fn fill(&self, row: usize, start: usize, target: &mut [f32]) {
        let (line, window) = (row / self.across, row % self.across);
        let (channel, y) = (line / self.height, line % self.height);
        let first = (y * self.width + STRIDE * window + start) * CHANNELS + channel;
        let source = self.numbers[first..].iter().step_by(CHANNELS);
        target.iter_mut().zip(source).for_each(|(target, x)| *target = *x);
    }
}

/// [rows, columns] to [columns, rows].
fn transposed(numbers: &[f32], columns: usize) -> Vec<f32> {
    let rows = numbers.len() / columns;
    let mut result = vec![0.0; numbers.len()];
    for (row, line) in numbers.chunks_exact(columns).enumerate() {
        line.iter().enumerate().for_each(|(column, x)| result[column * rows + row] = *x);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_that_is_a_bound_counts_in_two_bands() {
        let weights = weights();
        let of_sum =
            |sum: usize| f64::from(weights[sum.min(WINDOW - 1) * WINDOW + sum - sum.min(WINDOW - 1)]);
        // The coefficients of the third band: 352 of the sums 22 to 31, and 31 of the sum 32; those of the fourth: the same by symmetry.
        let count: usize = (22..=32).map(|sum: usize| if sum < 32 { sum + 1 } else { 63 - sum }).sum();
        assert!((of_sum(22) - 4.0 / count as f64).abs() < 1e-6);
        assert!(of_sum(32) > of_sum(31) + of_sum(33) - 1e-6);
    }

    #[test]
    fn a_flat_window_has_the_grade_of_its_level_alone() {
        let x = candle_core::Tensor::full(0.5_f32, (48 * 48, 3), &candle_core::Device::Cpu).unwrap();
        let grades = Grades::of(&Map { x, size: (48, 48) }).unwrap();
        assert_eq!((grades.numbers.len(), grades.windows_per_row), (4, 2));
        // The only coefficient is 32 times the level, in the lowest band of 66 coefficients.
        let expected = 3.0 * 17.0_f64.ln() / 66.0;
        assert!(grades.numbers.iter().all(|grade| (grade - expected).abs() < 1e-3), "{grades:?}");
        assert_eq!(grades.corner(3), (16, 16));
    }
}
