//! Resampling as Pillow does it on images of 32-bit floats.

use super::Plane;

/// Where a Catmull-Rom kernel ends.
const SUPPORT: f64 = 2.0;

impl Plane {
    /// Scaled to `width` x `height` by [`resize_bicubic`]; a side of zero counts as one.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let values = resize_bicubic(&self.values, (self.width, self.height), (width, height));
        Self { width, height, values }
    }
}

/// Bicubic, widened by the scale where the image shrinks; columns first, 32-bit floats between: Pillow's
/// `resize(size, BICUBIC)` in mode `F`. Sizes are (width, height), every side at least 1.
pub(crate) fn resize_bicubic(values: &[f32], old: (usize, usize), new: (usize, usize)) -> Vec<f32> {
    let columns = if old.0 == new.0 { values.to_vec() } else { resize_rows(values, old.0, new.0) };
    if old.1 == new.1 {
        return columns;
    }
    let mut resized = Vec::with_capacity(new.0 * new.1);
    let mut sums = vec![0.0_f64; new.0];
    for (first, weights) in weights(old.1, new.1) {
        let rows = columns[first * new.0..(first + weights.len()) * new.0].chunks_exact(new.0);
        sums.fill(0.0);
        for (weight, row) in weights.iter().zip(rows) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * f64::from(*value);
            }
        }
        resized.extend(sums.iter().map(|sum| *sum as f32));
    }
    resized
}

fn resize_rows(values: &[f32], old: usize, new: usize) -> Vec<f32> {
    let weights = weights(old, new);
    let mut resized = Vec::with_capacity(values.len() / old * new);
    for row in values.chunks_exact(old) {
        resized.extend(
            weights.iter().map(|(first, weights)| dot(&row[*first..first + weights.len()], weights) as f32),
        );
    }
    resized
}

/// In four sums, which a processor can add at once.
fn dot(values: &[f32], weights: &[f64]) -> f64 {
    let ((fours, values), (weight_fours, weights)) = (values.as_chunks::<4>(), weights.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (values, weights) in fours.iter().zip(weight_fours) {
        for lane in 0..4 {
            sums[lane] += weights[lane] * f64::from(values[lane]);
        }
    }
    let rest: f64 = values.iter().zip(weights).map(|(value, weight)| weight * f64::from(*value)).sum();
    sums[0] + sums[1] + (sums[2] + sums[3]) + rest
}

/// For each place of the new side: the first old place that counts, and the weights from there, which sum to 1.
fn weights(old: usize, new: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = old as f64 / new as f64;
    let widening = scale.max(1.0);
    let reach = SUPPORT * widening;
    let at = |place: usize| {
        let center = (place as f64 + 0.5) * scale;
        let first = (center - reach + 0.5).max(0.0) as usize;
        let end = ((center + reach + 0.5) as usize).min(old);
        let weigh = |old_place: usize| cubic((old_place as f64 - center + 0.5) / widening);
        let mut weights: Vec<f64> = (first..end).map(weigh).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        (first, weights)
    };
    (0..new).map(at).collect()
}

fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.5;
    let x = distance.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < SUPPORT {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}
