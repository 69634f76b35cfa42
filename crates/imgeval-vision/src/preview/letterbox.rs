//! Fitting an image into the network's square input: scaled to fit, centerd, the rest mid-gray.
//!
//! Follows `letterbox_image` and `resize_image` of Darknet's `src/image.c`: bilinear between corner-aligned pixel
//! centers, first along rows, then along columns, in `f32`. Two corrections of accidents: the last row is the last
//! row (Darknet's rounding can leave it nearly black), and an image so thin that a side would shrink to nothing
//! keeps one pixel.

use imgeval_core::Pixels;
use rayon::prelude::*;

/// Width and height of the network's input.
pub const INPUT_SIDE: usize = 416;

const GREY: f32 = 0.5;

/// An image as the network reads it, and where in the square it lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Letterboxed {
    /// `[3, 416, 416]`, RGB in [0, 1], row-major.
    pub values: Vec<f32>,
    pub placement: Placement,
}

/// Where the scaled image lies in the square, in input pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placement {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Placement {
    /// The place of an image of the given size.
    #[must_use]
    pub(super) fn of(image_width: u32, image_height: u32) -> Self {
        let (image_width, image_height) = (image_width as usize, image_height as usize);
        let (width, height) = if image_width > image_height {
            (INPUT_SIDE, (image_height * INPUT_SIDE / image_width).max(1))
        } else {
            ((image_width * INPUT_SIDE / image_height).max(1), INPUT_SIDE)
        };
        Self { left: (INPUT_SIDE - width) / 2, top: (INPUT_SIDE - height) / 2, width, height }
    }
}

/// Scales and centers `pixels`.
#[must_use]
pub(super) fn letterbox(pixels: &Pixels) -> Letterboxed {
    let placement = Placement::of(pixels.width(), pixels.height());
    let columns = taps(pixels.width() as usize, placement.width);
    let rows = taps(pixels.height() as usize, placement.height);
    let stride = 3 * pixels.width() as usize;

    let mut values = vec![GREY; 3 * INPUT_SIDE * INPUT_SIDE];
    let (red, rest) = values.split_at_mut(INPUT_SIDE * INPUT_SIDE);
    let (green, blue) = rest.split_at_mut(INPUT_SIDE * INPUT_SIDE);
    let placed = placement.top * INPUT_SIDE..(placement.top + placement.height) * INPUT_SIDE;
    red[placed.clone()]
        .par_chunks_mut(INPUT_SIDE)
        .zip(green[placed.clone()].par_chunks_mut(INPUT_SIDE))
        .zip(blue[placed].par_chunks_mut(INPUT_SIDE))
        .zip(&rows)
        .for_each(|(((red, green), blue), row)| {
            let upper = &pixels.rgb()[row.first * stride..][..stride];
            let lower = &pixels.rgb()[row.second * stride..][..stride];
            for (x, column) in columns.iter().enumerate() {
                let x = placement.left + x;
                for (channel, plane) in [&mut *red, &mut *green, &mut *blue].into_iter().enumerate() {
                    let along = |line: &[u8]| {
                        let first = f32::from(line[3 * column.first + channel]) / 255.0;
                        let second = f32::from(line[3 * column.second + channel]) / 255.0;
                        (1.0 - column.fraction) * first + column.fraction * second
                    };
                    plane[x] = (1.0 - row.fraction) * along(upper) + row.fraction * along(lower);
                }
            }
        });
    Letterboxed { values, placement }
}

/// The two source positions behind one target position, and how much of the second is taken.
struct Tap {
    first: usize,
    second: usize,
    fraction: f32,
}

fn taps(source: usize, target: usize) -> Vec<Tap> {
    let last = source - 1;
    let scale = if target > 1 { last as f32 / (target - 1) as f32 } else { 0.0 };
    (0..target)
        .map(|index| {
            if index + 1 == target {
                return Tap { first: last, second: last, fraction: 0.0 };
            }
            let position = index as f32 * scale;
            let first = (position as usize).min(last);
            Tap { first, second: (first + 1).min(last), fraction: position - first as f32 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 3]) -> Pixels {
        let rgb = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| color(x, y))
            .collect();
        Pixels::new(width, height, rgb).unwrap()
    }

    fn at(letterboxed: &Letterboxed, channel: usize, x: usize, y: usize) -> f32 {
        letterboxed.values[(channel * INPUT_SIDE + y) * INPUT_SIDE + x]
    }

    #[test]
    fn a_wide_picture_gets_grey_above_and_below() {
        let letterboxed = letterbox(&picture(200, 100, |_, _| [255, 0, 51]));
        assert_eq!(letterboxed.placement, Placement { left: 0, top: 104, width: 416, height: 208 });
        for y in [0, 103, 312, 415] {
            assert_eq!([0, 1, 2].map(|channel| at(&letterboxed, channel, 7, y)), [0.5; 3]);
        }
        for y in [104, 200, 311] {
            let found = [0, 1, 2].map(|channel| at(&letterboxed, channel, 7, y));
            assert!(found.iter().zip([1.0, 0.0, 0.2]).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        }
    }

    #[test]
    fn corners_are_aligned() {
        let ramp = picture(256, 256, |x, y| [x as u8, y as u8, 0]);
        let letterboxed = letterbox(&ramp);
        for position in [0_usize, 1, 100, 207, 415] {
            let expected = position as f32 / 415.0;
            assert!((at(&letterboxed, 0, position, 31) - expected).abs() < 1e-5);
            assert!((at(&letterboxed, 1, 31, position) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn extreme_shapes_keep_a_pixel() {
        for (width, height) in [(1, 1), (1, 5000), (5000, 1), (417, 416), (3, 2)] {
            let letterboxed = letterbox(&picture(width, height, |_, _| [10, 20, 30]));
            let placement = letterboxed.placement;
            assert!(placement.width >= 1 && placement.height >= 1);
            assert!(letterboxed.values.iter().all(|value| (0.0..=1.0).contains(value)));
            assert!((at(&letterboxed, 1, placement.left, placement.top) - 20.0 / 255.0).abs() < 1e-6);
        }
    }
}
