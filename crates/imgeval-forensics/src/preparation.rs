//! From an image to the square that a network looks at, as torchvision, albumentations and OpenCV cut and scale it.

use candle_core::Tensor;
use imgeval_core::Pixels;
use imgeval_vision::{clip::normalized, compute::Backend};
use sha2::{Digest, Sha256};

use crate::port::ForensicsError;

/// Mean and standard deviation of red, green and blue in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalization {
    pub mean: [f32; 3],
    pub standard_deviation: [f32; 3],
}

pub const IMAGENET: Normalization =
    Normalization { mean: [0.485, 0.456, 0.406], standard_deviation: [0.229, 0.224, 0.225] };
pub const CLIP: Normalization = Normalization {
    mean: imgeval_vision::clip::MEAN,
    standard_deviation: imgeval_vision::clip::STANDARD_DEVIATION,
};
/// Colors in [0, 1] as they are.
pub const UNIT: Normalization = Normalization { mean: [0.0; 3], standard_deviation: [1.0; 3] };

/// [pixels, 3].
///
/// # Errors
/// If the device is out of memory.
pub fn numbers(crop: &Pixels, by: Normalization, backend: &Backend) -> Result<Tensor, ForensicsError> {
    Ok(normalized(crop, by.mean, by.standard_deviation, backend)?)
}

/// Of the crop's bytes, row by row, in hexadecimal digits.
#[must_use]
pub fn sha256(crop: &Pixels) -> String {
    Sha256::digest(crop.rgb()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The middle `side` x `side` pixels as torchvision's `CenterCrop` cuts them: black around an image that is shorter, half a pixel
/// rounded to even.
#[must_use]
pub fn torchvision_middle(image: &Pixels, side: u32) -> Pixels {
    let padding = |length: u32| (side.saturating_sub(length) / 2, side.max(length));
    let ((left, width), (top, height)) = (padding(image.width()), padding(image.height()));
    let offset = |length: u32| half_to_even(length - side);
    cut(image, (left, top), (offset(width), offset(height)), side)
}

/// Half of a length, the half of an odd one rounded to even.
fn half_to_even(length: u32) -> u32 {
    match length % 4 {
        3 => length / 2 + 1,
        _ => length / 2,
    }
}

/// A square of the image that was put at `at` on a black ground.
fn cut(image: &Pixels, at: (u32, u32), from: (u32, u32), side: u32) -> Pixels {
    let row = |y: u32| {
        (from.0..from.0 + side).flat_map(move |x| match (x.checked_sub(at.0), y.checked_sub(at.1)) {
            (Some(x), Some(y)) if x < image.width() && y < image.height() => image.at(x, y),
            _ => [0; 3],
        })
    };
    let rgb: Vec<u8> = (from.1..from.1 + side).flat_map(row).collect();
    Pixels::new(side, side, rgb).unwrap_or_else(|| image.clone())
}
