//! The 8-pixel grid that JPEG leaves, and its position.

use super::{
    Gray, Measured, NotMeasurable,
    gray::SCALE,
    numbers::{median_of_few, sum_of},
};

const MIN_SIDE: usize = 32;
const BLOCK: usize = 8;
/// Gray levels that are added to the spread, so that flat profiles have no large scores.
const FLOOR: f64 = 0.02;

/// Block borders of 8 pixels along both axes. Whether an image was compressed once or twice cannot be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JpegGrid {
    pub x: Measured<GridAxis>,
    pub y: Measured<GridAxis>,
}

/// The profile of one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridAxis {
    /// The first column (row) behind a block border, modulo 8.
    pub phase: usize,
    /// (max - median) / (median absolute deviation + 0.02) of the profile: 4 and more is a clear grid, images without one read up to 2.8.
    pub score: f64,
    /// How much larger steps into each phase are than adjacent steps, in gray levels.
    pub profile: [f64; BLOCK],
}

impl JpegGrid {
    /// # Errors
    /// If a side has fewer than 32 pixels or all pixels are alike.
    pub fn of(gray: &Gray) -> Measured<Self> {
        gray.check(MIN_SIDE)?;
        Ok(Self { x: axis_of(&steps_along(gray)), y: axis_of(&steps_down(gray)) })
    }
}

/// The mean step from each column to the next.
fn steps_along(gray: &Gray) -> Vec<f64> {
    let n = gray.width() - 1;
    let mut sums = vec![0.0; n];
    for y in 0..gray.height() {
        let row = gray.row(y);
        for ((sum, here), next) in sums.iter_mut().zip(&row[..n]).zip(&row[1..]) {
            *sum += f64::from((next - here).abs());
        }
    }
    sums.iter().map(|sum| sum / gray.height() as f64 / SCALE).collect()
}

/// The mean step from each row to the next.
fn steps_down(gray: &Gray) -> Vec<f64> {
    let mut line = vec![0.0; gray.width()];
    let mut step = |y: usize| {
        for ((step, here), next) in line.iter_mut().zip(gray.row(y)).zip(gray.row(y + 1)) {
            *step = (next - here).abs();
        }
        sum_of(&line, |value| value) / gray.width() as f64 / SCALE
    };
    (0..gray.height() - 1).map(&mut step).collect()
}

fn axis_of(steps: &[f64]) -> Measured<GridAxis> {
    if steps.iter().all(|step| *step == 0.0) {
        return Err(NotMeasurable::OneGrayAlongAxis);
    }
    let mut by_phase: [Vec<f64>; BLOCK] = Default::default();
    // The step before column 2 is the first one with a step on both sides.
    for (steps, column) in steps.windows(3).zip(2..) {
        by_phase[column % BLOCK].push(steps[1] - f64::midpoint(steps[0], steps[2]));
    }
    let profile = by_phase.map(median_of_few);
    let (phase, largest) =
        profile.iter().copied().enumerate().fold((0, f64::NEG_INFINITY), |best, (phase, value)| {
            if value > best.1 { (phase, value) } else { best }
        });
    let median = median_of_few(profile.to_vec());
    let spread = median_of_few(profile.iter().map(|value| (value - median).abs()).collect());
    Ok(GridAxis { phase, score: (largest - median) / (spread + FLOOR), profile })
}
