//! How much memory decoding a file takes, by what its header says. Counted from the decoders' sources; where a count
//! depends on the file's data, by the most that it can be.

use image::metadata::Orientation;

use super::container::Facts;

/// Tables and windows of a decoder, whatever the image.
const TABLES: u64 = 2 << 20;
/// Lines that a decoder keeps, at most.
const LINES: u64 = 4;
/// 16-bit RGBA, the widest pixel.
const LINE_BYTES_PER_PIXEL: u64 = 8;
const RGB: u64 = 3;
/// The weights of scaling, with the widest filter, for each column and row.
const WEIGHTS: u64 = 80;

/// What a decoder holds for each pixel at the worst moment, with the conversion to RGB, by format.
pub(super) mod per_pixel {
    use super::RGB;

    /// `color_type` and `bit_depth` as in IHDR. Palettes and transparent colors are expanded; gray becomes RGB in a
    /// vector of its own.
    pub(in super::super) fn png(color_type: u8, bit_depth: u8, has_transparent_color: bool) -> u64 {
        let color = match color_type {
            0 | 4 => 1,
            _ => 3,
        };
        let has_alpha = has_transparent_color || color_type & 4 != 0;
        let samples = color + u64::from(has_alpha);
        samples * if bit_depth == 16 { 2 } else { 1 } + if color == 1 { RGB } else { 0 }
    }

    /// A file of several scans is kept as 16-bit coefficients until the last has come.
    pub(in super::super) fn jpeg(n_components: u64, has_several_scans: bool) -> u64 {
        n_components.max(RGB) + if has_several_scans { 2 * n_components } else { 0 }
    }

    /// The image, its luma and chroma planes or lossless pixels, and the planes of its transparency.
    pub(in super::super) const WEBP: u64 = 4 + 2 + 5;
    /// The same for a frame, with the canvas beneath it.
    pub(in super::super) const ANIMATED_WEBP: u64 = WEBP + 8;
    /// The screen and the indices of its first frame.
    pub(in super::super) const GIF: u64 = RGB + 1;
    /// Of formats that are decoded into one vector of samples.
    pub(in super::super) fn samples(channels: u64, bytes_per_channel: u64) -> u64 {
        channels * bytes_per_channel + if channels < RGB { RGB } else { 0 }
    }
    /// TIFF's decoder has a vector of its own, in CMYK where the samples are RGB, and the strip or tile.
    pub(in super::super) fn tiff(channels: u64, bytes_per_channel: u64) -> u64 {
        samples(channels, bytes_per_channel) + 2 * 4 * bytes_per_channel
    }
}

/// Of an image on its way to upright RGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    /// While it is decoded.
    pub decoding: u64,
    /// Afterwards, with what is done to it.
    pub remaining: u64,
}

impl Need {
    /// `working_bytes` are what the caller will need for each pixel besides the pixels.
    pub(super) fn of(facts: &Facts, orientation: Orientation, working_bytes: u64) -> Self {
        let (width, height) = (u64::from(facts.width), u64::from(facts.height));
        let pixels = width * height;
        let decoded = facts.decoded_pixels.max(pixels);
        let line = LINES * LINE_BYTES_PER_PIXEL * width.max(facts.line_pixels);
        let turned = if orientation == Orientation::NoTransforms { 0 } else { 2 * RGB * pixels };
        let weights = if working_bytes == 0 { 0 } else { WEIGHTS * (width + height) };
        let remaining = (RGB + working_bytes).saturating_mul(pixels).saturating_add(weights);
        let decoder = decoded.saturating_mul(facts.bytes_per_pixel).saturating_add(line + TABLES);
        Self { decoding: decoder.max(turned).max(remaining), remaining }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_png_takes_eight_bytes_a_pixel_and_gray_its_rgb_beside_it() {
        assert_eq!(per_pixel::png(6, 16, false), 8);
        assert_eq!(per_pixel::png(2, 8, false), 3);
        assert_eq!(per_pixel::png(3, 4, true), 4);
        assert_eq!(per_pixel::png(0, 16, true), 7);
        assert_eq!(per_pixel::jpeg(3, false), 3);
        assert_eq!(per_pixel::jpeg(1, true), 5);
        assert_eq!(per_pixel::jpeg(4, true), 12);
    }

    #[test]
    fn what_follows_counts_too() {
        let facts = Facts { width: 100_000, height: 1000, bytes_per_pixel: 8, ..Facts::default() };
        let need = |orientation, working| Need::of(&facts, orientation, working);
        let plain = need(Orientation::NoTransforms, 0);
        assert_eq!(plain.remaining, 300_000_000);
        assert_eq!(plain.decoding, 800_000_000 + 3_200_000 + TABLES);
        assert_eq!(need(Orientation::Rotate90, 0), plain);
        assert_eq!(need(Orientation::NoTransforms, 16).decoding, 1_900_000_000 + 80 * 101_000);
    }
}
