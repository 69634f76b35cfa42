//! One lossy compression as WebP, by libwebp itself with its default method 4, as Pillow and most programs write it.

use imgeval_core::Pixels;
use imgeval_vision::image_file::{DecodeLimits, ImageFileError, inspect_and_decode};

#[derive(Debug, thiserror::Error)]
pub enum WebpError {
    #[error("{width}x{height} pixels exceed the limits of WebP")]
    TooLarge { width: u32, height: u32 },
    #[error("the WebP encoder failed: {reason}")]
    Encode { reason: String },
    #[error("could not read the WebP that was just written")]
    Decode(#[source] ImageFileError),
}

/// The longest side of a WebP image (RFC 9649).
const MAX_SIDE: u32 = 16_383;

/// A lossy WebP file of this quality, 0 to 100; colors are stored at half size.
///
/// # Errors
/// If a side is longer than 16,383 pixels or the encoder fails.
pub fn encode_webp(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, WebpError> {
    let (width, height) = (pixels.width(), pixels.height());
    if width.max(height) > MAX_SIDE {
        return Err(WebpError::TooLarge { width, height });
    }
    let encoder = webp::Encoder::from_rgb(pixels.rgb(), width, height);
    let encoded = encoder.encode_simple(false, f32::from(quality.min(100)));
    Ok(encoded.map_err(|error| WebpError::Encode { reason: format!("{error:?}") })?.to_vec())
}

/// The image after one such compression; of the same size.
///
/// # Errors
/// As [`encode_webp`], or if what was written cannot be read.
pub fn compressed_webp(pixels: &Pixels, quality: u8) -> Result<Pixels, WebpError> {
    let bytes = encode_webp(pixels, quality)?;
    let limits = DecodeLimits { max_pixels: u64::from(pixels.width()) * u64::from(pixels.height()) };
    inspect_and_decode(&bytes, &limits).map(|image| image.pixels.uncounted()).map_err(WebpError::Decode)
}
