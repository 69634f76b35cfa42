//! One image of a session.

use imgeval_core::Pixels;
use imgeval_resample::pillow::resize_bicubic;

use crate::image::{ColorStatistics, Gray, Measured, Noise, Sharpness, Spectrum};

/// Longest short side at which sharpness and spectra are compared.
pub const SESSION_SIDE: u32 = 512;

/// The short side at which the images of a session are compared: the shortest side of any of them, at most [`SESSION_SIDE`].
#[must_use]
pub fn session_side<'a>(images: impl IntoIterator<Item = &'a Pixels>) -> u32 {
    images.into_iter().fold(SESSION_SIDE, |side, pixels| side.min(pixels.width()).min(pixels.height()))
}

/// What depends on the size of an image: measured at the side of its session.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// Width and height in pixels at which it was measured.
    pub size: [usize; 2],
    pub sharpness: Measured<Sharpness>,
    pub noise: Measured<Noise>,
    pub spectrum: Measured<Spectrum>,
}

/// An image of a session with its own numbers. It keeps its 8-bit pixels, 3 bytes each, and a few kilobytes of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundImage {
    pixels: Pixels,
    color: ColorStatistics,
    detail: Detail,
}

impl RoundImage {
    /// Measures colors on the image as it is, and detail with a short side of `side` pixels ([`session_side`]).
    #[must_use]
    pub fn new(pixels: Pixels, side: u32) -> Self {
        let gray = Gray::of(&pixels);
        let color = ColorStatistics::of(&pixels, &gray);
        let scaled = scaled_size(&pixels, side);
        let detail = if scaled == (pixels.width(), pixels.height()) {
            detail_of(&gray)
        } else {
            detail_of(&Gray::of(&resize_bicubic(&pixels, scaled.0, scaled.1)))
        };
        Self { pixels, color, detail }
    }

    /// As the image is.
    #[must_use]
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Colors of the image as it is.
    #[must_use]
    pub fn color(&self) -> &ColorStatistics {
        &self.color
    }

    /// Sharpness, noise and spectrum at the side of the session.
    #[must_use]
    pub fn detail(&self) -> &Detail {
        &self.detail
    }
}

fn detail_of(gray: &Gray) -> Detail {
    Detail {
        size: [gray.width(), gray.height()],
        sharpness: Sharpness::of(gray),
        noise: Noise::of(gray),
        spectrum: Spectrum::of(gray),
    }
}

/// The short side becomes `side`, the long one keeps the proportion, halves rounded up.
fn scaled_size(pixels: &Pixels, side: u32) -> (u32, u32) {
    let (width, height) = (u64::from(pixels.width()), u64::from(pixels.height()));
    let (short, side) = (width.min(height), u64::from(side.max(1)));
    let scaled = |length: u64| u32::try_from((2 * length * side + short) / (2 * short)).unwrap_or(u32::MAX);
    (scaled(width), scaled(height))
}
