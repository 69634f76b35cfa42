//! Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) as torchmetrics 1.2 computes it with a data range of 1.
//!
//! Moments under a Gaussian window (sigma 1.5, 11 pixels wide), constants 0.01 and 0.03, the mean over channels and pixels.
//! torchmetrics pads the images by reflection and afterwards cuts off exactly the places whose window reached into the padding,
//! so the padding never counts and is not made here. Variances are differences of moments and may be a little below zero; as
//! there, they are not clamped. Known deviation: rows and columns are filtered one after the other, not by a
//! two-dimensional window, which is the same but for the last bits.

use super::{Background, EditMetricError};

/// Pixels on a side of the window.
pub const WINDOW_SIDE: usize = 11;

const SIGMA: f32 = 1.5;
/// `(k1 * range)^2` and `(k2 * range)^2`.
const C1: f32 = 0.01 * 0.01;
const C2: f32 = 0.03 * 0.03;
const CHANNELS: usize = 3;
/// Both values, both squares, the product: what is averaged under the window.
const MOMENTS: usize = 5;

/// 1 for equal images, near 0 for unrelated ones; may be negative.
///
/// # Errors
/// If the images differ in size or a side is shorter than [`WINDOW_SIDE`].
pub fn structural_similarity(first: &Background, second: &Background) -> Result<f64, EditMetricError> {
    if first.size() != second.size() {
        return Err(EditMetricError::OtherSize { first: first.size(), second: second.size() });
    }
    let (width, height) = (first.width() as usize, first.height() as usize);
    if width.min(height) < WINDOW_SIDE {
        return Err(EditMetricError::TooSmall { size: first.size() });
    }
    let window = gaussian();
    let total: f64 = (0..CHANNELS)
        .map(|channel| {
            let moments = moments(first, second, channel);
            let rows = filter_rows(&moments, width, &window);
            let inner_width = width - WINDOW_SIDE + 1;
            let filtered = filter_columns(&rows, inner_width, &window);
            filtered.iter().map(|moments| f64::from(similarity(moments))).sum::<f64>()
        })
        .sum();
    let places = (width - WINDOW_SIDE + 1) * (height - WINDOW_SIDE + 1) * CHANNELS;
    Ok(total / places as f64)
}

fn gaussian() -> [f32; WINDOW_SIDE] {
    let weights: [f32; WINDOW_SIDE] = std::array::from_fn(|place| {
        let distance = place as f32 - (WINDOW_SIDE / 2) as f32;
        (-(distance / SIGMA).powi(2) / 2.0).exp()
    });
    let total: f32 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

fn moments(first: &Background, second: &Background, channel: usize) -> Vec<[f32; MOMENTS]> {
    let pixels = first.rgb().as_chunks::<CHANNELS>().0.iter().zip(second.rgb().as_chunks::<CHANNELS>().0);
    let values = pixels.map(|(first, second)| (first[channel], second[channel]));
    values.map(|(x, y)| [x, y, x * x, y * y, x * y]).collect()
}

fn weigh<'a>(
    window: &[f32; WINDOW_SIDE],
    places: impl Iterator<Item = &'a [f32; MOMENTS]>,
) -> [f32; MOMENTS] {
    let mut sums = [0.0; MOMENTS];
    for (weight, moments) in window.iter().zip(places) {
        for (sum, moment) in sums.iter_mut().zip(moments) {
            *sum += weight * moment;
        }
    }
    sums
}

fn filter_rows(moments: &[[f32; MOMENTS]], width: usize, window: &[f32; WINDOW_SIDE]) -> Vec<[f32; MOMENTS]> {
    let rows = moments.chunks_exact(width);
    rows.flat_map(|row| row.windows(WINDOW_SIDE).map(|places| weigh(window, places.iter()))).collect()
}

fn filter_columns(rows: &[[f32; MOMENTS]], width: usize, window: &[f32; WINDOW_SIDE]) -> Vec<[f32; MOMENTS]> {
    let n_places = rows.len() - (WINDOW_SIDE - 1) * width;
    (0..n_places).map(|place| weigh(window, rows[place..].iter().step_by(width))).collect()
}

fn similarity(&[x, y, xx, yy, xy]: &[f32; MOMENTS]) -> f32 {
    let (mean_xx, mean_yy, mean_xy) = (x * x, y * y, x * y);
    let upper = (2.0 * mean_xy + C1) * (2.0 * (xy - mean_xy) + C2);
    let lower = (mean_xx + mean_yy + C1) * ((xx - mean_xx) + (yy - mean_yy) + C2);
    upper / lower
}

#[cfg(test)]
mod tests {
    use imgeval_core::{GrayPixels, Pixels};

    use super::*;
    use crate::edit::hide_region;

    fn picture(side: u32, value: impl Fn(u32) -> u8) -> Background {
        let pixels = Pixels::new(side, side, (0..3 * side * side).map(value).collect()).unwrap();
        hide_region(&pixels, &GrayPixels::new(side, side, vec![0; (side * side) as usize]).unwrap()).unwrap()
    }

    #[test]
    fn equal_pictures_are_exactly_one() {
        let noise = picture(20, |place| (place.wrapping_mul(2_654_435_761) >> 24) as u8);
        assert_eq!(structural_similarity(&noise, &noise), Ok(1.0));
    }

    #[test]
    fn of_flat_pictures_only_the_means_count() {
        let (black, white) = (picture(11, |_| 0), picture(11, |_| 255));
        let found = structural_similarity(&black, &white).unwrap();
        assert!((found - 1e-4 / 1.0001).abs() < 1e-7, "{found}");
    }

    #[test]
    fn pictures_smaller_than_the_window_are_refused() {
        let small = picture(10, |_| 0);
        let error = structural_similarity(&small, &small).unwrap_err();
        assert_eq!(error.to_string(), "an image of 10x10 pixels is smaller than the window of 11x11");
        let other = structural_similarity(&small, &picture(12, |_| 0)).unwrap_err();
        assert_eq!(other, EditMetricError::OtherSize { first: (10, 10), second: (12, 12) });
    }
}
