//! What images suffer on their way, from mild to strong: the sweep of a study.
//!
//! A step is applied to the image as it was delivered, before a detector's own preparation.

use imgeval_core::Pixels;
use imgeval_vision::resample::{
    blur::scipy_gaussian,
    pillow::{CropError, Filter, crop, resize},
};

use crate::alike::{JpegError, Subsampling, WebpError, compressed, compressed_webp};

/// One degradation. Whole numbers, so that steps can be ordered and named exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SweepStep {
    /// JPEG of this quality, 4:2:0, standard tables.
    Jpeg { quality: u8 },
    /// Lossy WebP of this quality.
    Webp { quality: u8 },
    /// Scaled to this percentage of its sides (Pillow's bicubic) and left at that size.
    Resized { percent: u16 },
    /// Gaussian blur of this standard deviation in tenths of a pixel, as SciPy filters 8-bit arrays in place.
    Blurred { tenths: u16 },
    /// The central part with this percentage of each side.
    Cropped { percent: u16 },
}

/// The sweep: each kind from mild to strong.
pub const SWEEP: [SweepStep; 24] = [
    SweepStep::Jpeg { quality: 100 },
    SweepStep::Jpeg { quality: 95 },
    SweepStep::Jpeg { quality: 90 },
    SweepStep::Jpeg { quality: 80 },
    SweepStep::Jpeg { quality: 70 },
    SweepStep::Jpeg { quality: 60 },
    SweepStep::Jpeg { quality: 50 },
    SweepStep::Jpeg { quality: 40 },
    SweepStep::Jpeg { quality: 30 },
    SweepStep::Webp { quality: 95 },
    SweepStep::Webp { quality: 80 },
    SweepStep::Webp { quality: 50 },
    SweepStep::Resized { percent: 50 },
    SweepStep::Resized { percent: 75 },
    SweepStep::Resized { percent: 125 },
    SweepStep::Resized { percent: 150 },
    SweepStep::Resized { percent: 200 },
    SweepStep::Blurred { tenths: 5 },
    SweepStep::Blurred { tenths: 10 },
    SweepStep::Blurred { tenths: 20 },
    SweepStep::Blurred { tenths: 30 },
    SweepStep::Cropped { percent: 90 },
    SweepStep::Cropped { percent: 75 },
    SweepStep::Cropped { percent: 50 },
];

/// Why a step could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum DegradeError {
    #[error("the image could not be compressed as JPEG")]
    Jpeg(#[from] JpegError),
    #[error("the image could not be compressed as WebP")]
    Webp(#[from] WebpError),
    #[error("the image could not be cropped")]
    Crop(#[from] CropError),
}

impl SweepStep {
    /// Stable name, as evidence and reports hold it, such as `jpeg-75`.
    #[must_use]
    pub fn code(self) -> String {
        let (kind, number) = self.parts();
        format!("{kind}-{number}")
    }

    /// The step of a [`Self::code`]; `None` of anything else.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        let (kind, number) = code.split_once('-')?;
        let number: u16 = number.parse().ok().filter(|number| (1..=1_000).contains(number))?;
        let quality = || u8::try_from(number).ok().filter(|quality| *quality <= 100);
        let step = match kind {
            "jpeg" => Self::Jpeg { quality: quality()? },
            "webp" => Self::Webp { quality: quality()? },
            "resize" => Self::Resized { percent: number },
            "blur" => Self::Blurred { tenths: number },
            "crop" => Self::Cropped { percent: number.min(100) },
            _ => return None,
        };
        (step.code() == code).then_some(step)
    }

    /// The kind and its strength: quality, percent, or tenths of a pixel.
    fn parts(self) -> (&'static str, u16) {
        match self {
            Self::Jpeg { quality } => ("jpeg", u16::from(quality)),
            Self::Webp { quality } => ("webp", u16::from(quality)),
            Self::Resized { percent } => ("resize", percent),
            Self::Blurred { tenths } => ("blur", tenths),
            Self::Cropped { percent } => ("crop", percent),
        }
    }

    /// `JPEG quality`, `WebP quality`, `resize factor`, `blur sigma (px)` or `crop share`: what an axis is called.
    #[must_use]
    pub fn axis(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "JPEG quality",
            Self::Webp { .. } => "WebP quality",
            Self::Resized { .. } => "resize factor",
            Self::Blurred { .. } => "blur sigma (px)",
            Self::Cropped { .. } => "crop share",
        }
    }

    /// The step's place on its [`Self::axis`].
    #[must_use]
    pub fn strength(self) -> f64 {
        let (_, number) = self.parts();
        match self {
            Self::Jpeg { .. } | Self::Webp { .. } => f64::from(number),
            Self::Resized { .. } | Self::Cropped { .. } => f64::from(number) / 100.0,
            Self::Blurred { .. } => f64::from(number) / 10.0,
        }
    }

    /// For people, such as `JPEG quality 75`.
    #[must_use]
    pub fn name(self) -> String {
        let strength = self.strength();
        match self {
            Self::Jpeg { quality } => format!("JPEG quality {quality}"),
            Self::Webp { quality } => format!("WebP quality {quality}"),
            Self::Resized { .. } => format!("resized by {strength}"),
            Self::Blurred { .. } => format!("blurred by {strength} px"),
            Self::Cropped { percent } => format!("cropped to {percent} % of each side"),
        }
    }

    /// The image afterwards. Resized sides are the rounded product, at least 1 pixel.
    ///
    /// # Errors
    /// If an encoder fails or the image is too large for it.
    pub fn apply(self, pixels: &Pixels) -> Result<Pixels, DegradeError> {
        let (width, height) = (pixels.width(), pixels.height());
        let share =
            |side: u32, percent: u16| ((f64::from(side) * f64::from(percent) / 100.0).round() as u32).max(1);
        match self {
            Self::Jpeg { quality } => Ok(compressed(pixels, quality, Subsampling::Half)?),
            Self::Webp { quality } => Ok(compressed_webp(pixels, quality)?),
            Self::Resized { percent } => {
                Ok(resize(pixels, share(width, percent), share(height, percent), Filter::Bicubic))
            }
            Self::Blurred { .. } => Ok(scipy_gaussian(pixels, self.strength())),
            Self::Cropped { percent } => {
                let (wide, high) = (share(width, percent).min(width), share(height, percent).min(height));
                let (left, top) = (f64::from((width - wide) / 2), f64::from((height - high) / 2));
                Ok(crop(pixels, [left, top, left + f64::from(wide), top + f64::from(high)])?)
            }
        }
    }
}
