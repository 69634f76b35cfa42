//! Boxes in shares of a frame, and the pixels that they mean.

use std::ops::Range;

use imgeval_core::Pixels;

use super::NotMeasurable;

/// A box in shares of the frame: the frame's left and top edges are 0, its right and bottom edges 1. A detector's box may reach
/// beyond the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameBox {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// The columns and rows of a box that lie in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelBox {
    pub columns: Range<usize>,
    pub rows: Range<usize>,
}

impl FrameBox {
    #[must_use]
    pub fn of([left, top, right, bottom]: [f64; 4]) -> Self {
        Self { left, top, right, bottom }
    }

    /// EdiVal's rule for crops: edges times the side, cut to whole numbers toward zero and clamped; the right and the bottom edge are not
    /// part of the box.
    ///
    /// # Errors
    /// If no pixel is inside.
    pub fn pixels(&self, width: usize, height: usize) -> Result<PixelBox, NotMeasurable> {
        let columns = whole(self.left, width)..whole(self.right, width);
        let rows = whole(self.top, height)..whole(self.bottom, height);
        if columns.is_empty() || rows.is_empty() {
            return Err(NotMeasurable::EmptyBox);
        }
        Ok(PixelBox { columns, rows })
    }

    /// EdiVal's rule for the background: as [`Self::pixels`], but the right and the bottom edge are part of the box. May be empty.
    #[must_use]
    pub fn pixels_with_edges(&self, width: usize, height: usize) -> PixelBox {
        // A box that ends left of the frame or above it touches no pixel; one that ends on the first touches that one.
        let end = |edge: f64, side: usize| {
            if (edge * side as f64).trunc() < 0.0 { 0 } else { (whole(edge, side) + 1).min(side) }
        };
        PixelBox {
            columns: whole(self.left, width)..end(self.right, width),
            rows: whole(self.top, height)..end(self.bottom, height),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the image; NaN is 0")]
fn whole(edge: f64, side: usize) -> usize {
    (edge * side as f64).clamp(0.0, side as f64) as usize
}

impl PixelBox {
    /// The same pixels of an image, as one of their own; `None` if the box reaches beyond it.
    #[must_use]
    pub fn cut_out(&self, pixels: &Pixels) -> Option<Pixels> {
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        if self.columns.end > width || self.rows.end > height {
            return None;
        }
        let rows = self.rows.clone().map(|row| row * width);
        let rgb = rows.flat_map(|start| {
            &pixels.rgb()[3 * (start + self.columns.start)..3 * (start + self.columns.end)]
        });
        let (columns, rows) = (self.columns.len().try_into().ok()?, self.rows.len().try_into().ok()?);
        Pixels::new(columns, rows, rgb.copied().collect())
    }
}

/// How alike the same box of two images of one size is: 1 minus the mean absolute difference of channels in [0, 1].
///
/// # Errors
/// If the images are of different sizes or no pixel is in the box.
pub fn box_l1(first: &Pixels, second: &Pixels, frame_box: &FrameBox) -> Result<f64, NotMeasurable> {
    if (first.width(), first.height()) != (second.width(), second.height()) {
        return Err(NotMeasurable::OtherSize);
    }
    let inside = frame_box.pixels(first.width() as usize, first.height() as usize)?;
    let cut = |pixels| inside.cut_out(pixels).ok_or(NotMeasurable::EmptyBox);
    let (first, second) = (cut(first)?, cut(second)?);
    let total: u64 = first.rgb().iter().zip(second.rgb()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    Ok(1.0 - total as f64 / (255.0 * first.rgb().len() as f64))
}
