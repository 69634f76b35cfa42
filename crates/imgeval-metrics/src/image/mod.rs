//! What can be measured on one image, and on two images without registration.
//!
//! - [`measure_image`] measures everything that one image shows: [`ColorStatistics`] and its [`Cast`], [`Sharpness`], [`Noise`],
//!   the shares of a [`Spectrum`], [`edge_sigma`], [`Upscaling`], [`Checkerboard`] and [`JpegGrid`].
//! - [`ColorShift`], [`SpectrumDrift`] and [`relative_blur`] compare an edited image with its source.
//! - [`mean_absolute_and_squared`] compares an image with a reference pixel by pixel.
//!
//! A measure is [`Measured`]: a value, or the reason why the image has none. A value is never replaced by zero. Definitions and
//! sources are in docs/methods.md, single images; the reference code is `scripts/reference/image_measures.py`.

mod checkerboard;
mod color;
mod color_shift;
mod edges;
mod gray;
mod jpeg_grid;
mod lab_planes;
mod measures;
mod noise;
mod numbers;
mod pixel_distance;
mod reason;
mod relative;
mod sharpness;
mod smooth;
mod spectrum;
#[cfg(test)]
mod tests;
mod upscaling;

pub use checkerboard::Checkerboard;
pub use color::{Cast, ColorStatistics};
pub use color_shift::ColorShift;
pub use edges::edge_sigma;
pub use gray::Gray;
pub use jpeg_grid::{GridAxis, JpegGrid};
pub use measures::{ImageMeasures, measure_image};
pub use noise::Noise;
pub use pixel_distance::{PixelDistance, mean_absolute_and_squared};
pub use reason::{Measured, NotMeasurable};
pub use relative::{RelativeBlur, SpectrumDrift, relative_blur};
pub use sharpness::Sharpness;
pub use spectrum::Spectrum;
pub use upscaling::{Peak, Upscaling};
