//! Images without the region that was to be edited.

use imgeval_core::{GrayPixels, Pixels};

use super::EditMetricError;

/// An image in [0, 1], black where the mask is white.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    width: u32,
    height: u32,
    rgb: Vec<f32>,
}

impl Background {
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Row by row, three numbers a pixel.
    #[must_use]
    pub fn rgb(&self) -> &[f32] {
        &self.rgb
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

/// The image times `1 - mask / 255`; gray pixels of the mask hide in part.
///
/// # Errors
/// If the mask has another size.
pub fn hide_region(pixels: &Pixels, mask: &GrayPixels) -> Result<Background, EditMetricError> {
    let (first, second) = ((pixels.width(), pixels.height()), (mask.width(), mask.height()));
    if first != second {
        return Err(EditMetricError::OtherSize { first, second });
    }
    let unit = |value: u8| f32::from(value) / 255.0;
    let visible = pixels.rgb().as_chunks::<3>().0.iter().zip(mask.values());
    let rgb = visible.flat_map(|(pixel, hidden)| pixel.map(|value| unit(value) * (1.0 - unit(*hidden))));
    Ok(Background { width: first.0, height: first.1, rgb: rgb.collect() })
}

/// The least and the largest column and row of a mask's pixels that are not black.
///
/// As a box to cut out, `right` and `bottom` are **exclusive**: the official evaluation takes the largest index itself for the edge,
/// and so cuts off the last column and row of the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

impl Region {
    /// Whether something is left to cut out: a region of one column or row has no inside.
    #[must_use]
    pub fn has_inside(&self) -> bool {
        self.left < self.right && self.top < self.bottom
    }
}

/// `None` if the mask is black.
#[must_use]
pub fn region_of(mask: &GrayPixels) -> Option<Region> {
    let mut region: Option<Region> = None;
    for (row, values) in (0..).zip(mask.values().chunks_exact(mask.width() as usize)) {
        let mut columns = (0..).zip(values).filter(|(_, value)| **value != 0).map(|(column, _)| column);
        let Some(first) = columns.next() else { continue };
        let last = columns.last().unwrap_or(first);
        let known = region.unwrap_or(Region { left: first, top: row, right: last, bottom: row });
        region =
            Some(Region { left: known.left.min(first), right: known.right.max(last), bottom: row, ..known });
    }
    region
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(width: u32, values: &[u8]) -> GrayPixels {
        GrayPixels::new(width, values.len() as u32 / width, values.to_vec()).unwrap()
    }

    #[test]
    fn white_hides_black_shows_and_grey_dims() {
        let pixels = Pixels::new(3, 1, vec![255, 51, 0, 255, 255, 255, 255, 0, 102]).unwrap();
        let background = hide_region(&pixels, &mask(3, &[0, 255, 51])).unwrap();
        let expected = [1.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.8, 0.0, 0.32];
        for (found, expected) in background.rgb().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
        }
        let error = hide_region(&pixels, &mask(1, &[0, 0, 0])).unwrap_err();
        assert_eq!(error.to_string(), "images of 3x1 and 1x3 pixels cannot be compared");
    }

    #[test]
    fn the_region_holds_every_pixel_that_is_not_black() {
        let check = |values: &[u8], expected: Option<[u32; 4]>| {
            let found = region_of(&mask(4, values));
            assert_eq!(found.map(|region| [region.left, region.top, region.right, region.bottom]), expected);
        };
        check(&[0; 12], None);
        check(&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], Some([1, 1, 1, 1]));
        check(&[0, 0, 255, 0, 0, 0, 0, 0, 9, 0, 0, 0], Some([0, 0, 2, 2]));
        check(&[0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0], Some([1, 0, 3, 2]));
        let inside = |values: &[u8]| region_of(&mask(4, values)).unwrap().has_inside();
        assert!(
            inside(&[1, 0, 0, 0, 0, 1, 0, 0]) && !inside(&[1, 1, 1, 1]) && !inside(&[1, 0, 0, 0, 1, 0, 0, 0])
        );
    }
}
