//! From bytes to upright 8-bit RGB.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    panic,
    path::Path,
};

use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage, metadata::Orientation};
use imgeval_core::{Failure, FailureKind, ImageFormat, ImageNote, Pixels};

use super::{
    container::{self, Facts, Flaw},
    sniff::{Sniffed, sniff},
};

/// Files larger than this are not read at all: 512 MiB.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// What decoders may use beside the picture itself: tables, text, profiles.
const SPARE_BYTES: u64 = 64 << 20;
/// 16-bit RGBA, the widest pixel of the three formats.
const MAX_BYTES_PER_PIXEL: u64 = 8;

/// Bounds on what is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Width times height; held against the header before anything is decoded.
    pub max_pixels: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_pixels: 100_000_000 }
    }
}

/// An accepted image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedImage {
    /// Upright.
    pub pixels: Pixels,
    pub format: ImageFormat,
    /// In the order of [`ImageNote`], each at most once.
    pub notes: Vec<ImageNote>,
}

/// Why a file gave no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageFileError {
    #[error("the file could not be opened")]
    NotAccessible {
        #[source]
        source: io::Error,
    },
    #[error("the file has {found} bytes, more than {MAX_FILE_BYTES}")]
    TooManyBytes { found: u64 },
    #[error("the file has no bytes or the image no pixels")]
    Empty,
    #[error("looks like {found}")]
    UnsupportedFormat { found: String },
    #[error("{width}x{height} pixels are more than {limit}")]
    TooManyPixels { width: u32, height: u32, limit: u64 },
    #[error("not decodable: {detail}")]
    Unreadable { detail: String },
}

impl ImageFileError {
    /// The same as data, for the record of a sample.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let kind = match self {
            Self::NotAccessible { .. } => FailureKind::NotAccessible,
            Self::Empty => FailureKind::EmptyFile,
            Self::UnsupportedFormat { .. } => FailureKind::UnsupportedFormat,
            Self::TooManyPixels { .. } => FailureKind::TooManyPixels,
            Self::TooManyBytes { .. } | Self::Unreadable { .. } => FailureKind::Unreadable,
        };
        let detail = match self {
            Self::NotAccessible { source } => format!("{self}: {source}"),
            _ => self.to_string(),
        };
        Failure { kind, detail }
    }
}

/// Reads a file of at most [`MAX_FILE_BYTES`] and decodes it.
///
/// # Errors
/// As [`inspect_and_decode`], and if the file cannot be opened, is no regular file or too large.
pub fn load_image(path: &Path, limits: &DecodeLimits) -> Result<DecodedImage, ImageFileError> {
    inspect_and_decode(&read_image_file(path)?, limits)
}

/// The bytes of a file that may be an image.
///
/// # Errors
/// If the file cannot be opened, is no regular file or too large.
pub fn read_image_file(path: &Path) -> Result<Vec<u8>, ImageFileError> {
    let not_accessible = |source| ImageFileError::NotAccessible { source };
    // Asked before opening: opening a pipe would wait for its other end.
    let metadata = path.metadata().map_err(not_accessible)?;
    if !metadata.is_file() {
        return Err(not_accessible(io::Error::other("not a regular file")));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(ImageFileError::TooManyBytes { found: metadata.len() });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(not_accessible)?;
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(not_accessible)?;
    Ok(bytes)
}

/// Decodes the bytes of an untrusted image file; see the module's description for the rules.
///
/// # Errors
/// If they are not a whole PNG, JPEG or WebP file within the limits.
pub fn inspect_and_decode(bytes: &[u8], limits: &DecodeLimits) -> Result<DecodedImage, ImageFileError> {
    if bytes.is_empty() {
        return Err(ImageFileError::Empty);
    }
    let format = match sniff(bytes) {
        Sniffed::Supported(format) => format,
        Sniffed::Other(found) => return Err(ImageFileError::UnsupportedFormat { found: found.to_owned() }),
    };
    let facts = container::walk(format, bytes).map_err(|flaw| {
        unreadable(match flaw {
            Flaw::Truncated => "the file ends early",
            Flaw::NoSize => "no image in the file",
            Flaw::BadPalette => "damaged palette",
        })
    })?;
    check_size(facts.width, facts.height, limits)?;
    // Fuzzing found a panic in a decoder (png 0.18.1, a palette of odd length; the walk refuses it now). One hostile
    // file must not end a run of thousands, so the next such defect becomes an error too.
    panic::catch_unwind(|| decode(bytes, format, facts, limits))
        .unwrap_or_else(|_| Err(unreadable("the decoder crashed on it")))
}

fn check_size(width: u32, height: u32, limits: &DecodeLimits) -> Result<(), ImageFileError> {
    if width == 0 || height == 0 {
        return Err(ImageFileError::Empty);
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(ImageFileError::TooManyPixels { width, height, limit: limits.max_pixels });
    }
    Ok(())
}

fn decode(
    bytes: &[u8],
    format: ImageFormat,
    facts: Facts,
    limits: &DecodeLimits,
) -> Result<DecodedImage, ImageFileError> {
    let mut decoder = open_decoder(bytes, format, facts)?;
    let (width, height) = decoder.dimensions();
    // The decoder may take its size from elsewhere than the walk did.
    check_size(width, height, limits)?;
    let color = decoder.color_type();
    let orientation = orientation(&mut decoder);

    let too_many_pixels = || ImageFileError::TooManyPixels { width, height, limit: limits.max_pixels };
    let byte_count = usize::try_from(decoder.total_bytes()).map_err(|_| too_many_pixels())?;
    let mut samples = Vec::new();
    // A limit that the user has raised may lie beyond this machine's memory.
    samples.try_reserve_exact(byte_count).map_err(|_| too_many_pixels())?;
    samples.resize(byte_count, 0);
    decoder.read_image(&mut samples).map_err(decoder_error)?;
    let channels = usize::from(color.channel_count());
    let is_deep = usize::from(color.bytes_per_pixel()) == 2 * channels;
    if is_deep {
        keep_high_bytes(&mut samples);
    }
    let rgb = to_rgb(samples, channels);
    let pixels = upright(width, height, rgb, orientation)
        .ok_or_else(|| unreadable("the decoder gave another number of pixels than the header"))?;

    let found = [
        (facts.is_animated, ImageNote::Animated),
        (is_deep, ImageNote::SixteenBit),
        (facts.is_cmyk, ImageNote::Cmyk),
        (color.has_alpha(), ImageNote::Alpha),
        (orientation != Orientation::NoTransforms, ImageNote::ExifRotated),
    ];
    let notes = found.into_iter().filter_map(|(is_found, note)| is_found.then_some(note)).collect();
    Ok(DecodedImage { pixels, format, notes })
}

fn open_decoder<'a>(
    bytes: &'a [u8],
    format: ImageFormat,
    facts: Facts,
) -> Result<impl ImageDecoder + 'a, ImageFileError> {
    let mut limits = image::Limits::no_limits();
    let pixel_count = u64::from(facts.width) * u64::from(facts.height);
    limits.max_alloc = Some(pixel_count.saturating_mul(MAX_BYTES_PER_PIXEL).saturating_add(SPARE_BYTES));
    let mut reader = ImageReader::with_format(
        Cursor::new(bytes),
        match format {
            ImageFormat::Png => image::ImageFormat::Png,
            ImageFormat::Jpeg => image::ImageFormat::Jpeg,
            ImageFormat::WebP => image::ImageFormat::WebP,
        },
    );
    reader.limits(limits);
    reader.into_decoder().map_err(decoder_error)
}

/// A damaged EXIF block is not worth losing the picture: it counts as none.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten().unwrap_or_default();
    // Some writers keep JPEG's prefix in PNG and WebP.
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
    Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms)
}

/// 16-bit samples in the machine's byte order become 8-bit ones, in place.
fn keep_high_bytes(samples: &mut Vec<u8>) {
    let count = samples.len() / 2;
    for index in 0..count {
        let value = u16::from_ne_bytes([samples[2 * index], samples[2 * index + 1]]);
        samples[index] = value.to_be_bytes()[0];
    }
    samples.truncate(count);
}

/// Grey, grey with alpha, RGB or RGBA to RGB.
fn to_rgb(mut samples: Vec<u8>, channels: usize) -> Vec<u8> {
    match channels {
        1 | 2 => samples.chunks_exact(channels).flat_map(|pixel| [pixel[0]; 3]).collect(),
        3 => samples,
        _ => {
            let count = samples.len() / channels;
            for index in 0..count {
                samples.copy_within(channels * index..channels * index + 3, 3 * index);
            }
            samples.truncate(3 * count);
            samples
        }
    }
}

fn upright(width: u32, height: u32, rgb: Vec<u8>, orientation: Orientation) -> Option<Pixels> {
    if orientation == Orientation::NoTransforms {
        return Pixels::new(width, height, rgb);
    }
    let mut turned = DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, rgb)?);
    turned.apply_orientation(orientation);
    let turned = turned.into_rgb8();
    Pixels::new(turned.width(), turned.height(), turned.into_raw())
}

fn decoder_error(error: image::ImageError) -> ImageFileError {
    unreadable(&error.to_string())
}

fn unreadable(detail: &str) -> ImageFileError {
    ImageFileError::Unreadable { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_keep_the_high_byte() {
        let mut samples: Vec<u8> =
            [0x12FF_u16, 0xFF00, 0x00FF].iter().flat_map(|v| v.to_ne_bytes()).collect();
        keep_high_bytes(&mut samples);
        assert_eq!(samples, [0x12, 0xFF, 0x00]);
    }

    #[test]
    fn every_channel_count_becomes_rgb() {
        assert_eq!(to_rgb(vec![7, 9], 1), [7, 7, 7, 9, 9, 9]);
        assert_eq!(to_rgb(vec![7, 0, 9, 0], 2), [7, 7, 7, 9, 9, 9]);
        assert_eq!(to_rgb(vec![1, 2, 3, 0, 4, 5, 6, 0], 4), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn failures_carry_kind_and_detail() {
        let failure = ImageFileError::TooManyPixels { width: 9, height: 8, limit: 7 }.failure();
        assert_eq!(failure.kind, FailureKind::TooManyPixels);
        assert_eq!(failure.detail, "9x8 pixels are more than 7");
    }

    #[test]
    fn folders_and_absent_files_are_not_accessible() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent.png")] {
            let failure = load_image(&path, &DecodeLimits::default()).unwrap_err().failure();
            assert_eq!(failure.kind, FailureKind::NotAccessible);
        }
    }
}
