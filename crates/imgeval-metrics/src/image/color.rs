//! Colors of an image, and whether they lean to one side.

use imgeval_core::Pixels;

use super::{
    Gray, Measured, NotMeasurable,
    gray::SCALE,
    lab_planes::LabPlanes,
    numbers::{mean_of, quantile_of, sum_of, variance_of},
};

/// Below this length in CIELAB there is no color: neutral grays read up to 0.006 because the white point is rounded.
const NEUTRAL: f64 = 0.02;
/// Histogram bins at both ends that the ECHO code drops.
const DROPPED_BINS: usize = 5;

/// Colors of one image: D65, 2 degrees, as scikit-image converts.
#[derive(Debug, Clone, PartialEq)]
pub struct ColorStatistics {
    /// L in [0, 100], a (red above 0) and b (yellow above 0).
    pub mean_lab: [f64; 3],
    /// Of a and b: the mean distance from their means.
    pub mean_deviation: [f64; 2],
    /// Of a and b, population standard deviations.
    pub standard_deviation: [f64; 2],
    /// The mean of the lengths of (a, b).
    pub chroma: f64,
    /// The mean of (max - min) / max of the channels, in [0, 1]; 0 for black pixels.
    pub saturation: f64,
    /// The population standard deviation of gray over 255.
    pub rms_contrast: f64,
    /// From the 5th to the 95th percentile of L.
    pub l_range: f64,
    /// In [0, 255].
    pub mean_rgb: [f64; 3],
    /// Pixels of each value, for red, green and blue.
    pub histograms: Box<[[u32; 256]; 3]>,
}

/// How far the colors lean to one side, against how far they spread (Gasparini and Schettini 2004 and others).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cast {
    /// D: the length of the mean of (a, b).
    pub distance: f64,
    /// M: the length of the mean absolute deviations of a and b.
    pub spread: f64,
    /// K = D / M. Large for casts, and for honest images of one color: never a verdict by itself.
    pub ratio: Measured<f64>,
    /// The direction of the mean of (a, b) in degrees from -180 to 180; yellow is 90.
    pub hue_deg: Measured<f64>,
    /// The length of the standard deviations of a and b.
    pub sigma: f64,
    /// (D - sigma) / D.
    pub gasparini: Measured<f64>,
}

impl ColorStatistics {
    /// `gray` must be of the same image.
    #[must_use]
    pub fn of(pixels: &Pixels, gray: &Gray) -> Self {
        let LabPlanes { l, a, b } = LabPlanes::of(pixels);
        let n = l.len() as f64;
        let mean_lab = [&l, &a, &b].map(|plane| mean_of(plane));
        let deviations = [(&a, mean_lab[1]), (&b, mean_lab[2])]
            .map(|(plane, mean)| sum_of(plane, |value| (value - mean).abs()) / n);
        let lengths: Vec<f32> = a.iter().zip(&b).map(|(a, b)| (a * a + b * b).sqrt()).collect();
        let histograms = histograms_of(pixels);
        let mean_rgb = histograms.map(|histogram| mean_value(&histogram).unwrap_or(0.0));
        Self {
            mean_lab,
            mean_deviation: deviations,
            standard_deviation: [&a, &b].map(|plane| variance_of(plane).sqrt()),
            chroma: mean_of(&lengths),
            saturation: mean_saturation(pixels),
            rms_contrast: variance_of(gray.thousandths().values()).sqrt() / (255.0 * SCALE),
            l_range: quantile_of(&l, 0.95) - quantile_of(&l, 0.05),
            mean_rgb,
            histograms: Box::new(histograms),
        }
    }

    /// The mean values of red, green and blue among those from 5 to 250, in [5, 250], as ECHO trims them (arXiv 2510.15021).
    ///
    /// # Errors
    /// If a channel has no such value.
    pub fn echo_mean_rgb(&self) -> Measured<[f64; 3]> {
        let trimmed = self.histograms.map(|histogram| mean_value(&trim(&histogram)));
        match trimmed {
            [Some(red), Some(green), Some(blue)] => Ok([red, green, blue]),
            _ => Err(NotMeasurable::ExtremesOnly),
        }
    }

    /// How far the colors lean to one side.
    #[must_use]
    pub fn cast(&self) -> Cast {
        let length = |[a, b]: [f64; 2]| a.hypot(b);
        let [_, a, b] = self.mean_lab;
        let (distance, spread) = (length([a, b]), length(self.mean_deviation));
        let sigma = length(self.standard_deviation);
        let over = |divisor: f64, value: f64| {
            if divisor > NEUTRAL { Ok(value) } else { Err(NotMeasurable::NoColor) }
        };
        Cast {
            distance,
            spread,
            ratio: over(spread, distance / spread),
            hue_deg: over(distance, b.atan2(a).to_degrees()),
            sigma,
            gasparini: over(distance, (distance - sigma) / distance),
        }
    }
}

fn histograms_of(pixels: &Pixels) -> [[u32; 256]; 3] {
    let mut histograms = [[0; 256]; 3];
    for pixel in pixels.rgb().as_chunks::<3>().0 {
        for channel in 0..3 {
            histograms[channel][usize::from(pixel[channel])] += 1;
        }
    }
    histograms
}

/// Without the values near 0 and 255.
pub(super) fn trim(histogram: &[u32; 256]) -> [u32; 256] {
    std::array::from_fn(|value| {
        let is_kept = (DROPPED_BINS..256 - DROPPED_BINS).contains(&value);
        if is_kept { histogram[value] } else { 0 }
    })
}

fn mean_value(histogram: &[u32; 256]) -> Option<f64> {
    let (mut n, mut sum) = (0, 0);
    for (value, count) in (0..).zip(histogram) {
        n += u64::from(*count);
        sum += value * u64::from(*count);
    }
    (n > 0).then(|| sum as f64 / n as f64)
}

fn mean_saturation(pixels: &Pixels) -> f64 {
    let saturation = |pixel: &[u8; 3]| {
        let [red, green, blue] = *pixel;
        let (high, low) = (red.max(green).max(blue), red.min(green).min(blue));
        f32::from(high - low) / f32::from(high.max(1))
    };
    let values: Vec<f32> = pixels.rgb().as_chunks().0.iter().map(saturation).collect();
    mean_of(&values)
}
