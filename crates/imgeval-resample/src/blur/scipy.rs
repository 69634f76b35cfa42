//! SciPy's Gaussian filter on 8-bit values in place.
//!
//! Wang et al. (CVPR 2020) and the evaluations after it call `scipy.ndimage.gaussian_filter` on each channel of an 8-bit array and
//! let it write into the array. SciPy filters along columns first, then along rows, each in double precision, and each pass is
//! *truncated* to 8 bits, so the image becomes about one level darker than by a rounded blur. Equal in every byte to SciPy 1.17.1.

use imgeval_core::Pixels;
use rayon::prelude::*;

use crate::picture;

const CHANNELS: usize = 3;

/// Blurs with a Gaussian of this standard deviation in pixels, cut off at four of them; beyond the edge the image is mirrored, its edge
/// pixel repeated. A sigma that is not positive and finite changes nothing.
#[must_use]
pub fn scipy_gaussian(pixels: &Pixels, sigma: f64) -> Pixels {
    if !(sigma.is_finite() && sigma > 0.0) {
        return pixels.clone();
    }
    let weights = half_kernel(sigma);
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let columns = filter_columns(pixels.rgb(), width, height, &weights);
    picture(pixels.width(), pixels.height(), filter_rows(&columns, width, &weights))
}

/// The weights of the center and of the neighbors to one side, which sum to 1 with those of the other side.
fn half_kernel(sigma: f64) -> Vec<f64> {
    let radius = (4.0 * sigma + 0.5) as i64;
    let factor = -0.5 / (sigma * sigma);
    let weight = |offset: i64| (factor * (offset * offset) as f64).exp();
    let all: Vec<f64> = (-radius..=radius).map(weight).collect();
    let total = pairwise_sum(&all);
    (0..=radius).map(|offset| weight(offset) / total).collect()
}

/// NumPy's order of summation: eight running sums in blocks of at most 128 values.
fn pairwise_sum(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 128;
    match values.len() {
        n if n < LANES => values.iter().sum(),
        n if n <= BLOCK => {
            let (chunks, rest) = values.as_chunks::<LANES>();
            let mut sums = chunks[0];
            for chunk in &chunks[1..] {
                for (sum, value) in sums.iter_mut().zip(chunk) {
                    *sum += value;
                }
            }
            let [a, b, c, d, e, f, g, h] = sums;
            rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
        }
        n => {
            let (left, right) = values.split_at(n / 2 / LANES * LANES);
            pairwise_sum(left) + pairwise_sum(right)
        }
    }
}

/// The position inside `0..length` that a mirror at the edges shows.
fn mirrored(position: i64, length: usize) -> usize {
    let period = 2 * length as i64;
    let place = position.rem_euclid(period);
    place.min(period - 1 - place) as usize
}

fn filter_columns(rgb: &[u8], width: usize, height: usize, weights: &[f64]) -> Vec<u8> {
    let stride = CHANNELS * width;
    let row = |position: i64| &rgb[mirrored(position, height) * stride..][..stride];
    let mut result = vec![0; rgb.len()];
    result.par_chunks_exact_mut(stride).enumerate().for_each_init(
        || vec![0.0; stride],
        |sums, (y, target)| {
            let y = y as i64;
            for (sum, value) in sums.iter_mut().zip(row(y)) {
                *sum = f64::from(*value) * weights[0];
            }
            for (offset, weight) in weights.iter().enumerate().skip(1).rev() {
                let neighbors = row(y - offset as i64).iter().zip(row(y + offset as i64));
                for (sum, (above, below)) in sums.iter_mut().zip(neighbors) {
                    *sum += (f64::from(*above) + f64::from(*below)) * weight;
                }
            }
            for (value, sum) in target.iter_mut().zip(sums.iter()) {
                *value = *sum as u8;
            }
        },
    );
    result
}

fn filter_rows(rgb: &[u8], width: usize, weights: &[f64]) -> Vec<u8> {
    let stride = CHANNELS * width;
    let radius = weights.len() - 1;
    let places: Vec<usize> = (0..width + 2 * radius)
        .map(|place| CHANNELS * mirrored(place as i64 - radius as i64, width))
        .collect();
    let mut result = vec![0; rgb.len()];
    result.par_chunks_exact_mut(stride).zip(rgb.par_chunks_exact(stride)).for_each_init(
        || (Vec::with_capacity(places.len() * CHANNELS), vec![0.0; stride]),
        |(line, sums), (target, source)| {
            line.clear();
            line.extend(
                places
                    .iter()
                    .flat_map(|place| &source[*place..place + CHANNELS])
                    .map(|value| f64::from(*value)),
            );
            let shifted = |columns: usize| &line[CHANNELS * columns..][..stride];
            for (sum, value) in sums.iter_mut().zip(shifted(radius)) {
                *sum = value * weights[0];
            }
            for (offset, weight) in weights.iter().enumerate().skip(1).rev() {
                let neighbors = shifted(radius - offset).iter().zip(shifted(radius + offset));
                for (sum, (left, right)) in sums.iter_mut().zip(neighbors) {
                    *sum += (left + right) * weight;
                }
            }
            for (value, sum) in target.iter_mut().zip(sums.iter()) {
                *value = *sum as u8;
            }
        },
    );
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_repeat_the_edge_even_far_outside() {
        let seen: Vec<usize> = (-4..8).map(|position| mirrored(position, 3)).collect();
        assert_eq!(seen, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1].map(|place: usize| place));
        assert_eq!(mirrored(-50, 1), 0);
    }

    #[test]
    fn odd_sigmas_change_nothing_and_tiny_images_are_blurred() {
        let pixels = picture(2, 1, vec![0, 100, 200, 200, 100, 0]);
        for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(scipy_gaussian(&pixels, sigma), pixels);
        }
        let blurred = scipy_gaussian(&pixels, 5.0);
        assert!(blurred.rgb()[0].abs_diff(99) <= 1 && blurred.rgb()[1].abs_diff(99) <= 1, "{blurred:?}");
    }
}
