//! Separable filters over planes.

use super::Plane;

/// What lies beyond the edge of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// The edge pixel, again and again: `aaa|abc`. SciPy's `nearest`.
    Nearest,
    /// The image mirrored, edge pixel included: `cba|abc`. SciPy's `reflect`.
    Reflect,
    /// The image mirrored about its edge pixel: `dcb|abc`. SciPy's `mirror`, OpenCV's default.
    Mirror,
}

impl Border {
    /// The place inside `0..length` that stands for `place`.
    fn inside(self, place: isize, length: usize) -> usize {
        let last = length as isize - 1;
        let fold = |place: isize, period: isize, turn: isize| {
            let place = place.rem_euclid(period);
            if place > last { turn - place } else { place }
        };
        let inside = match self {
            Self::Nearest => place.clamp(0, last),
            Self::Reflect => fold(place, 2 * (last + 1), 2 * last + 1),
            Self::Mirror if last == 0 => 0,
            Self::Mirror => fold(place, 2 * last, 2 * last),
        };
        inside as usize
    }
}

/// A sampled Gaussian that ends `cut` standard deviations from its middle and sums to 1, as SciPy's `gaussian_filter` has it.
#[must_use]
pub fn gaussian_kernel(sigma: f64, cut: f64) -> Vec<f32> {
    let radius = (cut * sigma + 0.5) as i64;
    let weight = |place: i64| (-0.5 * (place as f64 / sigma).powi(2)).exp();
    let sum: f64 = (-radius..=radius).map(weight).sum();
    (-radius..=radius).map(|place| (weight(place) / sum) as f32).collect()
}

/// Smoothed by a Gaussian that ends `cut` standard deviations from its middle.
#[must_use]
pub fn gaussian(plane: &Plane, sigma: f64, cut: f64, border: Border) -> Plane {
    let kernel = gaussian_kernel(sigma, cut);
    correlate_rows(&correlate_columns(plane, &kernel, border), &kernel, border)
}

/// Every row correlated with a kernel of odd length.
#[must_use]
pub fn correlate_rows(plane: &Plane, kernel: &[f32], border: Border) -> Plane {
    let (width, radius) = (plane.width, kernel.len() / 2);
    let mut padded = vec![0.0; width + 2 * radius];
    let mut values = vec![0.0; plane.values.len()];
    for (row, sums) in plane.rows().zip(values.chunks_exact_mut(width)) {
        padded[radius..radius + width].copy_from_slice(row);
        for step in 0..radius {
            let (before, after) = (step as isize - radius as isize, (width + step) as isize);
            padded[step] = row[border.inside(before, width)];
            padded[radius + width + step] = row[border.inside(after, width)];
        }
        let (fours, rest) = kernel.as_chunks::<4>();
        for (step, weights) in fours.iter().enumerate() {
            add_four(sums, *weights, std::array::from_fn(|tap| &padded[4 * step + tap..][..width]));
        }
        for (weight, shifted) in rest.iter().zip(padded[kernel.len() - rest.len()..].windows(width)) {
            add_scaled(sums, *weight, shifted);
        }
    }
    Plane { values, ..*plane }
}

/// Every column correlated with a kernel of odd length.
#[must_use]
pub fn correlate_columns(plane: &Plane, kernel: &[f32], border: Border) -> Plane {
    let (width, height, radius) = (plane.width, plane.height, (kernel.len() / 2) as isize);
    let mut values = vec![0.0; plane.values.len()];
    for (y, sums) in values.chunks_exact_mut(width).enumerate() {
        let row = |tap: usize| {
            let from = border.inside(y as isize + tap as isize - radius, height) * width;
            &plane.values[from..from + width]
        };
        let (fours, rest) = kernel.as_chunks::<4>();
        for (step, weights) in fours.iter().enumerate() {
            add_four(sums, *weights, std::array::from_fn(|tap| row(4 * step + tap)));
        }
        for (tap, weight) in rest.iter().enumerate() {
            add_scaled(sums, *weight, row(kernel.len() - rest.len() + tap));
        }
    }
    Plane { values, ..*plane }
}

/// The same as four times [`add_scaled`], bit by bit, with the sums read and written once.
fn add_four(sums: &mut [f32], weights: [f32; 4], [first, second, third, fourth]: [&[f32]; 4]) {
    let n = sums.len();
    let (first, second, third, fourth) = (&first[..n], &second[..n], &third[..n], &fourth[..n]);
    for (place, sum) in sums.iter_mut().enumerate() {
        let mut value = *sum + weights[0] * first[place];
        value += weights[1] * second[place];
        value += weights[2] * third[place];
        *sum = value + weights[3] * fourth[place];
    }
}

fn add_scaled(sums: &mut [f32], weight: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// `(I - m) / (s + 2)`: `m` is the local mean, `s` the root of the local mean of `(I - m)^2`, both by a Gaussian window of this
/// standard deviation. Tone and contrast are gone, edges are left (docs/methods.md, registration).
#[must_use]
pub fn normalize_locally(plane: &Plane, sigma: f64) -> Plane {
    const CUT: f64 = 4.0;
    let mean = gaussian(plane, sigma, CUT, Border::Nearest);
    let difference = plane.zip(&mean, |value, mean| value - mean);
    let power = gaussian(&difference.map(|value| value * value), sigma, CUT, Border::Nearest);
    difference.zip(&power, |value, power| value / (power.max(0.0).sqrt() + 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_repeat_as_scipy_repeats_them() {
        let inside = |border: Border| (-4..7).map(|place| border.inside(place, 3)).collect::<Vec<_>>();
        assert_eq!(inside(Border::Nearest), [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]);
        assert_eq!(inside(Border::Reflect), [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(inside(Border::Mirror), [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
    }

    #[test]
    fn a_point_is_smeared_into_the_kernel() {
        let mut values = vec![0.0; 81];
        values[40] = 1.0;
        let smooth = gaussian(&Plane::new(9, 9, values).unwrap(), 0.8, 4.0, Border::Reflect);
        let kernel = gaussian_kernel(0.8, 4.0);
        assert_eq!(kernel.len(), 7);
        for x in 0..7 {
            assert!((smooth.at(x + 1, 4) - kernel[x] * kernel[3]).abs() < 1e-7);
        }
    }
}
