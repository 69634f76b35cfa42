//! Peaks that upsampling leaves behind.
//!
//! A decoder that enlarges by s repeats something every s pixels, which is power at multiples of 1/s cycles per pixel.
//! The score of such a place is its power over the median power around it (own measure, docs/methods.md 8.4).

use super::{GrayPlane, PowerSpectrum, SpectrumError, check_size};

/// The enlargements that are looked for.
pub const LATTICE_PERIODS: [usize; 4] = [2, 4, 8, 16];
/// Multiples of 1/16 cycles per pixel in each direction.
pub const N_MULTIPLES: usize = 8;
const PERIOD: usize = 16;
/// Bins to each side that make up the surroundings, without the peak and the bins that touch it.
const NEIGHBOURHOOD: usize = 3;
/// Far below what rounding to bytes leaves (1.3e-6); keeps the ratio of two zeros at one.
const FLOOR: f64 = 1e-12;

/// Where a wave goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Along a row.
    Horizontal,
    /// Down a column.
    Vertical,
    /// As fast to the right as down.
    Diagonal,
    /// As fast to the right as up.
    AntiDiagonal,
}

impl Direction {
    pub const ALL: [Self; 4] = [Self::Horizontal, Self::Vertical, Self::Diagonal, Self::AntiDiagonal];

    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal",
            Self::Vertical => "vertical",
            Self::Diagonal => "diagonal",
            Self::AntiDiagonal => "anti-diagonal",
        }
    }
}

/// Peak scores of four directions at the multiples 1 to 8 of 1/16 cycles per pixel.
///
/// At multiple 8 both diagonals meet in the same place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatticePeaks {
    /// Natural logarithms of the scores, by direction and multiple.
    logarithms: [[f64; N_MULTIPLES]; 4],
}

impl LatticePeaks {
    /// Of the image minus its 3x3 median; at most 15 columns and rows are cut off at the end, so that the places are whole
    /// frequencies.
    ///
    /// # Errors
    /// If a side is shorter than [`super::MIN_SIDE`].
    pub fn of(plane: &GrayPlane) -> Result<Self, SpectrumError> {
        check_size(plane)?;
        Ok(Self::of_spectrum(&PowerSpectrum::of(&whole_periods(plane).median_residual())))
    }

    /// Both sides must be multiples of 16.
    pub(super) fn of_spectrum(spectrum: &PowerSpectrum) -> Self {
        let (width, height) = (spectrum.width(), spectrum.height());
        let at = |direction: Direction, multiple: usize| {
            let (u, v) = (multiple * width / PERIOD, multiple * height / PERIOD);
            let (u, v) = match direction {
                Direction::Horizontal => (u, 0),
                Direction::Vertical => (0, v),
                Direction::Diagonal => (u, v),
                Direction::AntiDiagonal => (u, height - v),
            };
            ((spectrum.at(u, v) + FLOOR) / (surroundings(spectrum, u, v) + FLOOR)).ln()
        };
        let logarithms =
            Direction::ALL.map(|direction| std::array::from_fn(|index| at(direction, index + 1)));
        Self { logarithms }
    }

    pub(super) fn from_logarithms(logarithms: [[f64; N_MULTIPLES]; 4]) -> Self {
        Self { logarithms }
    }

    /// Natural logarithms of the scores: the four directions in the order of [`Direction::ALL`], each at multiples 1 to 8.
    #[must_use]
    pub fn logarithms(&self) -> &[[f64; N_MULTIPLES]; 4] {
        &self.logarithms
    }

    /// Power over the median of its surroundings at `multiple` / 16 cycles per pixel. Of noise the geometric mean is 0.81.
    /// `None` if `multiple` is not between 1 and 8.
    #[must_use]
    pub fn score(&self, direction: Direction, multiple: usize) -> Option<f64> {
        self.logarithms[direction as usize].get(multiple.checked_sub(1)?).map(|logarithm| logarithm.exp())
    }

    /// The geometric mean of the scores, in all directions, at the multiples of 1/`period` that belong to no shorter period.
    /// `None` if `period` is none of [`LATTICE_PERIODS`].
    #[must_use]
    pub fn of_period(&self, period: usize) -> Option<f64> {
        if !LATTICE_PERIODS.contains(&period) {
            return None;
        }
        let step = PERIOD / period;
        // Odd multiples of the step: even ones belong to half the period.
        let is_own = |multiple: &usize| multiple.is_multiple_of(step) && multiple / step % 2 == 1;
        let own: Vec<usize> = (1..=N_MULTIPLES).filter(is_own).collect();
        let sum: f64 =
            self.logarithms.iter().flat_map(|row| own.iter().map(|multiple| row[multiple - 1])).sum();
        Some((sum / (4 * own.len()) as f64).exp())
    }
}

/// Without the columns and rows at the end that fill no period.
pub(super) fn whole_periods(plane: &GrayPlane) -> GrayPlane {
    let whole = |side: usize| side / PERIOD * PERIOD;
    plane.crop(0, 0, whole(plane.width()), whole(plane.height()))
}

/// The median power of the 7x7 bins around, without the innermost 3x3.
fn surroundings(spectrum: &PowerSpectrum, u: usize, v: usize) -> f64 {
    let (width, height) = (spectrum.width(), spectrum.height());
    let offsets = || 0..=2 * NEIGHBOURHOOD;
    let mut around = Vec::with_capacity(40);
    for down in offsets() {
        for along in offsets() {
            if down.abs_diff(NEIGHBOURHOOD).max(along.abs_diff(NEIGHBOURHOOD)) > 1 {
                let column = (u + width + along - NEIGHBOURHOOD) % width;
                let row = (v + height + down - NEIGHBOURHOOD) % height;
                around.push(spectrum.at(column, row));
            }
        }
    }
    around.sort_by(f64::total_cmp);
    (around[19] + around[20]) / 2.0
}
