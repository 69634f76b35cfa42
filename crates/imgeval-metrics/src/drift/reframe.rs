//! A reference brought into the frame of a candidate in one step, as a generator does that reframes an image.

use imgeval_core::Pixels;

use crate::{locality::Bits, plane::Plane, registration::Alignment};

/// Where a Catmull-Rom kernel ends.
const SUPPORT: f64 = 2.0;

/// An image in another frame.
pub(super) struct Reframed {
    /// Red, green and blue in [0, 255], not rounded.
    pub(super) channels: [Plane; 3],
    /// Pixels whose centers lie between those of the image's outermost pixels.
    pub(super) inside: Bits,
}

/// Samples `width` x `height` pixels of the frame that `alignment` maps to that of `pixels`, by the bicubic kernel (a = -0.5), widened where the image
/// shrinks: Pillow's resizing of a box with fractional edges, without rounding.
pub(super) fn reframe(pixels: &Pixels, alignment: &Alignment, width: usize, height: usize) -> Reframed {
    let axis = |n: usize, length: u32, axis: usize| {
        Axis::new(n, length as usize, alignment.a[axis], alignment.b[axis])
    };
    let (x, y) = (axis(width, pixels.width(), 0), axis(height, pixels.height(), 1));
    let channels = [0, 1, 2].map(|channel| {
        let plane = Plane::channel_of(pixels, channel);
        let rows: Vec<f32> =
            plane.rows().flat_map(|row| x.taps.iter().map(|tap| tap.apply(row, 1))).collect();
        let columns = y.taps.iter().flat_map(|tap| {
            let rows = &rows;
            (0..width).map(move |column| tap.apply(&rows[column..], width))
        });
        Plane::of_rows(width, height, columns.collect())
    });
    let inside = y.is_inside.iter().flat_map(|row| x.is_inside.iter().map(move |column| *row && *column));
    Reframed { channels, inside: Bits::of_rows(width, inside.collect()) }
}

struct Axis {
    taps: Vec<Tap>,
    is_inside: Vec<bool>,
}

struct Tap {
    first: usize,
    weights: Vec<f32>,
}

impl Tap {
    fn apply(&self, values: &[f32], stride: usize) -> f32 {
        let values = values.iter().skip(self.first * stride).step_by(stride);
        self.weights.iter().zip(values).map(|(weight, value)| weight * value).sum()
    }
}

impl Axis {
    fn new(n: usize, length: usize, a: f64, b: f64) -> Self {
        let step = a * length as f64 / n as f64;
        let widened = step.max(1.0);
        let last = length as f64 - 1.0;
        let center = |place: usize| b * length as f64 + (place as f64 + 0.5) * step - 0.5;
        let tap = |place: usize| {
            let center = center(place).clamp(0.0, last);
            let first = (center - SUPPORT * widened).ceil().max(0.0);
            let end = (center + SUPPORT * widened).floor().min(last);
            let weights: Vec<f64> =
                (first as usize..=end as usize).map(|at| bicubic((at as f64 - center) / widened)).collect();
            let sum: f64 = weights.iter().sum();
            Tap {
                first: first as usize,
                weights: weights.iter().map(|weight| (weight / sum) as f32).collect(),
            }
        };
        Self {
            taps: (0..n).map(tap).collect(),
            is_inside: (0..n).map(|place| (0.0..=last).contains(&center(place))).collect(),
        }
    }
}

fn bicubic(distance: f64) -> f64 {
    let x = distance.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < SUPPORT {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}
