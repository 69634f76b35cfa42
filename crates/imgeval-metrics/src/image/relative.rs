//! Two spectra of images of one size: how far they drifted apart, and by which blur.

use std::f64::consts::PI;

use super::{Measured, NotMeasurable, Spectrum, numbers::median_of_few};

/// The first bin of the fit, the highest frequency, and the least number of bins.
const FIRST_BIN: usize = 4;
const HIGHEST: f64 = 0.45;
const MIN_BINS: usize = 8;
/// Power must exceed the rounding floor by this factor.
const OVER_FLOOR: f64 = 16.0;
const ROUNDS: usize = 10;
/// Tukey's biweight at 95 % efficiency, and the standard deviation of a normal distribution over its median absolute value.
const TUKEY: f64 = 4.685 * 1.4826;

/// The blur of an edited image relative to its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelativeBlur {
    /// The variance in squared pixels of the Gaussian that would turn the source's spectrum into that of the edited image; negative where the
    /// edited image is sharper. Blind to unsharp masking, and too low where part of the image was redrawn.
    pub sigma2: f64,
    /// The highest frequency that was used, in cycles per pixel.
    pub highest_frequency: f64,
}

/// Fits ln(edited / source) = c - 4 pi^2 f^2 sigma2 to the radial power of both, robustly.
///
/// # Errors
/// If the squares differ in size, or fewer than 8 frequencies are above the rounding noise in both.
pub fn relative_blur(source: &Spectrum, edited: &Spectrum) -> Measured<RelativeBlur> {
    check_sizes(source, edited)?;
    let floor = OVER_FLOOR * source.rounding_floor();
    let pairs = source.radial.iter().zip(&edited.radial).enumerate().skip(FIRST_BIN);
    let usable = pairs.take_while(|(place, (source_power, edited_power))| {
        source.frequency(*place) <= HIGHEST && **source_power > floor && **edited_power > floor
    });
    let bins: Vec<Bin> = usable
        .map(|(place, (source_power, edited_power))| Bin {
            weight: place as f64,
            x: -(2.0 * PI * source.frequency(place)).powi(2),
            y: (edited_power / source_power).ln(),
        })
        .collect();
    if bins.len() < MIN_BINS {
        return Err(NotMeasurable::TooFewFrequencies { found: bins.len(), needed: MIN_BINS });
    }
    let highest_frequency = source.frequency(FIRST_BIN + bins.len() - 1);
    Ok(RelativeBlur { sigma2: robust_slope(&bins), highest_frequency })
}

struct Bin {
    weight: f64,
    x: f64,
    y: f64,
}

fn robust_slope(bins: &[Bin]) -> f64 {
    let mut trust = vec![1.0; bins.len()];
    let mut slope = 0.0;
    for _ in 0..ROUNDS {
        let weights = || bins.iter().zip(&trust).map(|(bin, trust)| bin.weight * trust);
        let total: f64 = weights().sum();
        let mean = |value: fn(&Bin) -> f64| {
            bins.iter().zip(weights()).map(|(bin, weight)| weight * value(bin)).sum::<f64>() / total
        };
        let (x, y) = (mean(|bin| bin.x), mean(|bin| bin.y));
        let (mut joint, mut own) = (0.0, 0.0);
        for (bin, weight) in bins.iter().zip(weights()) {
            joint += weight * (bin.x - x) * (bin.y - y);
            own += weight * (bin.x - x) * (bin.x - x);
        }
        slope = joint / own;
        let residuals: Vec<f64> = bins.iter().map(|bin| bin.y - y - slope * (bin.x - x)).collect();
        let scale = TUKEY * median_of_few(residuals.iter().map(|residual| residual.abs()).collect()) + 1e-12;
        for (trust, residual) in trust.iter_mut().zip(&residuals) {
            let share = residual / scale;
            *trust = if share.abs() < 1.0 { (1.0 - share * share).powi(2) } else { 0.0 };
        }
    }
    slope
}

/// Differences of radial power in decibels, edited over source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectrumDrift {
    /// Pixels on a side of both squares.
    pub n: usize,
    /// The root of the mean of the squares.
    pub rms_db: f64,
    /// The means up to 1/8, above that up to 1/4, and above 1/4 cycle per pixel.
    pub low_db: f64,
    pub mid_db: f64,
    pub high_db: f64,
}

impl SpectrumDrift {
    /// # Errors
    /// If the squares differ in size.
    pub fn between(source: &Spectrum, edited: &Spectrum) -> Measured<Self> {
        check_sizes(source, edited)?;
        let bins = source.radial.iter().zip(&edited.radial).skip(1);
        let drift: Vec<f64> =
            bins.map(|(source, edited)| 10.0 * ((edited + 1e-6) / (source + 1e-6)).log10()).collect();
        let n = source.n();
        let mean = |from: usize, to: usize| drift[from..to].iter().sum::<f64>() / (to - from) as f64;
        let squares: f64 = drift.iter().map(|decibels| decibels * decibels).sum();
        Ok(Self {
            n,
            rms_db: (squares / drift.len() as f64).sqrt(),
            low_db: mean(0, n / 8),
            mid_db: mean(n / 8, n / 4),
            high_db: mean(n / 4, n / 2),
        })
    }
}

fn check_sizes(source: &Spectrum, edited: &Spectrum) -> Measured<()> {
    if source.n() == edited.n() {
        return Ok(());
    }
    Err(NotMeasurable::OtherSize { first: source.n(), second: edited.n() })
}
