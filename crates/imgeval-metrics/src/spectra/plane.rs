//! A gray image as numbers, and the residual after removing its smooth part.

use imgeval_core::GrayPixels;

/// Gray values in [0, 1], row by row; at least one pixel, every value finite.
#[derive(Debug, Clone, PartialEq)]
pub struct GrayPlane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl GrayPlane {
    /// `None` if a side is zero, `values` does not hold `width * height` numbers, or one of them is not finite.
    #[must_use]
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Option<Self> {
        let expected = width.checked_mul(height)?;
        let is_valid =
            expected > 0 && expected == values.len() && values.iter().all(|value| value.is_finite());
        is_valid.then_some(Self { width, height, values })
    }

    /// Gray bytes divided by 255.
    #[must_use]
    pub fn of(pixels: &GrayPixels) -> Self {
        let values = pixels.values().iter().map(|value| f32::from(*value) / 255.0).collect();
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

    /// The middle; where a side leaves an odd number of pixels, one more is cut off at its end. `None` if a side is zero or longer
    /// than the image's.
    #[must_use]
    pub fn centre_crop(&self, width: usize, height: usize) -> Option<Self> {
        let left = self.width.checked_sub(width)? / 2;
        let top = self.height.checked_sub(height)? / 2;
        (width > 0 && height > 0).then(|| self.crop(left, top, width, height))
    }

    /// Crops a region, which must be inside.
    pub(super) fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let rows = self.values.chunks_exact(self.width).skip(top).take(height);
        let values = rows.flat_map(|row| &row[left..left + width]).copied().collect();
        Self { width, height, values }
    }

    /// The image minus its 3x3 median; beyond the edges the outermost pixels are repeated (SciPy's `median_filter` with
    /// `mode="nearest"`, which for 3x3 is also its default, `reflect`).
    #[must_use]
    pub fn median_residual(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        let row = |index: usize| &self.values[index * self.width..(index + 1) * self.width];
        let mut sorted = vec![[0.0; 3]; self.width];
        for index in 0..self.height {
            let (above, here) = (row(index.saturating_sub(1)), row(index));
            let below = row((index + 1).min(self.height - 1));
            for (column, place) in sorted.iter_mut().enumerate() {
                *place = sort3(above[column], here[column], below[column]);
            }
            for (column, value) in here.iter().enumerate() {
                let left = sorted[column.saturating_sub(1)];
                let middle = sorted[column];
                let right = sorted[(column + 1).min(self.width - 1)];
                values.push(value - median9(left, middle, right));
            }
        }
        Self { width: self.width, height: self.height, values }
    }
}

fn sort3(a: f32, b: f32, c: f32) -> [f32; 3] {
    let (low, high) = (a.min(b), a.max(b));
    [low.min(c), low.max(high.min(c)), high.max(c)]
}

/// Of nine numbers in three sorted columns: the middle of the largest low, the middle middle and the smallest high.
fn median9(left: [f32; 3], middle: [f32; 3], right: [f32; 3]) -> f32 {
    let low = left[0].max(middle[0]).max(right[0]);
    let [_, centre, _] = sort3(left[1], middle[1], right[1]);
    let high = left[2].min(middle[2]).min(right[2]);
    let [_, median, _] = sort3(low, centre, high);
    median
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_hold_what_they_say() {
        assert!(GrayPlane::new(2, 2, vec![0.0; 4]).is_some());
        assert_eq!(GrayPlane::new(2, 2, vec![0.0; 3]), None);
        assert_eq!(GrayPlane::new(0, 2, vec![]), None);
        assert_eq!(GrayPlane::new(1, 1, vec![f32::NAN]), None);
        let pixels = GrayPixels::new(2, 1, vec![0, 255]).unwrap();
        assert_eq!(GrayPlane::of(&pixels).values(), [0.0, 1.0]);
    }

    #[test]
    fn the_centre_is_cut_out() {
        let plane = GrayPlane::new(4, 3, (0_u8..12).map(f32::from).collect()).unwrap();
        assert_eq!(plane.centre_crop(2, 1).unwrap().values(), [5.0, 6.0]);
        assert_eq!(plane.centre_crop(3, 2).unwrap().values(), [0.0, 1.0, 2.0, 4.0, 5.0, 6.0]);
        assert_eq!(plane.centre_crop(5, 1), None);
        assert_eq!(plane.centre_crop(0, 1), None);
    }

    #[test]
    fn a_lone_bright_pixel_is_all_that_is_left() {
        let mut values = vec![0.25; 25];
        values[12] = 1.0;
        let residual = GrayPlane::new(5, 5, values).unwrap().median_residual();
        let expected: Vec<f32> = (0..25).map(|place| if place == 12 { 0.75 } else { 0.0 }).collect();
        assert_eq!(residual.values(), expected);
    }
}
