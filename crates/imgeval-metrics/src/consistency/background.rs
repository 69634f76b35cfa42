//! What of a frame no box covers.

use imgeval_core::Pixels;

use super::{FrameBox, NotMeasurable};

/// The pixels of an image outside all boxes.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    width: usize,
    height: usize,
    /// Row by row.
    is_outside: Vec<bool>,
}

impl Background {
    /// Outside all `boxes`, those of both images together; each box's edges belong to it. `None` if a side is zero.
    #[must_use]
    pub fn outside(width: usize, height: usize, boxes: &[FrameBox]) -> Option<Self> {
        let count = width.checked_mul(height).filter(|&count| count > 0)?;
        let mut is_outside = vec![true; count];
        for one in boxes {
            let covered = one.pixels_with_edges(width, height);
            if covered.columns.is_empty() {
                continue;
            }
            for row in covered.rows {
                is_outside[row * width..][covered.columns.clone()].fill(false);
            }
        }
        Some(Self { width, height, is_outside })
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// How alike two images of this size are outside the boxes: 1 minus the mean absolute difference of channels in [0, 1].
    ///
    /// # Errors
    /// If an image is of another size or the boxes cover everything.
    pub fn l1(&self, first: &Pixels, second: &Pixels) -> Result<f64, NotMeasurable> {
        let size = |pixels: &Pixels| (pixels.width() as usize, pixels.height() as usize);
        if size(first) != (self.width, self.height) || size(second) != size(first) {
            return Err(NotMeasurable::OtherSize);
        }
        let (mut total, mut count) = (0_u64, 0_u64);
        let pairs = first.rgb().chunks_exact(3).zip(second.rgb().chunks_exact(3));
        for ((first, second), _) in pairs.zip(&self.is_outside).filter(|(_, is_outside)| **is_outside) {
            total += first.iter().zip(second).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
            count += 3;
        }
        if count == 0 {
            return Err(NotMeasurable::NoBackground);
        }
        Ok(1.0 - total as f64 / (255.0 * count as f64))
    }

    /// For each cell of a grid (rows, columns) the share of background in it. The mask is first sampled at `input` x `input` places, the
    /// pixels that lie nearest to those of the network's squashed input; cells whose edges fall between places share the places there,
    /// as in PyTorch's adaptive average pooling.
    #[must_use]
    pub fn patch_shares(&self, (rows, columns): (usize, usize), input: usize) -> Vec<f64> {
        let sampled = self.sampled(input);
        let span = |index: usize, parts: usize| index * input / parts..((index + 1) * input).div_ceil(parts);
        let mut shares = Vec::with_capacity(rows * columns);
        for lines in (0..rows).map(|row| span(row, rows)) {
            for across in (0..columns).map(|column| span(column, columns)) {
                let lit = lines.clone().map(|line| {
                    let places = &sampled[line * input..][across.clone()];
                    places.iter().filter(|is_outside| **is_outside).count()
                });
                shares.push(lit.sum::<usize>() as f64 / (lines.len() * across.len()).max(1) as f64);
            }
        }
        shares
    }

    fn sampled(&self, input: usize) -> Vec<bool> {
        // The middle of place i of n lies in pixel floor((i + 1/2) side / n).
        let nearest = |index: usize, side: usize| (2 * index + 1) * side / (2 * input);
        let line = |y: usize| &self.is_outside[nearest(y, self.height) * self.width..];
        (0..input).flat_map(|y| (0..input).map(move |x| line(y)[nearest(x, self.width)])).collect()
    }
}
