//! CIELAB of a whole image, a plane for each coordinate: the numbers of `plane::lab` in 32 bits, fast.

use std::sync::LazyLock;

use imgeval_core::Pixels;

use crate::plane::lab::{WHITE, XYZ_OF_RGB, linear};

static LINEAR: LazyLock<[f32; 256]> =
    LazyLock::new(|| std::array::from_fn(|value| linear(value as f64 / 255.0) as f32));

/// L in [0, 100], a and b roughly in [-128, 128], row by row. Each is within 2e-4 of what 64 bits give.
pub(super) struct LabPlanes {
    pub(super) l: Vec<f32>,
    pub(super) a: Vec<f32>,
    pub(super) b: Vec<f32>,
}

impl LabPlanes {
    pub(super) fn of(pixels: &Pixels) -> Self {
        let n = pixels.rgb().len() / 3;
        let mut planes = Self { l: vec![0.0; n], a: vec![0.0; n], b: vec![0.0; n] };
        let scaled: [[f32; 3]; 3] =
            std::array::from_fn(|row| XYZ_OF_RGB[row].map(|weight| (weight / WHITE[row]) as f32));
        let table = &*LINEAR;
        let (l, a, b) = (&mut planes.l, &mut planes.a, &mut planes.b);
        let targets = l.chunks_mut(BLOCK).zip(a.chunks_mut(BLOCK)).zip(b.chunks_mut(BLOCK));
        let mut linear = [[0.0_f32; BLOCK]; 3];
        for (block, ((l, a), b)) in pixels.rgb().chunks(3 * BLOCK).zip(targets) {
            for (place, pixel) in block.as_chunks::<3>().0.iter().enumerate() {
                for channel in 0..3 {
                    linear[channel][place] = table[usize::from(pixel[channel])];
                }
            }
            let [red, green, blue] = &linear;
            for place in 0..l.len() {
                let [x, y, z] =
                    scaled.map(|[r, g, b]| curve(r * red[place] + g * green[place] + b * blue[place]));
                l[place] = (116.0 * y - 16.0).max(0.0);
                a[place] = 500.0 * (x - y);
                b[place] = 200.0 * (y - z);
            }
        }
        planes
    }
}

/// Pixels that are taken at a time.
const BLOCK: usize = 256;

fn curve(value: f32) -> f32 {
    if value > 0.008_856 { cube_root(value) } else { 7.787 * value + 16.0 / 116.0 }
}

/// Of a positive number: a third of the exponent, then two steps of Halley's method, which leave the rounding error only.
fn cube_root(value: f32) -> f32 {
    let guess = f32::from_bits(value.to_bits() / 3 + 0x2a51_37a0);
    let step = |root: f32| {
        let cube = root * root * root;
        root * (cube + 2.0 * value) / (2.0 * cube + value)
    };
    step(step(guess))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::lab::lab_of_8_bit;

    #[test]
    fn planes_hold_what_64_bits_give() {
        let rgb: Vec<u8> =
            (0..3 * 4000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let planes = LabPlanes::of(&Pixels::new(4000, 1, rgb.clone()).unwrap());
        for (place, pixel) in rgb.as_chunks().0.iter().enumerate() {
            let expected = lab_of_8_bit(*pixel);
            let found = [planes.l[place], planes.a[place], planes.b[place]];
            assert!(
                found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 2e-4),
                "{pixel:?}"
            );
        }
    }
}
