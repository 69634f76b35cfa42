//! Sampling of planes between their pixels by the interpolating cubic B-spline, edges repeated, as SciPy's `map_coordinates` does
//! it with `mode="nearest"`.

use crate::plane::Plane;

/// The root of the cubic B-spline's filter: the square root of 3, less 2.
const POLE: f64 = -0.267_949_192_431_122_7;
/// Repeated pixels on either side, after which the border is forgotten.
const PAD: usize = 12;
/// Positions closer to a pixel than this are that pixel.
const SAME: f64 = 1e-3;
/// Positions may miss the image by rounding.
const HAIR: f64 = 1e-9;

/// Where each place of one axis is sampled.
pub(super) struct Positions {
    /// First of four coefficients, in padded places, and their weights.
    taps: Vec<(usize, [f32; 4])>,
    /// Whether a position is inside the image.
    pub(super) is_inside: Vec<bool>,
}

impl Positions {
    /// `n` positions of a frame at `(frame - b) / a` on the image with `length` pixels.
    pub(super) fn new(n: usize, length: usize, a: f64, b: f64) -> Self {
        let last = (length - 1) as f64;
        let position = |place: usize| ((place as f64 + 0.5) / n as f64 - b) / a * length as f64 - 0.5;
        let is_inside = (0..n).map(|place| (-HAIR..=last + HAIR).contains(&position(place))).collect();
        let taps = (0..n).map(|place| {
            let at = position(place).clamp(0.0, last);
            let at = if (at - at.round()).abs() < SAME { at.round() } else { at };
            (at as usize + PAD - 1, weights(at.fract()).map(|weight| weight as f32))
        });
        Self { taps: taps.collect(), is_inside }
    }
}

/// Of the cubic B-spline at four neighbors, for a place this far between the second and the third.
fn weights(part: f64) -> [f64; 4] {
    let rest = 1.0 - part;
    let outer = |x: f64| x * x * x / 6.0;
    let inner = |x: f64| 2.0 / 3.0 - 0.5 * x * x * (2.0 - x);
    [outer(rest), inner(part), inner(rest), outer(part)]
}

/// The plane at every pair of positions.
pub(super) fn sample(plane: &Plane, x: &Positions, y: &Positions) -> Option<Plane> {
    let width = x.taps.len();
    let mut line = Vec::new();
    let mut rows = Vec::with_capacity(width * plane.height());
    for row in plane.rows() {
        coefficients(row.iter().copied(), &mut line);
        rows.extend(x.taps.iter().map(|tap| weigh(&line, tap)));
    }
    let mut values = vec![0.0; width * y.taps.len()];
    for column in 0..width {
        coefficients(rows.iter().skip(column).step_by(width).copied(), &mut line);
        for (row, tap) in y.taps.iter().enumerate() {
            values[row * width + column] = weigh(&line, tap);
        }
    }
    Plane::new(width, y.taps.len(), values)
}

fn weigh(coefficients: &[f32], (first, weights): &(usize, [f32; 4])) -> f32 {
    weights.iter().zip(&coefficients[*first..first + 4]).map(|(weight, value)| weight * value).sum()
}

/// Of the spline through these values, with the first and last repeated.
fn coefficients(values: impl ExactSizeIterator<Item = f32>, line: &mut Vec<f32>) {
    let n = values.len() + 2 * PAD;
    line.clear();
    line.resize(n, 0.0);
    for (place, value) in line[PAD..].iter_mut().zip(values) {
        *place = value;
    }
    let (first, last) = (line[PAD], line[n - PAD - 1]);
    line[..PAD].fill(first);
    line[n - PAD..].fill(last);
    // The border repeats, so the filter has settled on it: what a constant becomes.
    let pole = POLE as f32;
    let gain = ((1.0 - POLE) * (1.0 - 1.0 / POLE)) as f32;
    let mut previous = line[0] * gain / (1.0 - pole);
    for place in line.iter_mut() {
        previous = *place * gain + pole * previous;
        *place = previous;
    }
    let mut next = -pole / (1.0 - pole) * line[n - 1];
    for place in line.iter_mut().rev() {
        next = pole * (next - *place);
        *place = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_and_constants_come_back() {
        let values: Vec<f32> = (0..63).map(|place| ((place * 37) % 101) as f32).collect();
        let plane = Plane::new(9, 7, values).unwrap();
        // Not quite the identity, so that nothing is copied but all positions are near pixels.
        let same = sample(&plane, &Positions::new(9, 9, 1.0, 0.0), &Positions::new(7, 7, 1.0, 0.0)).unwrap();
        for (found, expected) in same.values().iter().zip(plane.values()) {
            assert!((found - expected).abs() < 1e-3, "{found} instead of {expected}");
        }
        let gray = plane.map(|_| 77.0);
        let between =
            sample(&gray, &Positions::new(20, 9, 0.8, 0.1), &Positions::new(5, 7, 1.3, -0.2)).unwrap();
        assert!(between.values().iter().all(|value| (value - 77.0).abs() < 1e-3));
    }

    #[test]
    fn places_outside_are_known() {
        let positions = Positions::new(4, 4, 0.5, 0.25);
        assert_eq!(positions.is_inside, [false, true, true, false]);
    }
}
