//! An image as the two libraries read it whose readers the published pipelines use.

use imgeval_core::Pixels;

/// Who reads the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// `Image.open(path).convert("RGB")`: alpha is dropped, gray replicated, the orientation in EXIF ignored, 16-bit gray clipped.
    Pillow,
    /// `cv2.imread(path)` in the order red, green, blue: alpha is dropped, the orientation in EXIF applied, 16 bits scaled to 8.
    OpenCv,
}

/// An image in both readings.
#[derive(Debug, Clone)]
pub struct SourceImage {
    pillow: Pixels,
    /// Only where it differs.
    opencv: Option<Pixels>,
}

impl SourceImage {
    /// Of pixels that both readers agree on, such as those of a plain PNG or of a degraded image.
    #[must_use]
    pub fn of_pixels(pixels: Pixels) -> Self {
        Self { pillow: pixels, opencv: None }
    }

    #[must_use]
    pub fn of_readings(pillow: Pixels, opencv: Pixels) -> Self {
        let opencv = (opencv != pillow).then_some(opencv);
        Self { pillow, opencv }
    }

    #[must_use]
    pub fn read_by(&self, reader: Reader) -> &Pixels {
        match (reader, &self.opencv) {
            (Reader::OpenCv, Some(pixels)) => pixels,
            _ => &self.pillow,
        }
    }
}
