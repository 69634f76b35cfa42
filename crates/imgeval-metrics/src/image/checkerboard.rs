//! Patterns that repeat every 2, 4 or 8 pixels, as decoders that enlarge leave them.

use super::{
    Gray, Measured, NotMeasurable,
    numbers::median_of_few,
    spectrum::{Square, SquarePower},
};

/// The side of the square is a multiple of this, so that all periods fall on whole frequencies.
const STEP: usize = 16;
/// Frequencies on each side of a neighborhood.
const RADIUS: isize = 4;

/// Power in decibels over the median of its 9x9 neighborhood, at the frequencies (j/p, k/p) without (0, 0). An amplitude of one gray level
/// reads over 30 dB at period 2; clean images read up to 7 (p2), 8.5 (p4) and 10 dB (p8), so a weak pattern of period 8 cannot be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Checkerboard {
    /// Mean and largest of the 3 frequencies of period 2.
    pub p2: [f64; 2],
    /// Of the 15 of period 4.
    pub p4: [f64; 2],
    /// Of the 63 of period 8.
    pub p8: [f64; 2],
}

impl Checkerboard {
    /// Smaller squares have no 9x9 neighborhoods apart from each other at a period of 8.
    pub(super) const MIN_SIDE: usize = 80;

    /// # Errors
    /// If a side has fewer than 80 pixels or the square has one level of gray.
    pub fn of(gray: &Gray) -> Measured<Self> {
        gray.check(Self::MIN_SIDE)?;
        Self::of_power(&SquarePower::of(gray, Self::square(gray)))
    }

    /// From the top left corner.
    pub(super) fn square(gray: &Gray) -> Square {
        Square { left: 0, top: 0, n: gray.width().min(gray.height()) / STEP * STEP }
    }

    pub(super) fn of_power(power: &SquarePower) -> Measured<Self> {
        let period = |period| over_neighborhoods(power, period).ok_or(NotMeasurable::OneGray);
        Ok(Self { p2: period(2)?, p4: period(4)?, p8: period(8)? })
    }
}

/// `None` where a neighborhood has no power.
fn over_neighborhoods(power: &SquarePower, period: isize) -> Option<[f64; 2]> {
    let step = power.n as isize / period;
    let (mut sum, mut largest) = (0.0, f64::NEG_INFINITY);
    for place in 1..period * period {
        let (u, v) = (place % period * step, place / period * step);
        let near = (-RADIUS..=RADIUS).flat_map(|down| (-RADIUS..=RADIUS).map(move |along| (along, down)));
        let median = median_of_few(near.map(|(along, down)| power.at(u + along, v + down)).collect());
        let here = power.at(u, v);
        if median <= 0.0 || here <= 0.0 {
            return None;
        }
        let decibels = 10.0 * (here / median).log10();
        sum += decibels;
        largest = decibels.max(largest);
    }
    Some([sum / (period * period - 1) as f64, largest])
}
