//! Whether an image was enlarged after it was made.

use realfft::RealFftPlanner;

use super::{
    Gray, Measured, NotMeasurable, Spectrum,
    gray::SCALE,
    numbers::{quantile_of, running_mean, running_median},
};

const MIN_SIDE: usize = 64;
/// Magnitudes of second differences are capped at this quantile, so that a few edges do not decide.
const CAP: f64 = 0.95;
const PROFILE_MEDIAN: usize = 9;
const SPECTRUM_MEDIAN: usize = 31;
/// Peaks below this frequency are content.
const LOWEST_PEAK: f64 = 0.08;
const CLEAR_PEAK: f64 = 6.0;
const SAME_PEAK: f64 = 0.012;
/// Where the line of the low frequencies is fitted, in cycles per pixel.
const LINE: [f64; 2] = [0.02, 0.12];
const LOWEST_EDGE: f64 = 0.1;
const EDGE_DB: f64 = 12.0;
const OVER_FLOOR_DB: f64 = 6.0;
const NARROW: f64 = 0.47;
const REPEATED: f64 = 0.9;

/// A regular pattern in the second differences along one axis: interpolation by a factor k leaves it at 1/k cycles per pixel, folded into
/// 0 to 0.5 (after Gallagher 2005).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// In cycles per pixel.
    pub frequency: f64,
    /// Its height over the running median of the heights.
    pub score: f64,
}

/// Three signs of enlargement and what they say together. The factor cannot be told from the bandwidth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Upscaling {
    pub peak_x: Measured<Peak>,
    pub peak_y: Measured<Peak>,
    /// The lowest frequency in cycles per pixel at which the radial power has fallen clearly under the line of the low frequencies;
    /// 0.5 where it does not.
    pub bandwidth: f64,
    /// The shares of pixels equal to their right neighbor, in even and in odd columns.
    pub repeat: [f64; 2],
    /// Both axes show the same clear peak, or the bandwidth is below 0.47, or pixels repeat. Blur alone can narrow the bandwidth too.
    pub upscaled: bool,
}

impl Upscaling {
    /// `spectrum` must be of the same image.
    ///
    /// # Errors
    /// If a side has fewer than 64 pixels or all pixels are alike.
    pub fn of(gray: &Gray, spectrum: &Spectrum) -> Measured<Self> {
        gray.check(MIN_SIDE)?;
        let peak_x = peak_of(second_difference_profile(gray, Axis::Along));
        let peak_y = peak_of(second_difference_profile(gray, Axis::Down));
        let (bandwidth, repeat) = (bandwidth_of(spectrum), repeat_of(gray));
        let has_peak = match (peak_x, peak_y) {
            (Ok(x), Ok(y)) => {
                x.score >= CLEAR_PEAK
                    && y.score >= CLEAR_PEAK
                    && (x.frequency - y.frequency).abs() <= SAME_PEAK
            }
            _ => false,
        };
        let upscaled = has_peak || bandwidth < NARROW || repeat.iter().any(|share| *share > REPEATED);
        Ok(Self { peak_x, peak_y, bandwidth, repeat, upscaled })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Along,
    Down,
}

/// The mean magnitude of second differences at each place of the axis but the first and the last, in gray levels.
fn second_difference_profile(gray: &Gray, axis: Axis) -> Vec<f64> {
    let (width, height) = (gray.width(), gray.height());
    let magnitudes: Vec<f32> = match axis {
        Axis::Along => {
            (0..height).flat_map(|y| gray.row(y).windows(3).map(|w| second(w[0], w[1], w[2]))).collect()
        }
        Axis::Down => (1..height - 1)
            .flat_map(|y| {
                let beside = gray.row(y - 1).iter().zip(gray.row(y + 1));
                beside.zip(gray.row(y)).map(|((above, below), here)| second(*above, *here, *below))
            })
            .collect(),
    };
    let cap = quantile_of(&magnitudes, CAP);
    let capped = |value: &f32| f64::from(*value).min(cap) / SCALE;
    match axis {
        Axis::Along => {
            let mut sums = vec![0.0; width - 2];
            for row in magnitudes.chunks_exact(width - 2) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += capped(value));
            }
            sums.iter().map(|sum| sum / height as f64).collect()
        }
        Axis::Down => magnitudes
            .chunks_exact(width)
            .map(|row| row.iter().map(capped).sum::<f64>() / width as f64)
            .collect(),
    }
}

fn second(before: f32, here: f32, after: f32) -> f32 {
    (before - 2.0 * here + after).abs()
}

fn peak_of(profile: Vec<f64>) -> Measured<Peak> {
    if profile.iter().all(|value| *value == 0.0) {
        return Err(NotMeasurable::OneGrayAlongAxis);
    }
    let n = profile.len();
    let smooth = running_median(&profile, PROFILE_MEDIAN);
    let window = |place: usize| (std::f64::consts::PI * (place as f64 + 0.5) / n as f64).sin().powi(2);
    let mut input: Vec<f64> = profile
        .iter()
        .zip(&smooth)
        .enumerate()
        .map(|(place, (value, smooth))| (value - smooth) * window(place))
        .collect();
    let transform = RealFftPlanner::<f64>::new().plan_fft_forward(n);
    let mut output = transform.make_output_vec();
    let done = transform.process(&mut input, &mut output);
    debug_assert!(done.is_ok(), "the buffers have the lengths of the transform");
    let heights: Vec<f64> = output.iter().map(|value| value.norm()).collect();
    let medians = running_median(&heights, SPECTRUM_MEDIAN);
    let frequency = |place: usize| place as f64 / n as f64;
    let peaks = heights.iter().zip(&medians).enumerate().map(|(place, (height, median))| Peak {
        frequency: frequency(place),
        score: height / (median + 1e-9),
    });
    let highest = peaks
        .filter(|peak| peak.frequency > LOWEST_PEAK)
        .reduce(|best, peak| if peak.score > best.score { peak } else { best });
    highest.ok_or(NotMeasurable::OneGrayAlongAxis)
}

fn bandwidth_of(spectrum: &Spectrum) -> f64 {
    let floor = spectrum.rounding_floor();
    let decibels: Vec<f64> = spectrum.radial.iter().map(|power| 10.0 * (power + floor).log10()).collect();
    let smooth = running_mean(&decibels, (spectrum.n() / 64).max(3));
    let places = || (1..smooth.len()).map(|place| (place, spectrum.frequency(place)));
    let fitted: Vec<(f64, f64)> = places()
        .filter(|(_, frequency)| (LINE[0]..=LINE[1]).contains(frequency))
        .map(|(place, frequency)| (frequency.ln(), smooth[place]))
        .collect();
    let (middle, slope) = line_through(&fitted);
    let least = 10.0 * floor.log10() + OVER_FLOOR_DB;
    let has_fallen = |(place, frequency): &(usize, f64)| {
        let line = (middle.1 + slope * (frequency.ln() - middle.0)).max(least);
        *frequency >= LOWEST_EDGE && smooth[*place] <= line - EDGE_DB
    };
    places().find(has_fallen).map_or(0.5, |(_, frequency)| frequency)
}

/// By least squares: the mean point and the slope.
fn line_through(points: &[(f64, f64)]) -> ((f64, f64), f64) {
    let n = points.len() as f64;
    let x = points.iter().map(|point| point.0).sum::<f64>() / n;
    let y = points.iter().map(|point| point.1).sum::<f64>() / n;
    let joint: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let own: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
    ((x, y), joint / own)
}

fn repeat_of(gray: &Gray) -> [f64; 2] {
    let mut equal = [0_u64; 2];
    for y in 0..gray.height() {
        for (parity, equal) in equal.iter_mut().enumerate() {
            let pairs = gray.row(y)[parity..].as_chunks::<2>().0;
            *equal += pairs.iter().filter(|pair| pair[0] == pair[1]).count() as u64;
        }
    }
    let n_pairs = [gray.width() / 2, (gray.width() - 1) / 2];
    std::array::from_fn(|parity| equal[parity] as f64 / (n_pairs[parity] * gray.height()) as f64)
}
