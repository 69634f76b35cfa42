//! Random content as the reference scripts make it: a weight file of the right shape, and images of noise.

use std::sync::LazyLock;

use imgeval_core::Pixels;
use imgeval_vision::preview::CONVOLUTIONS;

/// The scripts' stream of numbers in [-1, 1), from splitmix64.
pub(crate) struct Stream(pub(crate) u64);

impl Stream {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut state = self.0;
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^ (state >> 31)
    }
}

impl Iterator for Stream {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        Some((self.draw() >> 40) as f64 / 8_388_608.0 - 1.0)
    }
}

/// An image whose bytes are the highest bytes of the stream's draws.
pub(crate) fn noise_picture(seed: u64, width: u32, height: u32) -> Pixels {
    let mut stream = Stream(seed);
    let rgb = (0..3 * width * height).map(|_| (stream.draw() >> 56) as u8).collect();
    Pixels::new(width, height, rgb).unwrap()
}

/// A quarter noise, three quarters a ramp and a chequerboard, as `scripts/reference/noise.py` makes it.
pub(crate) fn ramp_picture(seed: u64, width: u32, height: u32) -> Pixels {
    let noise = noise_picture(seed, width, height);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb = places
        .flat_map(|(x, y)| {
            let ramp = [255 * x / width, 255 * y / height, 255 * ((x / 16 + y / 16) % 2)];
            let noise = noise.at(x, y);
            [0, 1, 2].map(|channel| ((u32::from(noise[channel]) + 3 * ramp[channel]) / 4) as u8)
        })
        .collect();
    Pixels::new(width, height, rgb).unwrap()
}

/// A whole weight file from that stream, made once.
pub(crate) static WEIGHT_FILE: LazyLock<Vec<u8>> = LazyLock::new(make_weight_file);

fn make_weight_file() -> Vec<u8> {
    let mut stream = Stream(1);
    let mut bytes = [0_i32, 2, 0, 0, 0].map(i32::to_le_bytes).concat();
    let mut put = |count: usize, offset: f64, factor: f64| {
        for value in stream.by_ref().take(count) {
            bytes.extend_from_slice(&((offset + factor * value) as f32).to_le_bytes());
        }
    };
    for shape in CONVOLUTIONS {
        put(shape.outputs, 0.0, 0.1);
        if shape.is_batch_normalized {
            put(shape.outputs, 1.0, 0.25);
            put(shape.outputs, 0.0, 0.1);
            put(shape.outputs, 1.0, 0.5);
        }
        let fan_in = shape.inputs * shape.kernel * shape.kernel;
        put(shape.outputs * fan_in, 0.0, (6.0 / fan_in as f64).sqrt());
    }
    bytes
}
