//! Pillow's `ImageFilter.GaussianBlur`: three box blurs whose width has a fraction (`src/libImaging/BoxBlur.c`; Gwosdek et al. 2011,
//! "Theoretical foundations of Gaussian convolution by extended box filtering").

use imgeval_core::Pixels;
use rayon::prelude::*;

use crate::picture;

const CHANNELS: usize = 3;
const PASSES: usize = 3;
/// Weights have so many fractional bits.
const BITS: u32 = 24;

/// Blurs with this standard deviation in pixels; beyond the edge its pixel is repeated. A radius that is not positive and finite changes
/// nothing.
#[must_use]
pub fn pillow_gaussian(pixels: &Pixels, radius: f32) -> Pixels {
    if !(radius.is_finite() && radius > 0.0) {
        return pixels.clone();
    }
    let radius = box_radius(radius);
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let rows = blur_lines(pixels.rgb(), width, radius);
    let columns = blur_lines(&transposed(&rows, width, height), height, radius);
    picture(pixels.width(), pixels.height(), transposed(&columns, height, width))
}

/// Half the width of the boxes without their middle pixel, in single precision as Pillow computes it.
fn box_radius(radius: f32) -> f32 {
    let variance = radius * radius / PASSES as f32;
    let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32;
    let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
    let fraction = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance)
        / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)));
    whole + fraction
}

fn blur_lines(rgb: &[u8], length: usize, radius: f32) -> Vec<u8> {
    let reach = radius as usize;
    let one = (1_u32 << BITS) as f32;
    let inner = (one / (radius * 2.0 + 1.0)) as u64;
    let outer = ((1_u64 << BITS) - (2 * reach as u64 + 1) * inner) / 2;
    let mut result = rgb.to_vec();
    result.par_chunks_exact_mut(CHANNELS * length).for_each_init(
        || vec![0; CHANNELS * length],
        |source, line| {
            for _ in 0..PASSES {
                source.copy_from_slice(line);
                for channel in 0..CHANNELS {
                    blur_channel(source, line, channel, (reach, inner, outer));
                }
            }
        },
    );
    result
}

fn blur_channel(source: &[u8], target: &mut [u8], channel: usize, (reach, inner, outer): (usize, u64, u64)) {
    let length = (source.len() / CHANNELS) as i64;
    let at = |place: i64| u64::from(source[CHANNELS * place.clamp(0, length - 1) as usize + channel]);
    let reach = reach as i64;
    let mut sum: u64 = (-reach..=reach).map(at).sum();
    for place in 0..length {
        let ends = at(place - reach - 1) + at(place + reach + 1);
        let value = (sum * inner + ends * outer + (1 << (BITS - 1))) >> BITS;
        target[CHANNELS * place as usize + channel] = value.min(255) as u8;
        sum += at(place + reach + 1);
        sum -= at(place - reach);
    }
}

fn transposed(rgb: &[u8], width: usize, height: usize) -> Vec<u8> {
    let pixel = |x: usize, y: usize| &rgb[CHANNELS * (y * width + x)..][..CHANNELS];
    (0..width).flat_map(|x| (0..height).flat_map(move |y| pixel(x, y))).copied().collect()
}
