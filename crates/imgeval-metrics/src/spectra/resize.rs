//! Resampling of planes as Pillow does it on pictures of 32-bit floats.

use super::GrayPlane;

/// Where a Catmull-Rom kernel ends.
const SUPPORT: f64 = 2.0;

/// Bicubic, widened by the scale where the picture shrinks; columns first, 32-bit floats between: Pillow's
/// `resize(size, BICUBIC)` in mode `F`.
pub(super) fn resize_bicubic(plane: &GrayPlane, width: usize, height: usize) -> Option<GrayPlane> {
    let columns = if width == plane.width() { plane.clone() } else { resize_rows(plane, width)? };
    if height == plane.height() {
        return Some(columns);
    }
    let weights = weights(plane.height(), height);
    let mut values = Vec::with_capacity(width * height);
    for (first, weights) in &weights {
        let rows = &columns.values()[first * width..(first + weights.len()) * width];
        let mut sums = vec![0.0; width];
        for (weight, row) in weights.iter().zip(rows.chunks_exact(width)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * f64::from(*value);
            }
        }
        values.extend(sums.into_iter().map(|sum| sum as f32));
    }
    GrayPlane::new(width, height, values)
}

fn resize_rows(plane: &GrayPlane, width: usize) -> Option<GrayPlane> {
    let weights = weights(plane.width(), width);
    let resize_row = |row: &[f32]| -> Vec<f32> {
        let weigh = |(first, weights): &(usize, Vec<f64>)| {
            let values = &row[*first..first + weights.len()];
            values.iter().zip(weights).map(|(value, weight)| weight * f64::from(*value)).sum::<f64>() as f32
        };
        weights.iter().map(weigh).collect()
    };
    let values = plane.values().chunks_exact(plane.width()).flat_map(resize_row).collect();
    GrayPlane::new(width, plane.height(), values)
}

/// For each place of the new side: the first old place that counts, and the weights from there, which sum to 1.
fn weights(old: usize, new: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = old as f64 / new as f64;
    let widening = scale.max(1.0);
    let reach = SUPPORT * widening;
    let at = |place: usize| {
        let centre = (place as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(old);
        let weigh = |old_place: usize| cubic((old_place as f64 - centre + 0.5) / widening);
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
