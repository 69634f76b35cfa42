//! The measurements of one image, or the reasons why they are missing.

use imgeval_core::{GrayPixels, Pixels};
use imgeval_metrics::{
    image::{ImageMeasures, Measured, NotMeasurable, measure_image},
    spectra::{GrayPlane, MIN_SIDE, Signature, SignatureSum, SpectrumError, bin_frequencies},
};

use super::{fingerprint::Lags, number::Number};

/// A grid of 8 pixels is clear from this score on, on both axes: images without a grid read up to 2.8.
const CLEAR_GRID: f64 = 4.0;
/// Cycles per pixel; beyond lie only the corners of the spectrum.
const HIGHEST: f64 = 0.5;
/// The power of rounding to 8 bits, on a scale of 0 to 1 for gray: what lies below is not measured.
const ROUNDING: f64 = 1.0 / (12.0 * 255.0 * 255.0);

/// What one image shows.
pub(super) struct Traces {
    /// In the order of [`Number::PER_IMAGE`]; shares are 0 or 1 here.
    pub(super) numbers: Vec<Measured<f64>>,
    pub(super) residual: Measured<Residual>,
}

/// What the spectra of one image show.
pub(super) struct Residual {
    /// Power in dB at [`spectrum_frequencies`].
    pub(super) curve: Vec<f64>,
    pub(super) lags: Lags,
    /// Large: to be added up and dropped.
    pub(super) sum: SignatureSum,
}

/// The frequencies of spectrum curves in cycles per pixel: the middles of bands of equal width, up to 0.5.
pub(super) fn spectrum_frequencies() -> Vec<f64> {
    bin_frequencies().into_iter().filter(|frequency| *frequency <= HIGHEST).collect()
}

/// Measures an image.
pub(super) fn traces_of(pixels: &Pixels) -> Traces {
    let measures = measure_image(pixels);
    let plane = GrayPlane::of(&GrayPixels::luma_of(pixels));
    let signature = signature_of(&plane, &measures);
    let (described, residual) = match signature {
        Ok((signature, sum)) => {
            let curve = curve_of(&signature);
            let lags = Lags::of(&signature.autocorrelation, energy_of(&plane));
            let spectral = Spectral { bands: bands_of(&curve), peaks: peaks_of(&signature) };
            (Ok(spectral), Ok(Residual { curve, lags, sum }))
        }
        Err(reason) => (Err(reason), Err(reason)),
    };
    let numbers = Number::PER_IMAGE.iter().map(|number| value_of(*number, &measures, described)).collect();
    Traces { numbers, residual }
}

#[derive(Clone, Copy)]
struct Spectral {
    bands: [f64; 3],
    /// Of the periods 2, 4, 8 and 16.
    peaks: [f64; 4],
}

fn signature_of(plane: &GrayPlane, measures: &ImageMeasures) -> Measured<(Signature, SignatureSum)> {
    let mut sum = SignatureSum::new();
    let [width, height] = measures.size;
    sum.add(plane).map_err(|error| match error {
        SpectrumError::TooSmall { .. } | SpectrumError::OtherLength { .. } => {
            NotMeasurable::TooSmall { width, height, needed: MIN_SIDE }
        }
    })?;
    let nothing = match measures.sharpness {
        Err(reason) => reason,
        Ok(_) => NotMeasurable::NoFineDetail,
    };
    let signature = sum.finish().ok_or(nothing)?;
    Ok((signature, sum))
}

/// The mean square of the residual.
fn energy_of(plane: &GrayPlane) -> f64 {
    let residual = plane.median_residual();
    let squares: f64 = residual.values().iter().map(|value| f64::from(*value).powi(2)).sum();
    squares / residual.values().len() as f64
}

fn curve_of(signature: &Signature) -> Vec<f64> {
    let bands = signature.frequencies.iter().zip(&signature.spectrum);
    bands
        .filter(|(frequency, _)| **frequency <= HIGHEST)
        .map(|(_, power)| 10.0 * power.max(ROUNDING).log10())
        .collect()
}

/// The mean of the decibels below 1/8, up to 1/4, and above.
fn bands_of(curve: &[f64]) -> [f64; 3] {
    let (mut sums, mut counts) = ([0.0; 3], [0_usize; 3]);
    for (frequency, decibels) in spectrum_frequencies().iter().zip(curve) {
        let band = usize::from(*frequency > 0.125) + usize::from(*frequency > 0.25);
        sums[band] += decibels;
        counts[band] += 1;
    }
    std::array::from_fn(|band| sums[band] / counts[band].max(1) as f64)
}

fn peaks_of(signature: &Signature) -> [f64; 4] {
    [2, 4, 8, 16].map(|period| signature.peaks.of_period(period).unwrap_or(f64::NAN))
}

fn value_of(number: Number, measures: &ImageMeasures, spectral: Measured<Spectral>) -> Measured<f64> {
    let share = |is_so: bool| f64::from(u8::from(is_so));
    let largest = |period: fn(&imgeval_metrics::image::Checkerboard) -> [f64; 2]| {
        measures.checkerboard.map(|one| period(&one)[1])
    };
    match number {
        Number::SpectrumLow => spectral.map(|one| one.bands[0]),
        Number::SpectrumMiddle => spectral.map(|one| one.bands[1]),
        Number::SpectrumHigh => spectral.map(|one| one.bands[2]),
        Number::Lattice2 => spectral.map(|one| one.peaks[0]),
        Number::Lattice4 => spectral.map(|one| one.peaks[1]),
        Number::Lattice8 => spectral.map(|one| one.peaks[2]),
        Number::Lattice16 => spectral.map(|one| one.peaks[3]),
        Number::Checkerboard2 => largest(|one| one.p2),
        Number::Checkerboard4 => largest(|one| one.p4),
        Number::Checkerboard8 => largest(|one| one.p8),
        Number::JpegGrid => {
            let grid = measures.jpeg_grid?;
            Ok(share(grid.x?.score >= CLEAR_GRID && grid.y?.score >= CLEAR_GRID))
        }
        Number::Upscaled => measures.upscaling.map(|one| share(one.upscaled)),
        Number::LapVar => measures.sharpness.map(|one| one.lap_var),
        Number::HfShare => match &measures.spectrum {
            Ok(spectrum) => Ok(spectrum.hf_share_quarter),
            Err(reason) => Err(*reason),
        },
        Number::MeanB => Ok(measures.color.mean_lab[2]),
        Number::Chroma => Ok(measures.color.chroma),
        Number::CastRatio => measures.color.cast().ratio,
        // Of all images together.
        Number::FingerprintStrength | Number::AutocorrelationPeak => Err(NotMeasurable::NoFineDetail),
    }
}

/// The stable name by which reasons are counted.
#[must_use]
pub fn reason_code(reason: NotMeasurable) -> &'static str {
    match reason {
        NotMeasurable::TooSmall { .. } => "too-small",
        NotMeasurable::OneGray => "one-gray",
        NotMeasurable::OneGrayAlongAxis => "one-gray-along-axis",
        NotMeasurable::NoColor => "no-color",
        NotMeasurable::ExtremesOnly => "extremes-only",
        NotMeasurable::NoFineDetail => "no-fine-detail",
        NotMeasurable::TooFewEdges { .. } => "too-few-edges",
        NotMeasurable::TooFewFrequencies { .. } => "too-few-frequencies",
        NotMeasurable::OtherSize { .. } => "other-size",
    }
}
