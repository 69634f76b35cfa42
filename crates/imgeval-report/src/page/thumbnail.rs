//! Small pictures.
//!
//! JPEG, because what is at hand otherwise is lossless WebP: of 33 generated pictures the thumbnails of 320 pixels have 23 KB
//! each as JPEG of quality 82, and 124 KB as WebP.

use std::io::Cursor;

use fast_image_resize::{
    PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits, RgbImage,
    codecs::jpeg::JpegEncoder, metadata::Orientation,
};
use imgeval_core::{
    Pixels,
    memory::{NotEnoughMemory, PIXEL_MEMORY, Reservation},
};

const QUALITY: u8 = 82;
/// Sides and memory of a picture that is still decoded.
const MAX_SIDE: u32 = 32_768;
const MAX_BYTES: u64 = 1 << 30;
/// Shows through where a picture is transparent.
const GROUND: [u16; 3] = [255; 3];

/// Why a picture cannot be shown, in a sentence's end: `the picture ...`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("is missing from its run")]
    Missing,
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("is damaged: its bytes are not those that the run recorded")]
    Changed,
    #[error("cannot be decoded: {0}")]
    Undecodable(String),
    #[error("is not shown: {0}")]
    NotEnoughMemory(#[from] NotEnoughMemory),
}

/// A JPEG of at most `side` pixels on the longer side, upright; smaller pictures keep their size. `opaque` are the pixels
/// as evaluators see them; without them, as for a transparent picture, the bytes are decoded here.
///
/// # Errors
/// If the bytes are no picture, or one too large to decode.
pub fn make_thumbnail(bytes: &[u8], side: u32, opaque: Option<Pixels>) -> Result<Vec<u8>, PictureError> {
    let small = match opaque {
        Some(pixels) => {
            let _weights = PIXEL_MEMORY.reserve(resizing_bytes(pixels.width(), pixels.height(), side))?;
            shrink((pixels.width(), pixels.height()), pixels.rgb(), PixelType::U8x3, side)?
        }
        None => decode_and_shrink(bytes, side)?,
    };
    let mut encoded = Vec::new();
    JpegEncoder::new_with_quality(&mut encoded, QUALITY)
        .encode(small.as_raw(), small.width(), small.height(), ExtendedColorType::Rgb8)
        .map_err(|error| undecodable(&error))?;
    Ok(encoded)
}

fn undecodable(error: &dyn std::fmt::Display) -> PictureError {
    PictureError::Undecodable(error.to_string())
}

fn decode_and_shrink(bytes: &[u8], side: u32) -> Result<RgbImage, PictureError> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| undecodable(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let format = reader.format();
    let decoder = reader.into_decoder().map_err(|error| undecodable(&error))?;
    let _reserved = reserve(&decoder, format, side)?;
    let (picture, orientation) = decode(decoder).map_err(|error| undecodable(&error))?;
    let size = (picture.width(), picture.height());
    let small = match picture.color().has_alpha() {
        true => shrink(size, picture.into_rgba8().as_raw(), PixelType::U8x4, side)?,
        false => shrink(size, picture.into_rgb8().as_raw(), PixelType::U8x3, side)?,
    };
    // Turned when it is small: that is less work and gives the same picture.
    let mut small = DynamicImage::from(small);
    small.apply_orientation(orientation);
    Ok(small.into_rgb8())
}

/// What decoding, conversion to 8 bits, weighting by alpha and resizing take at most. Counted from the decoders' sources:
/// some have planes or coefficients beside the picture.
fn reserve(
    decoder: &impl ImageDecoder,
    format: Option<ImageFormat>,
    side: u32,
) -> Result<Reservation, NotEnoughMemory> {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let beside = match format {
        Some(ImageFormat::Png | ImageFormat::Bmp | ImageFormat::Pnm) => 0,
        _ => decoder.total_bytes() + 8 * pixels,
    };
    let picture = decoder.total_bytes() + 4 * pixels;
    PIXEL_MEMORY.reserve(beside + picture.max(8 * pixels) + resizing_bytes(width, height, side))
}

/// The weights of a resize, some for every column and row, the lines of a decoder, and the picture between the two
/// directions.
fn resizing_bytes(width: u32, height: u32, side: u32) -> u64 {
    const WEIGHTS: u64 = 64;
    let (small_width, _) = fit(width, height, side);
    WEIGHTS * (u64::from(width) + u64::from(height)) + 4 * u64::from(small_width) * u64::from(height)
}

fn decode(mut decoder: impl ImageDecoder) -> ImageResult<(DynamicImage, Orientation)> {
    let orientation = decoder.orientation()?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

/// Opaque, 8 bits a channel. The bytes are of pixels of this kind, row by row.
fn shrink(
    (width, height): (u32, u32),
    bytes: &[u8],
    kind: PixelType,
    side: u32,
) -> Result<RgbImage, PictureError> {
    let (small_width, small_height) = fit(width, height, side);
    let from = ImageRef::new(width, height, bytes, kind).map_err(|error| undecodable(&error))?;
    let mut to = Image::new(small_width, small_height, kind);
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(fast_image_resize::FilterType::Lanczos3));
    Resizer::new().resize(&from, &mut to, &options).map_err(|error| undecodable(&error))?;
    let opaque = match to.pixel_type() {
        PixelType::U8x4 => to.buffer().chunks_exact(4).flat_map(over_ground).collect(),
        _ => to.into_vec(),
    };
    RgbImage::from_raw(small_width, small_height, opaque)
        .ok_or_else(|| undecodable(&"the resized picture has another size than asked for"))
}

fn over_ground(pixel: &[u8]) -> [u8; 3] {
    let alpha = u16::from(pixel[3]);
    std::array::from_fn(|channel| {
        let mixed = u16::from(pixel[channel]) * alpha + GROUND[channel] * (255 - alpha);
        // Within 0 to 255, as both parts are.
        u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
    })
}

fn fit(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= side {
        return (width, height);
    }
    let scaled = |length: u32| {
        let rounded = (u64::from(length) * u64::from(side) + u64::from(longer / 2)) / u64::from(longer);
        u32::try_from(rounded).unwrap_or(side).max(1)
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgb, Rgba, RgbaImage};

    use super::*;

    fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn reread(bytes: &[u8]) -> RgbImage {
        image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).unwrap().into_rgb8()
    }

    /// Left half red, right half blue.
    fn halves(width: u32, height: u32) -> DynamicImage {
        RgbImage::from_fn(
            width,
            height,
            |x, _| if x < width / 2 { Rgb([220, 0, 0]) } else { Rgb([0, 0, 220]) },
        )
        .into()
    }

    #[test]
    fn large_pictures_shrink_and_small_ones_keep_their_size() {
        let size = |width, height| {
            let small = reread(
                &make_thumbnail(&encode(&halves(width, height), ImageFormat::Png), 320, None).unwrap(),
            );
            small.dimensions()
        };
        assert_eq!(size(1000, 500), (320, 160));
        assert_eq!(size(500, 1000), (160, 320));
        assert_eq!(size(4000, 2), (320, 1));
        assert_eq!(size(30, 20), (30, 20));
    }

    #[test]
    fn the_side_that_exif_calls_up_is_up() {
        let jpeg = encode(&halves(64, 32), ImageFormat::Jpeg);
        // Orientation 6: the first row is the right side; so the left half, red, comes to the top.
        let tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
        let turned = [&jpeg[..2], &[0xff, 0xe1], &length, tiff, &jpeg[2..]].concat();
        let small = reread(&make_thumbnail(&turned, 320, None).unwrap());
        assert_eq!(small.dimensions(), (32, 64));
        let (top, bottom) = (small.get_pixel(16, 5), small.get_pixel(16, 58));
        assert!(top[0] > 180 && top[2] < 60 && bottom[2] > 180 && bottom[0] < 60, "{top:?} {bottom:?}");
    }

    #[test]
    fn pixels_that_were_decoded_are_taken_as_they_are() {
        let pixels = Pixels::new(2, 1, vec![200, 10, 10, 200, 10, 10]).unwrap();
        let small = reread(&make_thumbnail(b"of no format known here", 320, Some(pixels)).unwrap());
        assert_eq!(small.dimensions(), (2, 1));
        assert!(small.get_pixel(0, 0)[0] > 180, "{:?}", small.get_pixel(0, 0));
    }

    #[test]
    fn transparent_pixels_show_white() {
        let clear: DynamicImage = RgbaImage::from_pixel(400, 400, Rgba([10, 200, 10, 0])).into();
        let small = reread(&make_thumbnail(&encode(&clear, ImageFormat::Png), 320, None).unwrap());
        assert!(small.pixels().all(|pixel| pixel.0.iter().all(|value| *value > 250)));
    }

    #[test]
    fn what_is_no_picture_is_told() {
        let bytes = encode(&halves(64, 64), ImageFormat::Png);
        for broken in [&b"not a picture"[..], &[], &bytes[..bytes.len() / 2]] {
            let told = make_thumbnail(broken, 320, None);
            assert!(matches!(told, Err(PictureError::Undecodable(_))), "{told:?}");
        }
    }
}
