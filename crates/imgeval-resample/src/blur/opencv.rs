//! `cv2.GaussianBlur` of 8-bit images, in fixed point as OpenCV computes it since 4.5: weights of 8 fractional bits whose rounding errors
//! are passed on, one rounding at the end (`modules/imgproc/src/smooth.dispatch.cpp` and `fixedpoint.inl.hpp`).

use imgeval_core::Pixels;
use rayon::prelude::*;

use crate::picture;

const CHANNELS: usize = 3;
const ONE: i32 = 256;

/// Why there is no kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KernelSizeError {
    #[error("a kernel of {size} pixels is not odd")]
    Even { size: usize },
    #[error("a blur needs the size of its kernel or a positive sigma")]
    Neither,
}

/// Blurs with a kernel of `size` pixels and this standard deviation; where one is 0 it follows from the other, as in OpenCV. Beyond the
/// edge the image is mirrored without its edge pixel.
///
/// # Errors
/// If the size is even and not 0, or both are 0.
pub fn opencv_gaussian(pixels: &Pixels, size: usize, sigma: f64) -> Result<Pixels, KernelSizeError> {
    let is_given = sigma.is_finite() && sigma > 0.0;
    let size = match size {
        0 if is_given => (6.0 * sigma + 1.0).round_ties_even() as usize | 1,
        0 => return Err(KernelSizeError::Neither),
        size if size.is_multiple_of(2) => return Err(KernelSizeError::Even { size }),
        size => size,
    };
    let weights = fixed_weights(&float_weights(size, if is_given { sigma } else { 0.0 }));
    let radius = size / 2;
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let stride = CHANNELS * width;
    let columns: Vec<usize> =
        (0..width + 2 * radius).map(|place| CHANNELS * mirrored(place, radius, width)).collect();
    // Sums of 8-bit values with weights of 8 fractional bits.
    let lines: Vec<i32> = pixels
        .rgb()
        .par_chunks_exact(stride)
        .flat_map_iter(|line| {
            let sum = |place: usize, channel: usize| -> i32 {
                let taps = columns[place..place + size].iter().zip(&weights);
                taps.map(|(column, weight)| i32::from(line[column + channel]) * weight).sum()
            };
            (0..width)
                .flat_map(move |place| [0, 1, 2].map(|channel| (place, channel)))
                .map(move |(place, channel)| sum(place, channel))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut rgb = vec![0; pixels.rgb().len()];
    rgb.par_chunks_exact_mut(stride).enumerate().for_each_init(
        || vec![0_i32; stride],
        |sums, (y, target)| {
            sums.fill(ONE * ONE / 2);
            for (offset, weight) in weights.iter().enumerate() {
                let row = mirrored(y + offset, radius, height);
                for (sum, value) in sums.iter_mut().zip(&lines[row * stride..][..stride]) {
                    *sum += value * weight;
                }
            }
            for (value, sum) in target.iter_mut().zip(sums.iter()) {
                *value = (sum >> 16).clamp(0, 255) as u8;
            }
        },
    );
    Ok(picture(pixels.width(), pixels.height(), rgb))
}

/// The position inside `0..length` of `place - radius`, mirrored without the edge.
pub(super) fn mirrored(place: usize, radius: usize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let period = 2 * (length as i64 - 1);
    let inside = (place as i64 - radius as i64).rem_euclid(period);
    inside.min(period - inside) as usize
}

fn float_weights(size: usize, sigma: f64) -> Vec<f64> {
    match size {
        1 if sigma == 0.0 => return vec![1.0],
        3 if sigma == 0.0 => return vec![0.25, 0.5, 0.25],
        5 if sigma == 0.0 => return vec![0.0625, 0.25, 0.375, 0.25, 0.0625],
        7 if sigma == 0.0 => {
            return vec![0.031_25, 0.109_375, 0.218_75, 0.281_25, 0.218_75, 0.109_375, 0.031_25];
        }
        _ => {}
    }
    let middle = (size as f64 - 1.0) * 0.5;
    let sigma = if sigma > 0.0 { sigma } else { (middle - 1.0) * 0.3 + 0.8 };
    let factor = -0.5 / (sigma * sigma);
    let weights: Vec<f64> = (0..size).map(|place| (factor * (place as f64 - middle).powi(2)).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// Rounded from the outside in, each rounding error added to the next weight; the middle one takes what is left.
fn fixed_weights(weights: &[f64]) -> Vec<i32> {
    let middle = weights.len() / 2;
    let mut fixed = vec![0; weights.len()];
    let (mut error, mut total) = (0.0, 0);
    for place in 0..middle {
        let wanted = weights[place] * f64::from(ONE) + error;
        let rounded = wanted.round_ties_even();
        error = wanted - rounded;
        let weight = rounded as i32;
        fixed[place] = weight;
        fixed[weights.len() - 1 - place] = weight;
        total += 2 * weight;
    }
    fixed[middle] = ONE - total;
    fixed
}
