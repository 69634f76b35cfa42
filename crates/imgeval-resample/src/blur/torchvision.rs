//! `torchvision.transforms.GaussianBlur` of an 8-bit image: a square kernel in single precision, each product added in one rounding as
//! PyTorch's convolution does on processors with such an instruction, and one rounding to 8 bits at the end.

use imgeval_core::Pixels;
use rayon::prelude::*;

use super::KernelSizeError;
use crate::picture;

const CHANNELS: usize = 3;

/// Blurs with a kernel of `size` pixels, which must be odd, and this standard deviation. Beyond the edge the image is mirrored without
/// its edge pixel.
///
/// # Errors
/// If the size is even, or sigma is not positive and finite.
pub fn torchvision_gaussian(pixels: &Pixels, size: usize, sigma: f32) -> Result<Pixels, KernelSizeError> {
    if size.is_multiple_of(2) {
        return Err(KernelSizeError::Even { size });
    }
    if !(sigma.is_finite() && sigma > 0.0) {
        return Err(KernelSizeError::Neither);
    }
    let weights = weights(size, sigma);
    let (width, height, radius) = (pixels.width() as usize, pixels.height() as usize, size / 2);
    let stride = CHANNELS * width;
    let mut rgb = vec![0; pixels.rgb().len()];
    rgb.par_chunks_exact_mut(stride).enumerate().for_each_init(
        || vec![0.0_f32; stride],
        |sums, (y, target)| {
            sums.fill(0.0);
            for (down, by_row) in weights.iter().enumerate() {
                let row =
                    &pixels.rgb()[super::opencv::mirrored(y + down, radius, height) * stride..][..stride];
                for (across, by_column) in weights.iter().enumerate() {
                    let weight = by_row * by_column;
                    for (x, sum) in sums.chunks_exact_mut(CHANNELS).enumerate() {
                        let column = CHANNELS * super::opencv::mirrored(x + across, radius, width);
                        for (sum, value) in sum.iter_mut().zip(&row[column..column + CHANNELS]) {
                            *sum = f32::from(*value).mul_add(weight, *sum);
                        }
                    }
                }
            }
            for (value, sum) in target.iter_mut().zip(sums.iter()) {
                *value = sum.round_ties_even().clamp(0.0, 255.0) as u8;
            }
        },
    );
    Ok(picture(pixels.width(), pixels.height(), rgb))
}

fn weights(size: usize, sigma: f32) -> Vec<f32> {
    let middle = (size as f32 - 1.0) * 0.5;
    let density = |place: usize| {
        let distance = (place as f32 - middle) / sigma;
        (-0.5 * (distance * distance)).exp()
    };
    let densities: Vec<f32> = (0..size).map(density).collect();
    let total: f32 = densities.iter().sum();
    densities.into_iter().map(|density| density / total).collect()
}
