//! Power as a function of the distance from zero frequency, or of direction.

use super::resize::resize_bicubic;
use super::{GrayPlane, PowerSpectrum, SpectrumError, check_size};

/// The mean power of each whole radius (Durall et al. 2020, "Watch your up-convolution").
///
/// Entry r is the mean over the frequencies whose distance from zero frequency, in waves over the shorter side, rounds down to r; the last
/// entries are the corners beyond 0.5 cycles per pixel. A square image of side n has entries 0 to n / sqrt(2), rounded down.
///
/// Known deviation: the published code measures from the middle of the array, half a step beside zero frequency; here
/// it is zero frequency itself. Images that are not square are an extension.
#[must_use]
pub fn azimuthal_power(spectrum: &PowerSpectrum) -> Vec<f64> {
    let mut sums: Vec<f64> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    for (frequency, power) in spectrum.frequencies() {
        let radius = frequency.ring();
        if radius >= sums.len() {
            sums.resize(radius + 1, 0.0);
            counts.resize(radius + 1, 0);
        }
        sums[radius] += power;
        counts[radius] += 1;
    }
    sums.iter().zip(counts).map(|(sum, count)| sum / count.max(1) as f64).collect()
}

/// [`azimuthal_power`] of the image minus its 3x3 median (Ricker et al. 2022, "Toward the detection of diffusion model deepfakes").
#[must_use]
pub fn high_pass_azimuthal_power(plane: &GrayPlane) -> Vec<f64> {
    azimuthal_power(&PowerSpectrum::of(&plane.median_residual()))
}

/// The side that images are brought to by [`corvi_spectra`].
pub const CORVI_SIDE: usize = 256;
/// Directions over half a turn.
pub const ANGULAR_SECTORS: usize = 16;
/// Variance of what resampling's rounding makes of an image without contrast, and more; one pixel one gray value brighter is 2e-10.
const FLAT: f64 = 1e-12;
/// Cycles per pixel; below, direction is the image's content.
const ANGULAR_INNER: f64 = 0.1;

/// How the energy of an image is spread over distance and direction (Corvi et al. 2023, "Intriguing properties of synthetic images").
#[derive(Debug, Clone, PartialEq)]
pub struct CorviSpectra {
    /// Entry r is the share of the energy at distances from r to r + 1 waves over 256 pixels; 182 entries that sum to 1.
    pub radial: Vec<f64>,
    /// The share of the energy above 0.1 cycles per pixel in 16 sectors of 1/16 of a half turn. Sector 0 is centerd on waves along a
    /// row, sector 8 on waves down a column. Not normalized: the sum is the share of the energy above 0.1.
    pub angular: [f64; ANGULAR_SECTORS],
}

/// The image is brought to a shorter side of 256 (bicubic, antialiased, as Pillow's on floats), cut to its central square, and freed of
/// mean and contrast; an image without any contrast has no energy, and zeros everywhere.
///
/// The paper does not say how it resamples and where sectors begin; both are ours.
///
/// # Errors
/// If a side is shorter than [`super::MIN_SIDE`].
pub fn corvi_spectra(plane: &GrayPlane) -> Result<CorviSpectra, SpectrumError> {
    check_size(plane)?;
    let too_small = SpectrumError::TooSmall { width: plane.width(), height: plane.height() };
    let shorter = plane.width().min(plane.height()) as f64;
    let scaled = |side: usize| (side as f64 * CORVI_SIDE as f64 / shorter).round() as usize;
    let square = resize_bicubic(plane, scaled(plane.width()), scaled(plane.height()))
        .and_then(|resized| resized.centre_crop(CORVI_SIDE, CORVI_SIDE))
        .ok_or(too_small)?;

    let spectrum = PowerSpectrum::of(&square);
    // Without zero frequency and divided by the rest: the mean is taken off and the variance is one.
    let energy: f64 = spectrum.power().iter().skip(1).sum();
    let scale = if energy > FLAT * spectrum.power().len() as f64 { 1.0 / energy } else { 0.0 };
    let mut spectra = CorviSpectra { radial: vec![0.0; 182], angular: [0.0; ANGULAR_SECTORS] };
    for (frequency, power) in spectrum.frequencies().skip(1) {
        spectra.radial[frequency.ring()] += power * scale;
        if frequency.cycles() > ANGULAR_INNER {
            let turn = frequency.angle() / std::f64::consts::PI;
            spectra.angular[(turn * ANGULAR_SECTORS as f64).round() as usize % ANGULAR_SECTORS] +=
                power * scale;
        }
    }
    Ok(spectra)
}

/// The mean of curves of one length, one image at a time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeanCurve {
    sums: Vec<f64>,
    n: usize,
}

impl MeanCurve {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// # Errors
    /// If earlier curves had another length.
    pub fn add(&mut self, curve: &[f64]) -> Result<(), SpectrumError> {
        self.add_sums(curve, 1)
    }

    /// As if the other's curves had been added here. The order of merging may change the last bits.
    ///
    /// # Errors
    /// If the other's curves have another length.
    pub fn merge(&mut self, other: &Self) -> Result<(), SpectrumError> {
        if other.n == 0 { Ok(()) } else { self.add_sums(&other.sums, other.n) }
    }

    fn add_sums(&mut self, sums: &[f64], n: usize) -> Result<(), SpectrumError> {
        if self.n == 0 {
            self.sums = vec![0.0; sums.len()];
        }
        if self.sums.len() != sums.len() {
            return Err(SpectrumError::OtherLength { expected: self.sums.len(), found: sums.len() });
        }
        for (total, value) in self.sums.iter_mut().zip(sums) {
            *total += value;
        }
        self.n += n;
        Ok(())
    }

    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// `None` if nothing was added.
    #[must_use]
    pub fn mean(&self) -> Option<Vec<f64>> {
        (self.n > 0).then(|| self.sums.iter().map(|sum| sum / self.n as f64).collect())
    }
}
