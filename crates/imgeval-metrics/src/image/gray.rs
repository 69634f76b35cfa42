//! The gray of an image: in whole thousandths, so that sums and differences of it are exact in 32-bit floats, and in 64 bits as NumPy has
//! it, for what depends on the last bit.

use imgeval_core::Pixels;

use super::{Measured, NotMeasurable, reason::check_sides};
use crate::plane::Plane;

/// Thousandths of a gray level.
pub(super) const SCALE: f64 = 1000.0;

/// Gray, 0.299 R + 0.587 G + 0.114 B, not rounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Gray {
    /// In thousandths: whole numbers from 0 to 255,000.
    plane: Plane,
    levels: Vec<f64>,
    has_one_level: bool,
}

impl Gray {
    /// Of 8-bit sRGB.
    #[must_use]
    pub fn of(pixels: &Pixels) -> Self {
        let plane = Plane::of_pixels(pixels, |pixel| {
            let [red, green, blue] = pixel.map(f32::from);
            299.0 * red + 587.0 * green + 114.0 * blue
        });
        let first = plane.values()[0];
        let has_one_level = plane.values().iter().all(|value| *value == first);
        let level = |pixel: &[u8; 3]| {
            let [red, green, blue] = pixel.map(f64::from);
            0.299 * red + 0.587 * green + 0.114 * blue
        };
        let levels = pixels.rgb().as_chunks().0.iter().map(level).collect();
        Self { plane, levels, has_one_level }
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.plane.width()
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.plane.height()
    }

    pub(super) fn thousandths(&self) -> &Plane {
        &self.plane
    }

    pub(super) fn row(&self, y: usize) -> &[f32] {
        let width = self.width();
        &self.plane.values()[y * width..(y + 1) * width]
    }

    /// In [0, 255].
    pub(super) fn row_of_levels(&self, y: usize) -> &[f64] {
        let width = self.width();
        &self.levels[y * width..(y + 1) * width]
    }

    /// Checks that both sides have at least `needed` pixels and that not all pixels are alike.
    pub(super) fn check(&self, needed: usize) -> Measured<()> {
        check_sides(self.width(), self.height(), needed)?;
        if self.has_one_level { Err(NotMeasurable::OneGray) } else { Ok(()) }
    }

    /// In thousandths, with one more pixel on each side: the image mirrored about its edge pixels. Both sides must have at least 2.
    pub(super) fn mirrored(&self) -> Vec<f32> {
        let (width, height) = (self.width(), self.height());
        let mut padded = Vec::with_capacity((width + 2) * (height + 2));
        let rows = std::iter::once(1).chain(0..height).chain(std::iter::once(height - 2));
        for y in rows {
            let row = self.row(y);
            padded.push(row[1]);
            padded.extend_from_slice(row);
            padded.push(row[width - 2]);
        }
        padded
    }
}
