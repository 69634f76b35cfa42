//! Scaling and cutting 8-bit images exactly as the reference evaluators' libraries do.
//!
//! Preprocessing is part of a score, so these are not *a* bilinear and *a* bicubic filter but OpenCV's and Pillow's:
//! the same fixed-point coefficients, the same intermediate precision, the same rounding, equal in every byte.
//!
//! - [`opencv`]: `INTER_LINEAR`, which mmdetection's pipeline scales with, and mmcv's rule for the target size.
//! - [`pillow`]: nearest and the antialiased filters, which CLIP's preprocessing and Reason-Edit's metrics scale with, and
//!   `Image.crop`.
//! - [`opencv_sampling`]: `INTER_NEAREST`, `INTER_AREA` and `INTER_LANCZOS4`.
//! - [`blur`]: Gaussian blur as evaluations of detectors apply it.
//!
//! The tests compare hashes with the libraries themselves (`scripts/reference/resample.py`,
//! `scripts/reference/degrade.py`).

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read reference values"))]

pub mod blur;
#[cfg(test)]
mod golden;
pub mod opencv;
pub mod opencv_sampling;
pub mod pillow;

use imgeval_core::{GrayPixels, Pixels};

/// An image from rows that a resampler has filled completely.
#[expect(clippy::expect_used, reason = "the buffer was allocated for exactly this size")]
fn picture(width: u32, height: u32, rgb: Vec<u8>) -> Pixels {
    Pixels::new(width, height, rgb).expect("width * height * 3 bytes")
}

#[expect(clippy::expect_used, reason = "the buffer was allocated for exactly this size")]
fn gray_picture(width: u32, height: u32, values: Vec<u8>) -> GrayPixels {
    GrayPixels::new(width, height, values).expect("width * height bytes")
}
