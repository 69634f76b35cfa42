//! One image's spectrum as a row of numbers, whatever the image's size.

use super::lattice::whole_periods;
use super::{Direction, GrayPlane, LatticePeaks, N_MULTIPLES, PowerSpectrum, SpectrumError, check_size};

/// Bands of equal width from zero to the corner, the square root of one half, in cycles per pixel.
pub const SPECTRUM_BINS: usize = 64;
/// Numbers in a row of [`spectrum_features`].
pub const N_SPECTRUM_FEATURES: usize = 2 * SPECTRUM_BINS + 4 * N_MULTIPLES;
/// Far below what rounding to bytes leaves (1.3e-6), so that a flat image has a logarithm.
const FLOOR: f64 = 1e-9;

/// What a classifier is told of an image, [`N_SPECTRUM_FEATURES`] numbers:
///
/// - 64: natural logarithm of the mean power in each of [`SPECTRUM_BINS`] bands of frequency ([`bin_frequencies`]), zero frequency left out;
/// - 64: the same of the image minus its 3x3 median;
/// - 32: natural logarithm of the [`LatticePeaks`], direction by direction, multiples 1 to 8.
///
/// Bands are in cycles per pixel, so that images of any size have comparable rows; an image's size is not among the numbers. At most
/// 15 columns and rows are cut off at the end.
///
/// # Errors
/// If a side is shorter than [`super::MIN_SIDE`].
pub fn spectrum_features(plane: &GrayPlane) -> Result<Vec<f32>, SpectrumError> {
    check_size(plane)?;
    let plane = whole_periods(plane);
    let residual = PowerSpectrum::of(&plane.median_residual());
    let curves = [band_power(&PowerSpectrum::of(&plane)), band_power(&residual)];
    let logarithms = curves.iter().flatten().map(|power| (power + FLOOR).ln());
    let peaks = LatticePeaks::of_spectrum(&residual);
    Ok(logarithms.chain(peaks.logarithms().iter().flatten().copied()).map(|value| value as f32).collect())
}

/// What a number of [`spectrum_features`] is, for people; `None` beyond its end.
#[must_use]
pub fn spectrum_feature_name(index: usize) -> Option<String> {
    let band = |index: usize| format!("{:.3} cycles per pixel", bin_frequencies()[index]);
    let peak = index.wrapping_sub(2 * SPECTRUM_BINS);
    Some(match index {
        0..64 => format!("power at {}", band(index)),
        64..128 => format!("residual power at {}", band(index - SPECTRUM_BINS)),
        128..N_SPECTRUM_FEATURES => {
            let direction = Direction::ALL[peak / N_MULTIPLES].code();
            format!("{direction} peak at {}/16 cycles per pixel", peak % N_MULTIPLES + 1)
        }
        _ => return None,
    })
}

/// The middle of each band, in cycles per pixel.
#[must_use]
pub fn bin_frequencies() -> Vec<f64> {
    let width = std::f64::consts::FRAC_1_SQRT_2 / SPECTRUM_BINS as f64;
    (0..SPECTRUM_BINS).map(|bin| (bin as f64 + 0.5) * width).collect()
}

/// The mean power in each band. A band without any frequency, which only the lowest of small images are, takes the next one's.
pub(super) fn band_power(spectrum: &PowerSpectrum) -> Vec<f64> {
    let mut sums = [0.0; SPECTRUM_BINS];
    let mut counts = [0_usize; SPECTRUM_BINS];
    for (frequency, power) in spectrum.frequencies().skip(1) {
        let bin = frequency.band(SPECTRUM_BINS);
        sums[bin] += power;
        counts[bin] += 1;
    }
    let mut means = vec![0.0; SPECTRUM_BINS];
    let mut next = 0.0;
    for bin in (0..SPECTRUM_BINS).rev() {
        if counts[bin] > 0 {
            next = sums[bin] / counts[bin] as f64;
        }
        means[bin] = next;
    }
    means
}
