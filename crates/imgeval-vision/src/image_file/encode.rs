//! Writing image files, for images that are sent on or shown.

use image::{
    ExtendedColorType, ImageEncoder, ImageError, codecs,
    error::{ImageFormatHint, UnsupportedError},
};
use imgeval_core::{ImageFormat, Pixels};

use crate::annotate::{EncodeError, encode_png};

/// Of JPEG files; high, because a judge shall see the image and not its compression.
const JPEG_QUALITY: u8 = 95;

/// The bytes of a file: PNG and WebP without loss, JPEG at quality 95.
///
/// # Errors
/// If the encoder fails, such as for an image that is too large for the format, or if the format is one that is only
/// read.
pub fn encode(pixels: &Pixels, format: ImageFormat) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let (rgb, width, height) = (pixels.rgb(), pixels.width(), pixels.height());
    let written = match format {
        ImageFormat::Png => return encode_png(pixels),
        ImageFormat::Jpeg => codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
            .write_image(rgb, width, height, ExtendedColorType::Rgb8),
        ImageFormat::WebP => codecs::webp::WebPEncoder::new_lossless(&mut bytes).write_image(
            rgb,
            width,
            height,
            ExtendedColorType::Rgb8,
        ),
        ImageFormat::Bmp | ImageFormat::Gif | ImageFormat::Pnm | ImageFormat::Tiff => {
            let hint = ImageFormatHint::Name(format.extension().to_owned());
            Err(ImageError::Unsupported(UnsupportedError::from(hint)))
        }
    };
    written.map_err(EncodeError)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_file::{DecodeLimits, inspect_and_decode};

    #[test]
    fn what_is_written_is_read_again_in_its_format() {
        let rgb: Vec<u8> = (0..17 * 9 * 3).map(|index| (index % 251) as u8).collect();
        let pixels = Pixels::new(17, 9, rgb).unwrap();
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let bytes = encode(&pixels, format).unwrap();
            let read = inspect_and_decode(&bytes, &DecodeLimits { max_pixels: 1000 }).unwrap();
            assert_eq!((read.format, read.pixels.width(), read.pixels.height()), (format, 17, 9));
            assert_eq!(read.pixels == pixels, format != ImageFormat::Jpeg);
        }
    }
}
