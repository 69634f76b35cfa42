//! CIELAB, as scikit-image computes it: D65, 2 degrees, white (0.95047, 1, 1.08883).

use std::sync::LazyLock;

use imgeval_core::Pixels;

/// L in [0, 100], a and b roughly in [-128, 128], a triple for each pixel.
pub type Lab = [f32; 3];

pub(crate) const WHITE: [f64; 3] = [0.95047, 1.0, 1.08883];
pub(crate) const XYZ_OF_RGB: [[f64; 3]; 3] =
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]];

/// The inverse of [`XYZ_OF_RGB`].
const RGB_OF_XYZ: [[f64; 3]; 3] = [
    [3.240_481_34, -1.537_151_52, -0.498_536_33],
    [-0.969_254_95, 1.875_990_00, 0.041_555_93],
    [0.055_646_64, -0.204_041_34, 1.057_311_07],
];

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

/// The 8-bit sRGB color of this CIELAB color; what lies outside sRGB is clipped channel by channel.
#[must_use]
pub fn rgb_of_lab([l, a, b]: Lab) -> [u8; 3] {
    let y = (f64::from(l) + 16.0) / 116.0;
    let curves = [y + f64::from(a) / 500.0, y, y - f64::from(b) / 200.0];
    let straight = |curve: f64| {
        if curve > 0.206_893 { curve.powi(3) } else { (curve - 16.0 / 116.0) / 7.787 }
    };
    let xyz: [f64; 3] = std::array::from_fn(|axis| straight(curves[axis]) * WHITE[axis]);
    RGB_OF_XYZ.map(|row| {
        let linear: f64 = row.iter().zip(xyz).map(|(weight, value)| weight * value).sum();
        let value =
            if linear > 0.003_130_8 { 1.055 * linear.powf(1.0 / 2.4) - 0.055 } else { 12.92 * linear };
        (255.0 * value).round().clamp(0.0, 255.0) as u8
    })
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

    #[test]
    fn colors_come_back_from_lab() {
        for place in 0..4096_u32 {
            let rgb = [place % 16, place / 16 % 16, place / 256].map(|value| (value * 17) as u8);
            assert_eq!(rgb_of_lab(lab_of_8_bit(rgb)), rgb);
        }
        assert_eq!(rgb_of_lab([120.0, 0.0, 0.0]), [255; 3], "what no screen shows is clipped");
    }
}
