//! The first inspection of every image: whether it is usable, its file type, and what it shows.

use std::path::Path;

use imgeval_core::{
    ContentHash, Failure, GrayPixels, ImageFormat, Pixels,
    memory::{Reservation, reserve_file},
};
use imgeval_vision::image_file::{DecodeLimits, LITTLE_WORK, inspect_and_decode_for, read_image_file};

use super::{
    block_grid::{CLEAR_GRID, block_grid},
    file_facts::{FileFacts, parse_file_facts},
    perceptual_hash::difference_hash,
};

/// What is known of a usable image.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// SHA-256 of the file's bytes, hexadecimal.
    pub sha256: String,
    pub facts: FileFacts,
    /// Upright.
    pub width: u32,
    pub height: u32,
    /// The hash by which near duplicates of the image are found.
    pub difference_hash: u64,
    /// How clearly an 8-pixel grid stands out, as left by JPEG; about 1 if there is none.
    pub block_grid: f64,
}

impl Examined {
    #[must_use]
    pub fn short_side(&self) -> u32 {
        self.width.min(self.height)
    }

    /// Stored without loss, and yet with the grid of an earlier JPEG, or of a decoder.
    #[must_use]
    pub fn has_hidden_grid(&self) -> bool {
        !self.facts.is_lossy() && self.block_grid >= CLEAR_GRID
    }
}

/// A decoded file with the SHA-256 of its bytes.
#[derive(Debug)]
pub struct ReadImage {
    pub bytes: Vec<u8>,
    _memory: Option<Reservation>,
    pub sha256: String,
    pub format: ImageFormat,
    pub pixels: Pixels,
}

/// Reads and decodes a file.
///
/// # Errors
/// The failure as data, as imports record it.
pub fn read_image(path: &Path, limits: &DecodeLimits) -> Result<ReadImage, Failure> {
    let memory = reserve_file(path.metadata().map_or(0, |found| found.len()));
    let bytes = read_image_file(path).map_err(|error| error.failure())?;
    let image = inspect_and_decode_for(&bytes, limits, LITTLE_WORK).map_err(|error| error.failure())?;
    let sha256 = ContentHash::of(&bytes).to_string();
    Ok(ReadImage { bytes, _memory: memory, sha256, format: image.format, pixels: image.pixels })
}

/// Reads a file and keeps its properties, not its pixels.
///
/// # Errors
/// The failure as data, as imports record it.
pub fn examine(path: &Path, limits: &DecodeLimits) -> Result<Examined, Failure> {
    Ok(examine_image(&read_image(path, limits)?))
}

/// The properties of an image that was read.
pub(crate) fn examine_image(image: &ReadImage) -> Examined {
    Examined {
        facts: parse_file_facts(image.format, &image.bytes),
        width: image.pixels.width(),
        height: image.pixels.height(),
        difference_hash: difference_hash(&image.pixels),
        block_grid: block_grid(&GrayPixels::luma_of(&image.pixels)),
        sha256: image.sha256.clone(),
    }
}
