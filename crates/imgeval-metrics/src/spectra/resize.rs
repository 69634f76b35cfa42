//! Resampling of gray planes as Pillow does it on images of 32-bit floats.

use super::GrayPlane;
use crate::plane;

/// `None` if a side is zero.
pub(super) fn resize_bicubic(plane: &GrayPlane, width: usize, height: usize) -> Option<GrayPlane> {
    if width == 0 || height == 0 {
        return None;
    }
    let values = plane::resize_bicubic(plane.values(), (plane.width(), plane.height()), (width, height));
    GrayPlane::new(width, height, values)
}
