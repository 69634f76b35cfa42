//! An image as the two libraries read it whose readers the published pipelines use.

use imgeval_core::{ImageFormat, ImageNote, Pixels};
use imgeval_vision::{
    DecodeLimits, ImageFileError,
    image_file::{LITTLE_WORK, Reading, inspect_and_decode_as},
};

pub use imgeval_vision::image_file::Reading as Reader;

/// An image in both readings.
#[derive(Debug, Clone)]
pub struct SourceImage {
    pillow: Pixels,
    /// Only where it differs.
    opencv: Option<Pixels>,
}

impl SourceImage {
    /// Both readings of a file's bytes: alpha is dropped, gray replicated and palettes looked up in both; orientation, 16-bit gray,
    /// CMYK and transparent GIF files are where they differ.
    ///
    /// # Errors
    /// If the bytes are not a whole image file of a supported format within the limits, or there is not enough memory.
    pub fn read(bytes: &[u8], limits: &DecodeLimits) -> Result<Self, ImageFileError> {
        let pillow = inspect_and_decode_as(bytes, limits, LITTLE_WORK, Reading::Pillow)?;
        if !pillow.notes.iter().any(|note| may_differ(*note, pillow.format)) {
            return Ok(Self::of_pixels(pillow.pixels));
        }
        let opencv = inspect_and_decode_as(bytes, limits, LITTLE_WORK, Reading::OpenCv)?;
        Ok(Self::of_readings(pillow.pixels, opencv.pixels))
    }

    /// Of pixels that both readers agree on, such as those of a plain PNG or of a degraded image.
    #[must_use]
    pub fn of_pixels(pixels: Pixels) -> Self {
        Self { pillow: pixels, opencv: None }
    }

    /// Of what each of the readers gave.
    #[must_use]
    pub fn of_readings(pillow: Pixels, opencv: Pixels) -> Self {
        let opencv = (opencv != pillow).then_some(opencv);
        Self { pillow, opencv }
    }

    /// Whether both libraries read the same pixels.
    #[must_use]
    pub fn is_read_alike(&self) -> bool {
        self.opencv.is_none()
    }

    /// The pixels that this library reads.
    #[must_use]
    pub fn read_by(&self, reader: Reader) -> &Pixels {
        match (reader, &self.opencv) {
            (Reader::OpenCv, Some(pixels)) => pixels,
            _ => &self.pillow,
        }
    }
}

/// Whether the readers may give different pixels of a file with this property.
fn may_differ(note: ImageNote, format: ImageFormat) -> bool {
    // Elsewhere both drop the alpha channel.
    let is_transparent_gif = note == ImageNote::Alpha && format == ImageFormat::Gif;
    is_transparent_gif || matches!(note, ImageNote::SixteenBit | ImageNote::Cmyk | ImageNote::ExifRotated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preparation::sha256;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/tests/fixtures/readings/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    /// Reference: `scripts/reference/forensics_readings.py`, Pillow 13.0.0 and OpenCV 5.0.0.
    #[test]
    fn both_readings_are_the_libraries_bytes() {
        let expected: serde_json::Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
        let files = expected["files"].as_object().unwrap();
        assert!(files.len() > 10);
        for (name, expected) in files {
            let image = SourceImage::read(&fixture(name), &DecodeLimits::default()).unwrap();
            for (reader, library) in [(Reader::Pillow, "pillow"), (Reader::OpenCv, "opencv")] {
                let (pixels, expected) = (image.read_by(reader), &expected[library]);
                let size = serde_json::json!([pixels.height(), pixels.width()]);
                assert_eq!(size, expected["size"], "{name}, {library}");
                assert_eq!(sha256(pixels), expected["sha256"].as_str().unwrap(), "{name}, {library}");
            }
        }
    }

    #[test]
    fn damaged_and_foreign_bytes_are_errors() {
        let whole = fixture("rgb.png");
        let read = |bytes: &[u8]| SourceImage::read(bytes, &DecodeLimits::default());
        for bytes in [&b""[..], b"no image", &whole[..whole.len() / 2]] {
            assert!(read(bytes).is_err());
        }
        assert!(SourceImage::read(&whole, &DecodeLimits { max_pixels: 3 }).is_err());
    }
}
