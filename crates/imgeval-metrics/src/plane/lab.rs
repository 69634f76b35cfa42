//! CIELAB, as scikit-image computes it: D65, 2 degrees, white (0.95047, 1, 1.08883).

use std::sync::LazyLock;

use imgeval_core::Pixels;

/// L in [0, 100], a and b roughly in [-128, 128], a triple for each pixel.
pub type Lab = [f32; 3];

pub(crate) const WHITE: [f64; 3] = [0.95047, 1.0, 1.08883];
pub(crate) const XYZ_OF_RGB: [[f64; 3]; 3] =
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]];

static LINEAR: LazyLock<[f64; 256]> =
    LazyLock::new(|| std::array::from_fn(|value| linear(value as f64 / 255.0)));

/// Of 8-bit sRGB, row by row.
#[must_use]
pub fn lab_of(pixels: &Pixels) -> Vec<Lab> {
    pixels.rgb().as_chunks().0.iter().map(|pixel| lab_of_8_bit(*pixel)).collect()
}

/// Of one 8-bit sRGB color.
#[must_use]
pub fn lab_of_8_bit(rgb: [u8; 3]) -> Lab {
    of_linear(rgb.map(|value| LINEAR[usize::from(value)]))
}

/// Of an sRGB color in [0, 1].
#[must_use]
pub fn lab_of_unit(rgb: [f32; 3]) -> Lab {
    of_linear(rgb.map(|value| linear(f64::from(value))))
}

/// CIE76: the length of the difference.
#[must_use]
pub fn delta_e(one: Lab, other: Lab) -> f32 {
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f32>().sqrt()
}

pub(crate) fn linear(value: f64) -> f64 {
    if value > 0.04045 { ((value + 0.055) / 1.055).powf(2.4) } else { value / 12.92 }
}

fn of_linear(rgb: [f64; 3]) -> Lab {
    let curve = |value: f64| if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 };
    let [x, y, z] = std::array::from_fn(|row| {
        let value: f64 = XYZ_OF_RGB[row].iter().zip(rgb).map(|(weight, channel)| weight * channel).sum();
        curve(value / WHITE[row])
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)].map(|value| value as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// skimage.color.rgb2lab of scikit-image 0.26.
    #[test]
    fn colors_are_those_of_scikit_image() {
        for (rgb, lab) in [
            ([255, 255, 255], [100.0, -0.002_455, 0.004_653]),
            ([255, 0, 0], [53.2406, 80.0923, 67.2032]),
            ([0, 0, 0], [0.0, 0.0, 0.0]),
        ] {
            let found = lab_of_8_bit(rgb);
            assert!(
                found.iter().zip(lab).all(|(found, lab)| (found - lab).abs() < 5e-3),
                "{rgb:?}: {found:?}"
            );
        }
    }
}
