//! Both images on the source's pixels.

use imgeval_core::Pixels;
use imgeval_resample::pillow::{Filter, resize};

use super::{
    Alignment,
    spline::{Positions, sample},
};
use crate::plane::Plane;

/// A source and an edited image on one grid of pixels.
#[derive(Debug, Clone)]
pub struct AlignedPair {
    source: Pixels,
    /// Red, green and blue in [0, 255], not rounded; edges are repeated where the edited image does not reach.
    edited: [Plane; 3],
    is_inside: Vec<bool>,
}

impl AlignedPair {
    /// On the source's grid with a long side of at most `side` pixels; nothing is enlarged.
    ///
    /// The source is reduced by Pillow's bicubic filter on 8 bits; the edited image is brought to the same distance of pixels in
    /// the same way and then sampled by the interpolating cubic B-spline. Positions within 0.001 pixels of a pixel are copied.
    #[must_use]
    pub fn new(source: &Pixels, edited: &Pixels, alignment: &Alignment, side: u32) -> Self {
        let (width, height) = grid(source, side);
        let source = resize(source, width, height, Filter::Bicubic);
        let scaled = [width, height].map(f64::from);
        let target = [0, 1].map(|axis| (alignment.a[axis] * scaled[axis]).round().max(1.0) as u32);
        let edited = resize(edited, target[0], target[1], Filter::Bicubic);
        let positions = |n: u32, length: u32, axis: usize| {
            Positions::new(n as usize, length as usize, alignment.a[axis], alignment.b[axis])
        };
        let (x, y) = (positions(width, target[0], 0), positions(height, target[1], 1));
        let edited = [0, 1, 2].map(|channel| {
            let plane = Plane::channel_of(&edited, channel);
            sample(&plane, &x, &y).unwrap_or(plane).map(|value| value.clamp(0.0, 255.0))
        });
        let is_inside = y
            .is_inside
            .iter()
            .flat_map(|row| x.is_inside.iter().map(move |column| *row && *column))
            .collect();
        Self { source, edited, is_inside }
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.source.width() as usize
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.source.height() as usize
    }

    /// The source on the grid.
    #[must_use]
    pub fn source(&self) -> &Pixels {
        &self.source
    }

    /// Red, green and blue of the edited image in [0, 255], not rounded; edges are repeated where it does not reach.
    #[must_use]
    pub fn edited(&self) -> &[Plane; 3] {
        &self.edited
    }

    /// Whether the edited image reaches a pixel, row by row.
    #[must_use]
    pub fn is_inside(&self) -> &[bool] {
        &self.is_inside
    }

    /// The aligned edited image rounded to 8 bits, row by row.
    #[must_use]
    pub fn rounded(&self) -> Vec<u8> {
        let [red, green, blue] = self.edited.each_ref().map(Plane::values);
        let channels = red.iter().zip(green).zip(blue);
        channels
            .flat_map(|((red, green), blue)| [red, green, blue].map(|value| value.round() as u8))
            .collect()
    }

    /// Gray of the aligned edited image in [0, 255], not rounded.
    #[must_use]
    pub fn edited_gray(&self) -> Plane {
        let [red, green, blue] = &self.edited;
        red.zip(green, |red, green| 0.299 * red + 0.587 * green).zip(blue, |sum, blue| sum + 0.114 * blue)
    }
}

fn grid(source: &Pixels, side: u32) -> (u32, u32) {
    let (width, height) = (source.width(), source.height());
    let long = width.max(height);
    if long <= side {
        return (width, height);
    }
    let scaled =
        |length: u32| (f64::from(length) * f64::from(side) / f64::from(long)).round().max(1.0) as u32;
    (scaled(width), scaled(height))
}
