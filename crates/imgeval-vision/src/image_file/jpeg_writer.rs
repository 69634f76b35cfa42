//! One compression as JPEG of a stated quality: as a control, and so that every image has it in its past.

use imgeval_core::Pixels;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use super::{DecodeLimits, ImageFileError, inspect_and_decode};

/// How the color channels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4, as many as luma.
    None,
    /// 4:2:0, the mean of two by two pixels, as most writers do.
    Half,
}

#[derive(Debug, thiserror::Error)]
pub enum JpegError {
    #[error("{width}x{height} pixels exceed the limits of JPEG")]
    TooLarge { width: u32, height: u32 },
    #[error("the JPEG encoder failed")]
    Encode(#[source] EncodingError),
    #[error("could not read the JPEG that was just written")]
    Decode(#[source] ImageFileError),
}

/// A baseline JPEG with the tables of T.81 annex K at `quality` (1 to 100) on the Independent JPEG Group's scale.
///
/// # Errors
/// If a side is longer than 65,535 pixels.
pub fn encode_jpeg(pixels: &Pixels, quality: u8, subsampling: Subsampling) -> Result<Vec<u8>, JpegError> {
    let (width, height) = (pixels.width(), pixels.height());
    let too_large = |_| JpegError::TooLarge { width, height };
    let (short_width, short_height) =
        (width.try_into().map_err(too_large)?, height.try_into().map_err(too_large)?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    encoder.set_sampling_factor(match subsampling {
        Subsampling::None => SamplingFactor::R_4_4_4,
        Subsampling::Half => SamplingFactor::R_4_2_0,
    });
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode(pixels.rgb(), short_width, short_height, ColorType::Rgb).map_err(JpegError::Encode)?;
    Ok(bytes)
}

/// The image after one such compression; of the same size.
///
/// # Errors
/// If a side is longer than 65,535 pixels, or what was written cannot be read.
pub fn compressed(pixels: &Pixels, quality: u8, subsampling: Subsampling) -> Result<Pixels, JpegError> {
    let bytes = encode_jpeg(pixels, quality, subsampling)?;
    let limits = DecodeLimits { max_pixels: u64::from(pixels.width()) * u64::from(pixels.height()) };
    // Squares are small and kept in numbers: they must not keep memory from the files that are still to be decoded.
    inspect_and_decode(&bytes, &limits).map(|image| image.pixels.uncounted()).map_err(JpegError::Decode)
}

#[cfg(test)]
mod tests {
    use imgeval_core::GrayPixels;

    use super::*;

    fn waves() -> Pixels {
        let wave = |index: usize| {
            let (x, y, channel) = (index / 3 % 64, index / 192, index % 3);
            128.0 + 90.0 * (x as f64 / 5.0 + channel as f64).sin() * (y as f64 / 7.0).cos()
        };
        Pixels::new(64, 64, (0..64 * 64 * 3).map(|index| wave(index) as u8).collect()).unwrap()
    }

    /// The mean change of luma: color stored at half size is smoothed again by every compression.
    fn mean_change(a: &Pixels, b: &Pixels) -> f64 {
        let (a, b) = (GrayPixels::luma_of(a), GrayPixels::luma_of(b));
        let sum: f64 = a.values().iter().zip(b.values()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        sum / a.values().len() as f64
    }

    #[test]
    fn lower_quality_changes_more() {
        let picture = waves();
        let change =
            |quality| mean_change(&picture, &compressed(&picture, quality, Subsampling::None).unwrap());
        assert!(
            change(95) < change(75) && change(75) < change(30),
            "{} {} {}",
            change(95),
            change(75),
            change(30)
        );
    }

    /// What makes a common quality equal to that of the files a good choice: those barely change any more.
    #[test]
    fn the_same_compression_again_changes_little() {
        for subsampling in [Subsampling::None, Subsampling::Half] {
            let picture = waves();
            let once = compressed(&picture, 75, subsampling).unwrap();
            let twice = compressed(&once, 75, subsampling).unwrap();
            let (first, second) = (mean_change(&picture, &once), mean_change(&once, &twice));
            assert!(second < first / 4.0, "{subsampling:?}: {first} and then {second}");
        }
    }
}
