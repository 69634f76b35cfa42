//! From bytes to upright 8-bit RGB.

use std::{
    io::{self, Cursor},
    panic,
    path::Path,
};

use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage, metadata::Orientation};
use imgeval_core::{
    Failure, FailureKind, ImageFormat, ImageNote, Pixels,
    memory::{NotEnoughMemory, PIXEL_MEMORY, Reservation, reserve_file},
};
use imgeval_files::Unsuitable;

use super::{
    container::{self, Facts, Flaw},
    exif, gif, jpeg,
    need::{Need, per_pixel},
    png,
    sniff::{Sniffed, sniff},
};

/// Files larger than this are not read at all: 512 MiB.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// What decoders may use beside the image itself: tables, text, profiles.
const SPARE_BYTES: u64 = 64 << 20;
/// 16-bit RGBA, the widest pixel of all formats.
const MAX_BYTES_PER_PIXEL: u64 = 8;

/// To scale or copy an image once.
pub const LITTLE_WORK: u64 = 3;

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
    #[error("the file is larger than {limit} bytes")]
    TooManyBytes { limit: u64 },
    #[error("the file has no bytes or the image no pixels")]
    Empty,
    #[error("looks like {found}")]
    UnsupportedFormat { found: String },
    #[error("{width}x{height} pixels exceed the limit of {limit}")]
    TooManyPixels { width: u32, height: u32, limit: u64 },
    #[error(transparent)]
    NotEnoughMemory(#[from] NotEnoughMemory),
    #[error("not decodable: {detail}")]
    Unreadable { detail: String },
}

impl ImageFileError {
    /// The same as data, for the record of a sample.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let kind = match self {
            Self::NotAccessible { source } => FailureKind::of_unread(source),
            Self::Empty => FailureKind::EmptyFile,
            Self::UnsupportedFormat { .. } => FailureKind::UnsupportedFormat,
            Self::TooManyPixels { .. } => FailureKind::TooManyPixels,
            Self::NotEnoughMemory(_) => FailureKind::NotEnoughMemory,
            Self::TooManyBytes { .. } | Self::Unreadable { .. } => FailureKind::Unreadable,
        };
        let detail = match self {
            Self::NotAccessible { source } => format!("{self}: {source}"),
            _ => self.to_string(),
        };
        Failure { kind, detail }
    }
}

/// The library whose pixels are wanted, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// `cv2.imread(path)`, in the order red, green, blue.
    #[default]
    OpenCv,
    /// `Image.open(path).convert("RGB")`: the EXIF orientation of formats other than TIFF is ignored, 16-bit gray is clipped
    /// to 255, CMYK is rounded in Pillow's way, and transparent pixels of a GIF keep the color of their palette entry.
    Pillow,
}

/// Reads a file of at most [`MAX_FILE_BYTES`] and decodes it.
///
/// # Errors
/// As [`inspect_and_decode`], and if the file cannot be opened, is no regular file or too large.
pub fn load_image(path: &Path, limits: &DecodeLimits) -> Result<DecodedImage, ImageFileError> {
    load_image_for(path, limits, LITTLE_WORK)
}

/// The same for a caller who needs `working_bytes` more for each pixel.
///
/// # Errors
/// As [`load_image`].
pub fn load_image_for(
    path: &Path,
    limits: &DecodeLimits,
    working_bytes: u64,
) -> Result<DecodedImage, ImageFileError> {
    let _bytes = reserve_file(path.metadata().map_or(0, |found| found.len()));
    inspect_and_decode_for(&read_image_file(path)?, limits, working_bytes)
}

/// The bytes of a file that may be an image.
///
/// # Errors
/// If the file cannot be opened, is no regular file or too large.
pub fn read_image_file(path: &Path) -> Result<Vec<u8>, ImageFileError> {
    imgeval_files::read_regular(path, MAX_FILE_BYTES).map_err(|source| match Unsuitable::of(&source) {
        Some(Unsuitable::TooLong { limit }) => ImageFileError::TooManyBytes { limit },
        _ => ImageFileError::NotAccessible { source },
    })
}

/// Decodes the bytes of an untrusted image file; see the module's description for the rules. What decoding takes is
/// reserved in [`PIXEL_MEMORY`] first, which may mean waiting for other threads.
///
/// # Errors
/// If they are not a whole file of a supported format within the limits, or there is not enough memory.
pub fn inspect_and_decode(bytes: &[u8], limits: &DecodeLimits) -> Result<DecodedImage, ImageFileError> {
    inspect_and_decode_for(bytes, limits, 0)
}

/// The same for a caller who needs `working_bytes` more for each pixel while it has the pixels, such as [`LITTLE_WORK`], and may
/// scale the image.
///
/// # Errors
/// As [`inspect_and_decode`].
pub fn inspect_and_decode_for(
    bytes: &[u8],
    limits: &DecodeLimits,
    working_bytes: u64,
) -> Result<DecodedImage, ImageFileError> {
    inspect_and_decode_as(bytes, limits, working_bytes, Reading::OpenCv)
}

/// The same with the pixels that another library gives. The notes describe the file, whatever the reading does about it.
///
/// # Errors
/// As [`inspect_and_decode`].
pub fn inspect_and_decode_as(
    bytes: &[u8],
    limits: &DecodeLimits,
    working_bytes: u64,
    reading: Reading,
) -> Result<DecodedImage, ImageFileError> {
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
            Flaw::TooManyScans => "more scans than any encoder makes",
        })
    })?;
    if let Some(facts) = facts {
        check_size(facts.width, facts.height, limits)?;
    }
    // Fuzzing found a panic in a decoder (png 0.18.1, a palette of odd length; the walk refuses it now). One hostile
    // file must not end a run of thousands, so the next such defect becomes an error too.
    panic::catch_unwind(|| decode(bytes, format, facts, limits, working_bytes, reading))
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

/// An image as its file stores it.
struct Stored {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    orientation: Orientation,
    is_deep: bool,
    has_alpha: bool,
}

fn decode(
    bytes: &[u8],
    format: ImageFormat,
    facts: Option<Facts>,
    limits: &DecodeLimits,
    working_bytes: u64,
    reading: Reading,
) -> Result<DecodedImage, ImageFileError> {
    if let Some(facts) = facts {
        let orientation = exif::orientation(facts.orientation);
        let room = Room::reserve(&facts, orientation, working_bytes)?;
        let stored = match format {
            ImageFormat::Jpeg => decode_jpeg(bytes, facts, reading)?,
            ImageFormat::Png => decode_png(bytes, facts, reading)?,
            ImageFormat::Gif => decode_gif(bytes, facts, reading)?,
            _ => {
                let decoder = open_decoder(bytes, format, memory_limit(facts.width, facts.height))?;
                decode_with_image(decoder, format, orientation, limits, reading)?
            }
        };
        return finish(stored, format, &facts, room, reading);
    }
    // These decoders are asked for the size; until then they need next to nothing.
    let max_bytes = limits.max_pixels.saturating_mul(MAX_BYTES_PER_PIXEL).saturating_add(SPARE_BYTES);
    let mut decoder = open_decoder(bytes, format, max_bytes)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, limits)?;
    // A damaged tag is not worth losing the image.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let color = decoder.color_type();
    let channels = u64::from(color.channel_count());
    let per_channel = u64::from(color.bytes_per_pixel()) / channels.max(1);
    let per_pixel = if format == ImageFormat::Tiff { per_pixel::tiff } else { per_pixel::samples };
    let facts =
        Facts { width, height, bytes_per_pixel: per_pixel(channels, per_channel), ..Facts::default() };
    let room = Room::reserve(&facts, orientation, working_bytes)?;
    let stored = decode_with_image(decoder, format, orientation, limits, reading)?;
    finish(stored, format, &facts, room, reading)
}

/// Memory that is reserved while an image is decoded, and how much of it afterwards.
struct Room {
    reservation: Reservation,
    remaining: u64,
}

impl Room {
    fn reserve(facts: &Facts, orientation: Orientation, working_bytes: u64) -> Result<Self, NotEnoughMemory> {
        let Need { decoding, remaining } = Need::of(facts, orientation, working_bytes);
        Ok(Self { reservation: PIXEL_MEMORY.reserve(decoding)?, remaining })
    }
}

fn finish(
    stored: Stored,
    format: ImageFormat,
    facts: &Facts,
    room: Room,
    reading: Reading,
) -> Result<DecodedImage, ImageFileError> {
    let orientation = stored.orientation;
    let applied = match reading {
        Reading::Pillow if format != ImageFormat::Tiff => Orientation::NoTransforms,
        _ => orientation,
    };
    let pixels = upright(stored.width, stored.height, stored.rgb, applied)
        .ok_or_else(|| unreadable("the decoder returned a number of pixels that differs from the header"))?;
    let Room { mut reservation, remaining } = room;
    reservation.shrink_to(remaining);
    let found = [
        (facts.is_animated, ImageNote::Animated),
        (stored.is_deep, ImageNote::SixteenBit),
        (facts.is_cmyk, ImageNote::Cmyk),
        (stored.has_alpha, ImageNote::Alpha),
        (orientation != Orientation::NoTransforms, ImageNote::ExifRotated),
    ];
    let notes = found.into_iter().filter_map(|(is_found, note)| is_found.then_some(note)).collect();
    Ok(DecodedImage { pixels: pixels.holding(reservation), format, notes })
}

fn refused(bytes: usize) -> ImageFileError {
    NotEnoughMemory::Refused { needed: bytes as u64 }.into()
}

fn decode_jpeg(bytes: &[u8], facts: Facts, reading: Reading) -> Result<Stored, ImageFileError> {
    let Facts { width, height, .. } = facts;
    let rgb = jpeg::decode(bytes, width, height, reading).map_err(|fault| match fault {
        jpeg::Fault::Memory => refused(3 * width as usize * height as usize),
        fault => unreadable(&fault.to_string()),
    })?;
    let orientation = exif::orientation(facts.orientation);
    Ok(Stored { width, height, rgb, orientation, is_deep: false, has_alpha: false })
}

fn decode_png(bytes: &[u8], facts: Facts, reading: Reading) -> Result<Stored, ImageFileError> {
    let Facts { width, height, .. } = facts;
    let max_bytes = memory_limit(width, height);
    let png::Samples { mut bytes, channels, is_deep, is_gray } = png::decode(bytes, width, height, max_bytes)
        .map_err(|fault| match fault {
            png::Fault::Damaged(detail) => unreadable(&detail),
            png::Fault::Memory(bytes) => refused(bytes),
        })?;
    if is_deep {
        // Pillow opens gray with alpha as RGBA, of the high bytes; gray alone, even with a transparent level, keeps its 16 bits.
        let is_clipped = reading == Reading::Pillow && is_gray;
        to_eight_bits(&mut bytes, |[high, low]| if is_clipped { clipped(high, low) } else { high });
    }
    let rgb = to_rgb(bytes, channels)?;
    let orientation = exif::orientation(facts.orientation);
    Ok(Stored { width, height, rgb, orientation, is_deep, has_alpha: matches!(channels, 2 | 4) })
}

fn decode_gif(bytes: &[u8], facts: Facts, reading: Reading) -> Result<Stored, ImageFileError> {
    let Facts { width, height, .. } = facts;
    let (rgb, has_alpha) = gif::decode_first_frame(bytes, memory_limit(width, height), reading).map_err(
        |fault| match fault {
            gif::Fault::Damaged(error) => unreadable(&error.to_string()),
            gif::Fault::Memory(bytes) => refused(bytes),
        },
    )?;
    Ok(Stored { width, height, rgb, orientation: Orientation::NoTransforms, is_deep: false, has_alpha })
}

fn decode_with_image(
    decoder: impl ImageDecoder,
    format: ImageFormat,
    orientation: Orientation,
    limits: &DecodeLimits,
    reading: Reading,
) -> Result<Stored, ImageFileError> {
    let (width, height) = decoder.dimensions();
    // The decoder may take its size from elsewhere than the walk did.
    check_size(width, height, limits)?;
    let color = decoder.color_type();
    let channels = usize::from(color.channel_count());
    let bytes_per_channel = usize::from(color.bytes_per_pixel()) / channels.max(1);
    if bytes_per_channel > 2 {
        return Err(unreadable("samples of more than 16 bits"));
    }

    let byte_count = usize::try_from(decoder.total_bytes()).map_err(|_| refused(usize::MAX))?;
    let mut samples = Vec::new();
    samples.try_reserve_exact(byte_count).map_err(|_| refused(byte_count))?;
    samples.resize(byte_count, 0);
    decoder.read_image(&mut samples).map_err(decoder_error)?;
    let is_deep = bytes_per_channel == 2;
    if is_deep {
        // Decoders for these formats give the machine's byte order. libtiff rounds, the others keep the high byte.
        let is_rounded = format == ImageFormat::Tiff && reading == Reading::OpenCv;
        let is_clipped = reading == Reading::Pillow && channels == 1;
        to_eight_bits(&mut samples, |pair| {
            let value = u16::from_ne_bytes(pair);
            let [high, low] = value.to_be_bytes();
            match (is_clipped, is_rounded) {
                (true, _) => clipped(high, low),
                (false, true) => ((u32::from(value) + 128) / 257) as u8,
                (false, false) => high,
            }
        });
    }
    let rgb = to_rgb(samples, channels)?;
    Ok(Stored { width, height, rgb, orientation, is_deep, has_alpha: color.has_alpha() })
}

/// What a decoder may allocate for an image of this size.
fn memory_limit(width: u32, height: u32) -> u64 {
    let pixel_count = u64::from(width) * u64::from(height);
    pixel_count.saturating_mul(MAX_BYTES_PER_PIXEL).saturating_add(SPARE_BYTES)
}

fn open_decoder(
    bytes: &[u8],
    format: ImageFormat,
    max_bytes: u64,
) -> Result<impl ImageDecoder + '_, ImageFileError> {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(max_bytes);
    let mut reader = ImageReader::with_format(
        Cursor::new(bytes),
        match format {
            ImageFormat::Bmp => image::ImageFormat::Bmp,
            ImageFormat::Gif => image::ImageFormat::Gif,
            ImageFormat::Jpeg => image::ImageFormat::Jpeg,
            ImageFormat::Png => image::ImageFormat::Png,
            ImageFormat::Pnm => image::ImageFormat::Pnm,
            ImageFormat::Tiff => image::ImageFormat::Tiff,
            ImageFormat::WebP => image::ImageFormat::WebP,
        },
    );
    reader.limits(limits);
    reader.into_decoder().map_err(decoder_error)
}

/// 16-bit samples become 8-bit ones, in place.
fn to_eight_bits(samples: &mut Vec<u8>, byte_of: impl Fn([u8; 2]) -> u8) {
    let count = samples.len() / 2;
    let bytes = samples.as_mut_slice();
    for index in 0..count {
        bytes[index] = byte_of([bytes[2 * index], bytes[2 * index + 1]]);
    }
    samples.truncate(count);
}

/// What Pillow makes of a 16-bit level.
fn clipped(high: u8, low: u8) -> u8 {
    if high > 0 { u8::MAX } else { low }
}

/// Gray, gray with alpha, RGB or RGBA to RGB, without any spare capacity.
fn to_rgb(mut samples: Vec<u8>, channels: usize) -> Result<Vec<u8>, ImageFileError> {
    if channels < 3 {
        let length = 3 * (samples.len() / channels);
        let mut rgb = Vec::new();
        rgb.try_reserve_exact(length).map_err(|_| refused(length))?;
        samples.chunks_exact(channels).for_each(|pixel| rgb.extend([pixel[0]; 3]));
        return Ok(rgb);
    }
    if channels > 3 {
        let count = samples.len() / channels;
        let bytes = samples.as_mut_slice();
        for index in 0..count {
            for channel in 0..3 {
                bytes[3 * index + channel] = bytes[channels * index + channel];
            }
        }
        samples.truncate(3 * count);
    }
    samples.shrink_to_fit();
    Ok(samples)
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
    fn sixteen_bits_become_eight_in_place() {
        let mut samples = vec![0x12, 0xFF, 0xFF, 0x00, 0x00, 0xFF];
        to_eight_bits(&mut samples, |[high, _]| high);
        assert_eq!(samples, [0x12, 0xFF, 0x00]);
    }

    #[test]
    fn every_channel_count_becomes_rgb() {
        assert_eq!(to_rgb(vec![7, 9], 1).unwrap(), [7, 7, 7, 9, 9, 9]);
        assert_eq!(to_rgb(vec![7, 0, 9, 0], 2).unwrap(), [7, 7, 7, 9, 9, 9]);
        assert_eq!(to_rgb(vec![1, 2, 3, 0, 4, 5, 6, 0], 4).unwrap(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn what_is_left_of_wide_pixels_is_given_back() {
        let rgb = to_rgb(vec![9; 4 << 20], 4).unwrap();
        assert!(rgb.capacity() < 4 << 20, "{}", rgb.capacity());
    }

    #[test]
    fn failures_carry_kind_and_detail() {
        let failure = ImageFileError::TooManyPixels { width: 9, height: 8, limit: 7 }.failure();
        assert_eq!(failure.kind, FailureKind::TooManyPixels);
        assert_eq!(failure.detail, "9x8 pixels exceed the limit of 7");
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
