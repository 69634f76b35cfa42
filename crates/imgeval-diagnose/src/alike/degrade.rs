//! What images suffer on their way: how much of an answer survives it?
//!
//! A degradation is applied to the square that the plan cuts out, before the plan's compression.

use imgeval_core::Pixels;
use imgeval_vision::resample::pillow::{Filter, resize};

use super::{JpegError, Subsampling, compressed};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Degradation {
    /// JPEG of this quality, 4:2:0.
    Jpeg { quality: u8 },
    /// Scaled to this share of its sides and back (Pillow's bicubic).
    Rescaled { share: f64 },
    /// Gaussian of this standard deviation in pixels.
    Blurred { sigma: f64 },
}

/// The robustness curve: each kind from mild to strong.
pub const SWEEP: [Degradation; 11] = [
    Degradation::Jpeg { quality: 95 },
    Degradation::Jpeg { quality: 85 },
    Degradation::Jpeg { quality: 70 },
    Degradation::Jpeg { quality: 50 },
    Degradation::Jpeg { quality: 30 },
    Degradation::Rescaled { share: 0.9 },
    Degradation::Rescaled { share: 0.75 },
    Degradation::Rescaled { share: 0.5 },
    Degradation::Blurred { sigma: 0.5 },
    Degradation::Blurred { sigma: 1.0 },
    Degradation::Blurred { sigma: 2.0 },
];

impl Degradation {
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Jpeg { quality } => format!("JPEG quality {quality}"),
            Self::Rescaled { share } => format!("scaled to {share} and back"),
            Self::Blurred { sigma } => format!("blurred by {sigma} px"),
        }
    }

    /// The image afterwards; of the same size.
    ///
    /// # Errors
    /// If the JPEG encoder fails.
    pub fn apply(self, pixels: &Pixels) -> Result<Pixels, JpegError> {
        match self {
            Self::Jpeg { quality } => compressed(pixels, quality, Subsampling::Half),
            Self::Rescaled { share } => {
                let scaled = |side: u32| ((f64::from(side) * share).round() as u32).max(1);
                let (width, height) = (pixels.width(), pixels.height());
                let small = resize(pixels, scaled(width), scaled(height), Filter::Bicubic);
                Ok(resize(&small, width, height, Filter::Bicubic))
            }
            Self::Blurred { sigma } => Ok(blurred(pixels, sigma)),
        }
    }
}

/// A separable Gaussian cut at four standard deviations; edges are repeated, the result is rounded once.
fn blurred(pixels: &Pixels, sigma: f64) -> Pixels {
    let radius = (4.0 * sigma).ceil() as i64;
    let weights: Vec<f64> =
        (-radius..=radius).map(|offset| (-0.5 * (offset as f64 / sigma).powi(2)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let (width, height) = (i64::from(pixels.width()), i64::from(pixels.height()));
    let filtered = |values: &[f64], is_horizontal: bool| -> Vec<f64> {
        let place = |x: i64, y: i64| (y * width + x) as usize * 3;
        let mut result = Vec::with_capacity(values.len());
        for (y, x, channel) in
            (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |channel| (y, x, channel))))
        {
            let sum: f64 = (-radius..=radius)
                .zip(&weights)
                .map(|(offset, weight)| {
                    let (x, y) = match is_horizontal {
                        true => ((x + offset).clamp(0, width - 1), y),
                        false => (x, (y + offset).clamp(0, height - 1)),
                    };
                    weight * values[place(x, y) + channel]
                })
                .sum();
            result.push(sum / total);
        }
        result
    };
    let values: Vec<f64> = pixels.rgb().iter().map(|value| f64::from(*value)).collect();
    let both = filtered(&filtered(&values, true), false);
    let rgb = both.into_iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect();
    Pixels::new(pixels.width(), pixels.height(), rgb).unwrap_or_else(|| pixels.clone())
}

#[cfg(test)]
mod tests {
    use imgeval_core::GrayPixels;

    use super::*;
    use crate::textures::texture;

    /// Mean absolute difference of horizontal neighbors: what every degradation takes away.
    fn detail(pixels: &Pixels) -> f64 {
        let luma = GrayPixels::luma_of(pixels);
        let pairs: Vec<f64> =
            luma.values().windows(2).map(|pair| f64::from(pair[0].abs_diff(pair[1]))).collect();
        pairs.iter().sum::<f64>() / pairs.len() as f64
    }

    #[test]
    fn stronger_steps_leave_less_detail() {
        let picture = texture(1, 96, 64);
        let after = |step: Degradation| detail(&step.apply(&picture).unwrap());
        for kind in [&SWEEP[5..8], &SWEEP[8..11]] {
            let details: Vec<f64> = kind.iter().map(|step| after(*step)).collect();
            assert!(details[0] < detail(&picture) && details.is_sorted_by(|a, b| a > b), "{details:?}");
        }
        assert!(SWEEP.iter().all(|step| step.apply(&picture).unwrap().width() == 96));
    }

    /// Reference: scipy 1.17.1 `ndimage.gaussian_filter([0, 0, 0, 0, 200, 0, 0, 0, 0], 1.0, mode="nearest", truncate=4)`: 0.027, 0.886,
    /// 10.798, 48.394, 79.789 and back.
    #[test]
    fn a_blurred_point_is_a_gaussian() {
        let rgb = (0..9).flat_map(|x| [if x == 4 { 200 } else { 0 }; 3]).collect();
        let line = blurred(&Pixels::new(9, 1, rgb).unwrap(), 1.0);
        let values: Vec<u8> = line.rgb().iter().step_by(3).copied().collect();
        assert_eq!(values, [0, 1, 11, 48, 80, 48, 11, 1, 0]);
    }
}
