//! Noise estimated at the finest scale.

use std::f64::consts::PI;

use super::{
    Gray, Measured, NotMeasurable,
    gray::SCALE,
    numbers::{median_of, sum_of},
};

/// The median of the absolute value of a standard normal number.
const NORMAL_MEDIAN: f64 = 0.674_489_750_196_081_7;
/// Detail filter of Daubechies' wavelet with two vanishing moments, as PyWavelets rounds and orders it.
const DB2: [f64; 4] =
    [-0.482_962_913_144_534_16, 0.836_516_303_737_807_9, -0.224_143_868_042_013_4, -0.129_409_522_551_260_37];

/// Estimates of the standard deviation of white noise in gray levels. Texture counts as noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Immerkaer 1996: by the mean of the absolute differences of two Laplacians, inside only.
    pub immerkaer: f64,
    /// Donoho and Johnstone 1994: by the median of the absolute diagonal details of 2x2 blocks.
    pub haar_mad: f64,
    /// The same of one Daubechies transform, without coefficients that are exactly 0 (as scikit-image estimates noise).
    pub db2_mad: Measured<f64>,
}

impl Noise {
    /// # Errors
    /// If a side has fewer than 4 pixels or all pixels are alike.
    pub fn of(gray: &Gray) -> Measured<Self> {
        gray.check(4)?;
        Ok(Self { immerkaer: immerkaer(gray), haar_mad: haar_mad(gray), db2_mad: db2_mad(gray) })
    }
}

fn immerkaer(gray: &Gray) -> f64 {
    let n = gray.width() - 2;
    let mut line = vec![0.0_f32; gray.width()];
    let mut differences = vec![0.0_f32; n];
    let mut sum = 0.0;
    for y in 1..gray.height() - 1 {
        let [above, here, below] = [y - 1, y, y + 1].map(|y| gray.row(y));
        for (x, value) in line.iter_mut().enumerate() {
            *value = above[x] - 2.0 * here[x] + below[x];
        }
        let (left, middle, right) = (&line[..n], &line[1..=n], &line[2..n + 2]);
        for x in 0..n {
            differences[x] = (left[x] - 2.0 * middle[x] + right[x]).abs();
        }
        sum += sum_of(&differences, |value| value);
    }
    (PI / 2.0).sqrt() * sum / (6 * n * (gray.height() - 2)) as f64 / SCALE
}

fn haar_mad(gray: &Gray) -> f64 {
    let mut details = Vec::with_capacity(gray.width() * gray.height() / 4);
    for y in 0..gray.height() / 2 {
        let (upper, lower) = (gray.row(2 * y).as_chunks::<2>().0, gray.row(2 * y + 1).as_chunks::<2>().0);
        details.extend(upper.iter().zip(lower).map(|([a, b], [c, d])| ((a - b) - (c - d)).abs() / 2.0));
    }
    median_of(&details) / NORMAL_MEDIAN / SCALE
}

/// Which coefficients are exactly 0 depends on the last bit, so this goes through the same operations as PyWavelets: 64 bits, columns first,
/// products added in the order of the filter, the image mirrored with its edge pixels.
fn db2_mad(gray: &Gray) -> Measured<f64> {
    let (width, height) = (gray.width(), gray.height());
    // Two mirrored values on the left, up to three on the right.
    let mut column_details = vec![0.0; width + 5];
    let mut details = Vec::with_capacity((width / 2 + 2) * (height / 2 + 2));
    for y in 0..(height + 3) / 2 {
        let rows = [3, 2, 1, 0].map(|step| gray.row_of_levels(mirrored(2 * y + step, height)));
        for (x, detail) in column_details[2..width + 2].iter_mut().enumerate() {
            *detail = filtered(rows.map(|row| row[x]));
        }
        for place in [0, 1, width + 2, width + 3, width + 4] {
            column_details[place] = column_details[mirrored(place, width) + 2];
        }
        for x in 0..(width + 3) / 2 {
            let detail = filtered([3, 2, 1, 0].map(|step| column_details[2 * x + step]));
            if detail != 0.0 {
                details.push(detail.abs() as f32);
            }
        }
    }
    if details.is_empty() {
        Err(NotMeasurable::NoFineDetail)
    } else {
        Ok(median_of(&details) / NORMAL_MEDIAN)
    }
}

fn filtered(values: [f64; 4]) -> f64 {
    DB2[0] * values[0] + DB2[1] * values[1] + DB2[2] * values[2] + DB2[3] * values[3]
}

/// The place inside that stands for a place counted from two before the first, at most three beyond the ends.
fn mirrored(place: usize, length: usize) -> usize {
    match place {
        0 | 1 => 1 - place,
        _ if place < length + 2 => place - 2,
        _ => 2 * length + 1 - place,
    }
}
