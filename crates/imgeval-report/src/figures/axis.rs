//! From values to positions, and round numbers between.

use crate::number::{decimal, signed};

/// A straight scale. `low` differs from `high`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Positions of `low` and `high`.
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Scale {
    /// Maps a value to a position; values outside the range are placed at the edge.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    /// The scale with round ends around all finite ones of the values, and its ticks. Without any, or if all are equal,
    /// it is one wide.
    pub(super) fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> (Self, Ticks) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low < 1e-12 * low.abs().max(high.abs()).max(1e-3) {
            let half = if low == 0.0 { 0.5 } else { 0.5 * low.abs() };
            (low, high) = (low - half, high + half);
        }
        let step = round_step((high - low) / 5.0);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let count = (last - first).round() as usize;
        let values: Vec<f64> = (0..=count).map(|place| (first + place as f64) * step).collect();
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        (Self { low: first * step, high: last * step, from, to }, Ticks { values, decimals })
    }

    /// As [`Self::around`], with a tick at every value where all are whole and few.
    pub(super) fn around_whole(values: &[f64], from: f64, to: f64) -> (Self, Ticks) {
        const MOST_TICKS: f64 = 16.0;
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let is_whole = values.iter().all(|value| value.fract() == 0.0);
        if !is_whole || !(1.0..=MOST_TICKS).contains(&(high - low)) {
            return Self::around(values.iter().copied(), from, to);
        }
        let count = (high - low) as usize;
        let values = (0..=count).map(|place| low + place as f64).collect();
        (Self { low, high, from, to }, Ticks { values, decimals: 0 })
    }

    /// From 0 to 1, as scores are.
    pub(super) fn of_scores(from: f64, to: f64) -> (Self, Ticks) {
        let values = (0..=5).map(|fifth| f64::from(fifth) / 5.0).collect();
        (Self { low: 0.0, high: 1.0, from, to }, Ticks { values, decimals: 1 })
    }
}

#[derive(Debug, Clone)]
pub(super) struct Ticks {
    pub(super) values: Vec<f64>,
    decimals: usize,
}

impl Ticks {
    pub(super) fn label(&self, value: f64) -> String {
        if value.abs() >= 1e7 { format!("{value:.1e}") } else { shown(value, self.decimals) }
    }
}

/// With the true minus sign.
pub(super) fn shown(value: f64, decimals: usize) -> String {
    decimal(value, decimals).replace('-', "\u{2212}")
}

/// With its sign, a true minus.
pub(super) fn shown_signed(value: f64, decimals: usize) -> String {
    signed(value, decimals).replace('-', "\u{2212}")
}

/// 1, 2 or 5 times a power of ten, not smaller.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powi(step.log10().floor() as i32);
    let factor = step / power;
    let rounded = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| factor <= round * (1.0 + 1e-9));
    rounded.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expected: &[&str]) {
        let (_, ticks) = Scale::around(values.iter().copied(), 0.0, 1.0);
        let labels: Vec<String> = ticks.values.iter().map(|value| ticks.label(*value)).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        check(&[-0.031, 0.29], &["\u{2212}0.1", "0.0", "0.1", "0.2", "0.3"]);
        check(&[0.0, 437.0], &["0", "100", "200", "300", "400", "500"]);
        check(&[], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(&[f64::NAN, 0.0], &["\u{2212}0.6", "\u{2212}0.4", "\u{2212}0.2", "0.0", "0.2", "0.4", "0.6"]);
    }

    #[test]
    fn places_are_between_the_ends() {
        let (scale, _) = Scale::of_scores(100.0, 200.0);
        assert_eq!(scale.place(0.25), 125.0);
        assert_eq!(scale.place(7.0), 200.0);
    }
}
