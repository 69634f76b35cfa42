//! From an image to a network's square input, cropped and scaled as torchvision, albumentations and OpenCV do.

use std::ops::Range;

use candle_core::Tensor;
use imgeval_core::Pixels;
use imgeval_vision::{clip::normalized, compute::Backend, resample::pillow::resize_part};
use sha2::{Digest, Sha256};

use crate::port::ForensicsError;

pub use imgeval_vision::resample::pillow::Filter;

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
    square(image, side, half_to_even)
}

/// The same as albumentations' `CenterCrop` cuts them after padding with black: half a pixel is cut off.
#[must_use]
pub fn albumentations_middle(image: &Pixels, side: u32) -> Pixels {
    square(image, side, |length| length / 2)
}

/// The image repeated in both directions until each side has at least `side` pixels. An image whose sides both have them stays as
/// it is; otherwise each side is repeated as often as it needs.
#[must_use]
pub fn tiled(image: &Pixels, side: u32) -> Pixels {
    let (width, height) = (image.width(), image.height());
    let (across, down) = (side.div_ceil(width).max(1), side.div_ceil(height).max(1));
    if (across, down) == (1, 1) {
        return image.clone();
    }
    let line = 3 * width as usize;
    let mut rgb = Vec::with_capacity(image.rgb().len() * (across * down) as usize);
    for _ in 0..down {
        for row in image.rgb().chunks_exact(line) {
            (0..across).for_each(|_| rgb.extend_from_slice(row));
        }
    }
    Pixels::new(width * across, height * down, rgb).unwrap_or_else(|| image.clone())
}

/// The middle `side` x `side` pixels of the image whose short side torchvision's `Resize(short)` scaled to `short` pixels with one of
/// Pillow's filters. Only the middle is computed, however thin the image is.
#[must_use]
pub fn resized_middle(image: &Pixels, short: u32, side: u32, filter: Filter) -> Pixels {
    let (width, height) = (u64::from(image.width()), u64::from(image.height()));
    let scaled = |length: u64| {
        let scaled = u64::from(short) * length / width.min(height);
        u32::try_from(scaled).unwrap_or(u32::MAX)
    };
    let size = (scaled(width), scaled(height));
    let (columns, rows) = (middle_of(size.0, side), middle_of(size.1, side));
    let part = pillow_part(image, size, columns, rows, filter);
    torchvision_middle(&part, side)
}

/// Where `CenterCrop` begins and ends along a side, as far as the image has pixels there.
fn middle_of(length: u32, side: u32) -> Range<u32> {
    if length <= side {
        return 0..length;
    }
    let start = half_to_even(length - side);
    start..start + side
}

/// Exactly `width` x `height` pixels by Pillow's bilinear filter, whatever the proportions.
#[must_use]
pub fn squashed(image: &Pixels, width: u32, height: u32) -> Pixels {
    pillow_part(image, (width, height), 0..width, 0..height, Filter::Bilinear)
}

/// These columns and rows of the image as Pillow 13 scales it to `size`. Older versions filter along the rows first; this one does not
/// where the image loses more than twice as many rows as columns, so that some bytes differ by one.
///
/// The rule was found by comparing both orders with Pillow 13.0.0 for 9,000 random sizes; `scripts/reference/forensics_readings.py`
/// writes the sizes that the tests use.
fn pillow_part(
    image: &Pixels,
    (width, height): (u32, u32),
    columns: Range<u32>,
    rows: Range<u32>,
    filter: Filter,
) -> Pixels {
    let lost_rows = i64::from(image.height()) - i64::from(height);
    let lost_columns = i64::from(image.width()) - i64::from(width);
    if lost_rows <= 0 || lost_rows <= 2 * lost_columns {
        return resize_part(image, (width, height), columns, rows, filter);
    }
    let n_rows = rows.end - rows.start;
    let filtered = resize_part(image, (image.width(), height), 0..image.width(), rows, filter);
    resize_part(&filtered, (width, n_rows), columns, 0..n_rows, filter)
}

/// Exactly `width` x `height` pixels by OpenCV's `INTER_LINEAR`, which does not smooth before it shrinks.
#[must_use]
pub fn opencv_squashed(image: &Pixels, width: u32, height: u32) -> Pixels {
    imgeval_vision::resample::opencv::resize_bilinear(image, width, height)
}

/// Half of a length, the half of an odd one rounded to even.
fn half_to_even(length: u32) -> u32 {
    match length % 4 {
        3 => length / 2 + 1,
        _ => length / 2,
    }
}

/// A square out of the middle: black of equal width around an image that is shorter (the odd pixel right and below), and what `half`
/// gives cut off from one that is longer.
fn square(image: &Pixels, side: u32, half: impl Fn(u32) -> u32) -> Pixels {
    // Along each axis: black before the image, the first pixel of the image, how many of them.
    let place = |length: u32| match length.checked_sub(side) {
        Some(longer) => (0, half(longer) as usize, side as usize),
        None => (((side - length) / 2) as usize, 0, length as usize),
    };
    let ((left, first_column, columns), (top, first_row, rows)) =
        (place(image.width()), place(image.height()));
    let (line, source_line) = (3 * side as usize, 3 * image.width() as usize);
    let mut rgb = vec![0; line * side as usize];
    let targets = rgb.chunks_exact_mut(line).skip(top);
    let sources = image.rgb().chunks_exact(source_line).skip(first_row).take(rows);
    for (target, source) in targets.zip(sources) {
        let source = &source[3 * first_column..][..3 * columns];
        target[3 * left..][..source.len()].copy_from_slice(source);
    }
    Pixels::new(side, side, rgb).unwrap_or_else(|| image.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of `length` pixels of gray levels 1, 2, 3, ...
    fn row(length: u8) -> Pixels {
        Pixels::new(length.into(), 1, (1..=length).flat_map(|level| [level; 3]).collect()).unwrap()
    }

    fn levels(pixels: &Pixels, row: u32) -> Vec<u8> {
        (0..pixels.width()).map(|column| pixels.at(column, row)[0]).collect()
    }

    #[test]
    fn half_a_pixel_is_rounded_to_even_by_one_library_and_cut_off_by_the_other() {
        // Differences of 1, 3, 5 and 7 pixels begin at 0, 2, 2 and 4 in torchvision.
        for (length, torchvision, albumentations) in [(2, 1, 1), (4, 3, 2), (6, 3, 3), (8, 5, 4)] {
            assert_eq!(torchvision_middle(&row(length), 1).at(0, 0)[0], torchvision, "{length}");
            assert_eq!(albumentations_middle(&row(length), 1).at(0, 0)[0], albumentations, "{length}");
        }
    }

    #[test]
    fn short_sides_get_a_black_frame_whose_odd_pixel_is_right_and_below() {
        for middle in [torchvision_middle, albumentations_middle] {
            let crop = middle(&row(2), 5);
            assert_eq!((crop.width(), crop.height()), (5, 5));
            assert_eq!(levels(&crop, 2), [0, 1, 2, 0, 0]);
            assert!([0, 1, 3, 4].iter().all(|row| levels(&crop, *row) == [0; 5]));
            assert_eq!(levels(&middle(&row(7), 3), 1), [3, 4, 5]);
        }
    }

    #[test]
    fn tiles_repeat_until_both_sides_are_long_enough() {
        let image = tiled(&row(3), 4);
        assert_eq!((image.width(), image.height()), (6, 4));
        assert!((0..4).all(|row| levels(&image, row) == [1, 2, 3, 1, 2, 3]));
        assert_eq!(tiled(&row(1), 1), row(1));
    }

    #[test]
    fn the_middle_of_a_thin_image_costs_no_more_than_a_square() {
        let thin = Pixels::new(50_000, 1, vec![9; 150_000]).unwrap();
        let crop = resized_middle(&thin, 32, 24, Filter::Bilinear);
        assert_eq!((crop.width(), crop.height()), (24, 24));
        assert!(crop.rgb().iter().all(|level| *level == 9));
        let padded = resized_middle(&row(2), 2, 4, Filter::Bicubic);
        assert_eq!((padded.width(), padded.height()), (4, 4));
        assert_eq!(padded.at(0, 1), [1; 3]);
    }

    /// Reference: `scripts/reference/forensics_readings.py`, Pillow 13.0.0.
    #[test]
    fn scaling_is_pillows_in_both_orders() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/readings/expected.json");
        let expected: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for case in expected["scaled"].as_array().unwrap() {
            let sides: Vec<u32> = serde_json::from_value(case["from_to"].clone()).unwrap();
            let [width, height, to_width, to_height] = sides[..] else { panic!("four sides") };
            let bytes = (0..3 * width * height).map(|place| ((place * 7919 + 13) % 65_521 % 256) as u8);
            let image = Pixels::new(width, height, bytes.collect()).unwrap();
            let scaled = squashed(&image, to_width, to_height);
            assert_eq!(sha256(&scaled), case["sha256"].as_str().unwrap(), "{sides:?}");
        }
    }
}
