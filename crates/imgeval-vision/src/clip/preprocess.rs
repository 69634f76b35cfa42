//! From pixels to the vision encoder's input, as OpenAI's and open_clip's evaluation transform (torchvision on Pillow) or as
//! transformers' image processor.

use candle_core::{Result, Tensor};
use imgeval_core::Pixels;

use crate::{
    compute::Backend,
    ops::tensor::from_numbers,
    resample::pillow::{Filter, resize_part},
};

pub const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
pub const STANDARD_DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Whose way of preparing images and texts. They differ for some proportions and unusual characters only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preparation {
    /// open_clip's, and so GenEval's: half a pixel of the center crop is rounded to even, texts are repaired by ftfy.
    #[default]
    OpenClip,
    /// transformers' CLIPProcessor, and so torchmetrics': half a pixel is cut off, texts are taken as they are.
    Transformers,
}

/// Resizes the short side to `size` (bicubic, antialiased), cuts out the middle, normalizes: [size x size, 3].
pub(super) fn prepare(
    pixels: &Pixels,
    size: usize,
    preparation: Preparation,
    backend: &Backend,
) -> Result<Tensor> {
    normalized(&middle_square(pixels, size, preparation)?, MEAN, STANDARD_DEVIATION, backend)
}

/// Colors in [0, 1] minus the mean, over the standard deviation: [pixels, 3].
pub fn normalized(
    pixels: &Pixels,
    mean: [f32; 3],
    standard_deviation: [f32; 3],
    backend: &Backend,
) -> Result<Tensor> {
    let numbers = pixels.rgb().as_chunks::<3>().0.iter().flat_map(|pixel| {
        [0, 1, 2]
            .map(|channel| (f32::from(pixel[channel]) / 255.0 - mean[channel]) / standard_deviation[channel])
    });
    let numbers: Vec<f32> = numbers.collect();
    let count = numbers.len() / 3;
    from_numbers(numbers, &[count, 3])?.to_device(&backend.device)?.to_dtype(backend.dtype)
}

pub fn middle_square(pixels: &Pixels, size: usize, preparation: Preparation) -> Result<Pixels> {
    middle_of(pixels, size, size, preparation)
}

/// The middle `size` x `size` pixels of the image whose short side was resized to `resized`, which is not smaller.
pub fn middle_of(pixels: &Pixels, resized: usize, size: usize, preparation: Preparation) -> Result<Pixels> {
    let whole = |number: usize| u32::try_from(number).map_err(candle_core::Error::wrap);
    let (size, resized) = (whole(size)?, whole(resized.max(size))?);
    let (width, height) = (pixels.width(), pixels.height());
    let short = width.min(height);
    let scaled = |side: u32| -> Result<u32> {
        let scaled = u64::from(resized) * u64::from(side) / u64::from(short);
        u32::try_from(scaled).map_err(candle_core::Error::wrap)
    };
    let (width, height) = (scaled(width)?, scaled(height)?);
    // The short side is at least `size`, so the square lies inside.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a 32-bit side")]
    let start = |side: u32| match preparation {
        // As Python rounds.
        Preparation::OpenClip => (f64::from(side - size) / 2.0).round_ties_even() as u32,
        Preparation::Transformers => (side - size) / 2,
    };
    let (left, top) = (start(width), start(height));
    Ok(resize_part(pixels, (width, height), left..left + size, top..top + size, Filter::Bicubic))
}
