//! From pixels to the network's input.

use candle_core::Result;
use imgeval_core::Pixels;

use super::{keys::Family, postprocess::Sizes, swin::Map};
use crate::{
    compute::Backend,
    ops::tensor::from_numbers,
    resample::{opencv, pillow},
};

/// The network halves the image five times.
const MULTIPLE: u32 = 32;
const LONG_SIDE: u32 = 1333;
const SHORT_SIDE: u32 = 800;
const MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const STANDARD_DEVIATION: [f32; 3] = [58.395, 57.12, 57.375];
/// What mmdetection 2.x pads with, before normalizing.
const PADDING: u8 = 128;

/// Heights and widths, for an image of `width` x `height`.
pub(super) fn sizes(family: Family, width: u32, height: u32) -> Sizes {
    let (resized_width, resized_height) = match family {
        Family::Mmdetection => opencv::rescale_size((width, height), (LONG_SIDE, SHORT_SIDE)),
        Family::HuggingFace => hugging_face_size(width, height),
    };
    let (resized_width, resized_height) = (resized_width.max(1), resized_height.max(1));
    let padded = |side: u32| side.next_multiple_of(MULTIPLE) as usize;
    Sizes {
        original: (height as usize, width as usize),
        resized: (resized_height as usize, resized_width as usize),
        padded: (padded(resized_height), padded(resized_width)),
    }
}

/// transformers' `Mask2FormerImageProcessor`: the short side becomes 800 unless the long one would pass 1333, and both
/// are rounded up to multiples of 32, which changes the proportions a little.
fn hugging_face_size(width: u32, height: u32) -> (u32, u32) {
    let (short, long) = (f64::from(width.min(height)), f64::from(width.max(height)));
    let limit = if long / short * f64::from(SHORT_SIDE) > f64::from(LONG_SIDE) {
        (f64::from(LONG_SIDE) * short / long).round_ties_even()
    } else {
        f64::from(SHORT_SIDE)
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 2^32")]
    let other = |side: u32| (limit * f64::from(side) / short) as u32;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most 1333")]
    let limit = limit as u32;
    let (width, height) = if width <= height { (limit, other(height)) } else { (other(width), limit) };
    (width.next_multiple_of(MULTIPLE), height.next_multiple_of(MULTIPLE))
}

/// Resized, padded, normalized.
pub(super) fn prepare(family: Family, pixels: &Pixels, sizes: &Sizes, backend: &Backend) -> Result<Map> {
    let (resized_height, resized_width) = sizes.resized;
    #[expect(clippy::cast_possible_truncation, reason = "made of 32-bit sizes")]
    let (width, height) = (resized_width as u32, resized_height as u32);
    let resized = match family {
        Family::Mmdetection => opencv::resize_bilinear(pixels, width, height),
        Family::HuggingFace => pillow::resize(pixels, width, height, pillow::Filter::Bilinear),
    };
    let (padded_height, padded_width) = sizes.padded;
    let normalised =
        |value: u8, channel: usize| (f32::from(value) - MEAN[channel]) / STANDARD_DEVIATION[channel];
    let padding = [0, 1, 2].map(|channel| normalised(PADDING, channel));
    let mut numbers = Vec::with_capacity(padded_height * padded_width * 3);
    for row in resized.rgb().chunks_exact(3 * resized_width) {
        let pixels = row.chunks_exact(3);
        numbers.extend(pixels.flat_map(|pixel| [0, 1, 2].map(|channel| normalised(pixel[channel], channel))));
        numbers.extend((resized_width..padded_width).flat_map(|_| padding));
    }
    numbers.extend((0..(padded_height - resized_height) * padded_width).flat_map(|_| padding));
    let image = from_numbers(numbers, &[padded_height * padded_width, 3])?;
    let pixels = image.to_device(&backend.device)?.to_dtype(backend.dtype)?;
    Ok(Map { pixels, height: padded_height, width: padded_width })
}
