//! Images as planes of numbers, and the filters that measures of images are made of.
//!
//! - [`Plane`]: a channel of an image. [`lab`]: the colors of an image in CIELAB.
//! - [`gaussian`] and [`Border`]: smoothing as SciPy does it; [`normalize_locally`]: what is left when tone and contrast are
//!   taken away.

mod filters;
pub mod lab;
mod resize;

pub use filters::{Border, correlate_columns, correlate_rows, gaussian, gaussian_kernel, normalize_locally};
pub(crate) use resize::resize_bicubic;

use imgeval_core::Pixels;

/// Numbers of an image, row by row; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Plane {
    /// `None` if a side is zero or `values` does not hold `width * height` numbers.
    #[must_use]
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Option<Self> {
        let expected = width.checked_mul(height)?;
        (expected > 0 && expected == values.len()).then_some(Self { width, height, values })
    }

    /// Of rows that are known to be whole.
    pub(crate) fn of_rows(width: usize, height: usize, values: Vec<f32>) -> Self {
        debug_assert!(width > 0 && width * height == values.len());
        Self { width, height, values }
    }

    /// Gray in [0, 255], not rounded: 0.299 R + 0.587 G + 0.114 B.
    #[must_use]
    pub fn gray_of(pixels: &Pixels) -> Self {
        let gray = |pixel: &[u8; 3]| {
            let [red, green, blue] = pixel.map(f64::from);
            (0.299 * red + 0.587 * green + 0.114 * blue) as f32
        };
        Self::of_pixels(pixels, gray)
    }

    /// One channel in [0, 255]: 0 is red, 1 green, 2 blue.
    #[must_use]
    pub fn channel_of(pixels: &Pixels, channel: usize) -> Self {
        Self::of_pixels(pixels, |pixel| f32::from(pixel[channel]))
    }

    /// One number for each pixel.
    pub(crate) fn of_pixels(pixels: &Pixels, value: impl Fn(&[u8; 3]) -> f32) -> Self {
        let values = pixels.rgb().as_chunks().0.iter().map(value).collect();
        Self { width: pixels.width() as usize, height: pixels.height() as usize, values }
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width)
    }

    /// The number at column `x` and row `y`; both must lie inside.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// The same size with other numbers.
    #[must_use]
    pub fn map(&self, change: impl Fn(f32) -> f32) -> Self {
        Self { values: self.values.iter().map(|value| change(*value)).collect(), ..*self }
    }

    /// Number by number with a plane of the same size.
    #[must_use]
    pub fn zip(&self, other: &Self, join: impl Fn(f32, f32) -> f32) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(one, other)| join(*one, *other)).collect();
        Self { values, ..*self }
    }

    /// `None` if the region is empty or leaves the plane.
    #[must_use]
    pub fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Option<Self> {
        let is_inside = width > 0
            && height > 0
            && left.checked_add(width)? <= self.width
            && top.checked_add(height)? <= self.height;
        let rows = self.rows().skip(top).take(height);
        is_inside.then(|| Self {
            width,
            height,
            values: rows.flat_map(|row| &row[left..left + width]).copied().collect(),
        })
    }
}
