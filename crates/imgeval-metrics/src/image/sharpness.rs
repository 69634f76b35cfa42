//! Sharpness by first and second differences.

use super::{Gray, Measured, gray::SCALE, numbers::sum_of};

/// Both grow with detail and with noise alike; compare them between images of one size and content only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sharpness {
    /// The population variance of the Laplacian of four neighbors, gray in [0, 255], image mirrored about its edge pixels (Pech-Pacheco
    /// et al. 2000).
    pub lap_var: f64,
    /// The mean of the squared lengths of 3x3 Sobel gradients, same borders (Krotkov 1988).
    pub tenengrad: f64,
}

impl Sharpness {
    /// # Errors
    /// If a side has fewer than 3 pixels or all pixels are alike.
    pub fn of(gray: &Gray) -> Measured<Self> {
        gray.check(3)?;
        let width = gray.width();
        let padded = gray.mirrored();
        let row = |y: usize| &padded[y * (width + 2)..(y + 1) * (width + 2)];
        let mut line = vec![0.0; width];
        let (mut sum, mut squares, mut gradients) = (0.0, 0.0, 0.0);
        for y in 0..gray.height() {
            let [above, here, below] = [0, 1, 2].map(|step| row(y + step));
            laplacian(&mut line, above, here, below);
            sum += sum_of(&line, |value| value);
            squares += sum_of(&line, |value| value * value);
            squared_gradients(&mut line, above, here, below);
            gradients += sum_of(&line, |value| value);
        }
        let n = (width * gray.height()) as f64;
        let mean = sum / n;
        let unit = SCALE * SCALE;
        Ok(Self { lap_var: (squares / n - mean * mean) / unit, tenengrad: gradients / n / unit })
    }
}

fn laplacian(line: &mut [f32], above: &[f32], here: &[f32], below: &[f32]) {
    let n = line.len();
    let (above, below) = (&above[1..=n], &below[1..=n]);
    let (left, middle, right) = (&here[..n], &here[1..=n], &here[2..n + 2]);
    for x in 0..n {
        line[x] = above[x] + below[x] + left[x] + right[x] - 4.0 * middle[x];
    }
}

fn squared_gradients(line: &mut [f32], above: &[f32], here: &[f32], below: &[f32]) {
    let n = line.len();
    let (a0, a1, a2) = (&above[..n], &above[1..=n], &above[2..n + 2]);
    let (h0, h2) = (&here[..n], &here[2..n + 2]);
    let (b0, b1, b2) = (&below[..n], &below[1..=n], &below[2..n + 2]);
    for x in 0..n {
        let along = (a2[x] - a0[x]) + 2.0 * (h2[x] - h0[x]) + (b2[x] - b0[x]);
        let down = (b0[x] - a0[x]) + 2.0 * (b1[x] - a1[x]) + (b2[x] - a2[x]);
        line[x] = along * along + down * down;
    }
}
