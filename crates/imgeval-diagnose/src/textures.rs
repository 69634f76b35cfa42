//! Images for tests: smooth random textures, each with a slope and contrast of its own, as photographs have.

use imgeval_core::Pixels;
use rand_core::Rng as _;

use crate::random::stream;

/// A gray-ish texture: octaves of interpolated noise with random amplitudes, and fine grain.
pub(crate) fn texture(seed: u64, width: u32, height: u32) -> Pixels {
    let mut generator = stream(seed, "texture");
    let mut uniform = move || f64::from(generator.next_u32()) / 4_294_967_296.0;
    let persistence = 0.35 + 0.3 * uniform();
    let contrast = 60.0 + 60.0 * uniform();
    let grain = 1.0 + 3.0 * uniform();
    let tints = [0.9 + 0.2 * uniform(), 1.0, 0.9 + 0.2 * uniform()];
    let (columns, rows) = (width as usize, height as usize);
    let mut luma = vec![0.0; columns * rows];
    let mut amplitude = contrast;
    for cell in [64, 32, 16, 8, 4, 2] {
        let (n_x, n_y) = (columns / cell + 2, rows / cell + 2);
        let knots: Vec<f64> = (0..n_x * n_y).map(|_| uniform() - 0.5).collect();
        for (index, value) in luma.iter_mut().enumerate() {
            let (x, y) = (index % columns, index / columns);
            let ease = |t: f64| t * t * (3.0 - 2.0 * t);
            let (tx, ty) = (ease((x % cell) as f64 / cell as f64), ease((y % cell) as f64 / cell as f64));
            let at = |dx: usize, dy: usize| knots[(y / cell + dy) * n_x + x / cell + dx];
            let upper = at(0, 0) * (1.0 - tx) + at(1, 0) * tx;
            let lower = at(0, 1) * (1.0 - tx) + at(1, 1) * tx;
            *value += amplitude * (upper * (1.0 - ty) + lower * ty);
        }
        amplitude *= persistence;
    }
    let mut rgb = Vec::with_capacity(luma.len() * 3);
    for value in luma {
        for tint in tints {
            let noise = grain * (uniform() + uniform() - 1.0);
            rgb.push((128.0 + tint * value + noise).round().clamp(0.0, 255.0) as u8);
        }
    }
    Pixels::new(width, height, rgb).expect("as many bytes as pixels")
}
