//! From 8-bit sRGB to CIELAB.
//!
//! sRGB is decoded by IEC 61966-2-1 (transfer function and primaries, with the matrix to XYZ derived from the
//! primaries and the D65 white point); CIELAB is that of CIE 15 with the reference white D65, 2 degree observer.

/// Lightness in [0, 100], then green to red, then blue to yellow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lab {
    pub lightness: f32,
    pub a: f32,
    pub b: f32,
}

impl Lab {
    /// Squared Euclidean distance (the square of CIE 1976's color difference).
    #[must_use]
    pub(super) fn squared_distance(self, other: Self) -> f32 {
        let difference = [self.lightness - other.lightness, self.a - other.a, self.b - other.b];
        difference.iter().map(|value| value * value).sum()
    }
}

/// X, Y and Z (rows) of linear red, green and blue.
const SRGB_TO_XYZ: [[f32; 3]; 3] = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175],
    [0.019_333_9, 0.119_192, 0.950_304_1],
];
const WHITE_D65: [f32; 3] = [0.950_47, 1.0, 1.088_83];

/// Converts with a table for the transfer function.
#[derive(Debug, Clone)]
pub(super) struct LabConverter {
    linear: [f32; 256],
}

impl Default for LabConverter {
    fn default() -> Self {
        let mut linear = [0.0; 256];
        for (value, linear) in (0_u8..=255).zip(&mut linear) {
            *linear = decode_srgb(f32::from(value) / 255.0);
        }
        Self { linear }
    }
}

impl LabConverter {
    /// CIELAB of one pixel.
    #[must_use]
    pub(super) fn convert(&self, rgb: [u8; 3]) -> Lab {
        let linear = rgb.map(|value| self.linear[usize::from(value)]);
        let mut compressed = [0.0; 3];
        for ((value, row), white) in compressed.iter_mut().zip(SRGB_TO_XYZ).zip(WHITE_D65) {
            let tristimulus: f32 = row.iter().zip(linear).map(|(weight, channel)| weight * channel).sum();
            *value = compress(tristimulus / white);
        }
        let [x, y, z] = compressed;
        Lab { lightness: 116.0 * y - 16.0, a: 500.0 * (x - y), b: 200.0 * (y - z) }
    }
}

/// IEC 61966-2-1: linear light of an encoded value, both in [0, 1].
fn decode_srgb(encoded: f32) -> f32 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// CIE 15's f: a cube root with a straight line near black.
fn compress(ratio: f32) -> f32 {
    const EDGE: f32 = 216.0 / 24_389.0;
    const SLOPE: f32 = 24_389.0 / 27.0;
    if ratio > EDGE { ratio.cbrt() } else { (SLOPE * ratio + 16.0) / 116.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scripts/reference/cielab.py (scikit-image 0.26.0). Its matrix has six digits, hence the tolerance.
    const REFERENCE: &[([u8; 3], [f32; 3])] = &[
        ([0, 0, 0], [0.000, 0.000, 0.000]),
        ([255, 255, 255], [100.000, -0.002, 0.005]),
        ([128, 128, 128], [53.585, -0.001, 0.003]),
        ([255, 0, 0], [53.241, 80.092, 67.203]),
        ([0, 255, 0], [87.735, -86.183, 83.180]),
        ([0, 0, 255], [32.296, 79.186, -107.857]),
        ([255, 165, 0], [74.936, 23.932, 78.950]),
        ([128, 0, 128], [29.784, 58.927, -36.485]),
        ([139, 69, 19], [37.470, 26.442, 40.984]),
        ([5, 10, 2], [2.292, -2.420, 2.567]),
        ([255, 192, 203], [83.586, 24.142, 3.330]),
    ];

    #[test]
    fn values_match_scikit_image() {
        let converter = LabConverter::default();
        for (rgb, [lightness, a, b]) in REFERENCE {
            let found = converter.convert(*rgb);
            let distance = found.squared_distance(Lab { lightness: *lightness, a: *a, b: *b }).sqrt();
            assert!(distance < 0.02, "{rgb:?}: {found:?} is {distance} away");
        }
    }

    #[test]
    fn greys_have_no_chroma() {
        let converter = LabConverter::default();
        for value in 0..=255 {
            let lab = converter.convert([value; 3]);
            assert!(lab.a.abs() < 0.01 && lab.b.abs() < 0.01, "{value}: {lab:?}");
        }
    }
}
