//! One global change of tone, fitted robustly.

use crate::registration::solve;

/// Red, green and blue in [0, 1].
pub(super) type Rgb = [f64; 3];

/// Of a channel: weights of red, green, blue, their squares, and 1.
const TERMS: usize = 7;
/// Pixels that the fit uses at most, about.
const MOST_PIXELS: usize = 40_000;
const ROUNDS: usize = 20;
/// Nothing moves by more: done.
const SETTLED: f64 = 1e-7;
/// Tukey's constant times the ratio of a normal standard deviation to the median of magnitudes.
const TUKEY: f64 = 4.685 * 1.4826;
/// Where most pixels are equal, residuals of this length still have weight.
const LEAST_LIMIT: f64 = 1e-6;
/// Pulls what the pixels leave open, as in images of few colors, to the start.
const RIDGE: f64 = 1e-9;

/// Each channel as a quadratic of all three channels, without products of two.
#[derive(Debug, Clone, PartialEq)]
pub struct ToneMap {
    channels: [[f64; TERMS]; 3],
}

impl ToneMap {
    /// The color that this one becomes, within [0, 1].
    #[must_use]
    pub fn apply(&self, color: Rgb) -> Rgb {
        self.unclipped(color).map(|value| value.clamp(0.0, 1.0))
    }

    fn unclipped(&self, color: Rgb) -> Rgb {
        let terms = terms(color);
        self.channels.map(|weights| weights.iter().zip(terms).map(|(weight, term)| weight * term).sum())
    }

    /// From what becomes what. `None` without pixels.
    pub(super) fn fit(pairs: &[(Rgb, Rgb)]) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        let step = if pairs.len() > MOST_PIXELS { pairs.len() / MOST_PIXELS + 1 } else { 1 };
        let pairs: Vec<(Rgb, Rgb)> = pairs.iter().step_by(step).copied().collect();
        let start = Self::start(&pairs);
        let mut map = start.clone();
        let mut lengths = Vec::with_capacity(pairs.len());
        for _ in 0..ROUNDS {
            lengths.clear();
            lengths.extend(pairs.iter().map(|(source, edited)| {
                let mapped = map.unclipped(*source);
                (0..3).map(|channel| (edited[channel] - mapped[channel]).powi(2)).sum::<f64>().sqrt()
            }));
            let limit = (TUKEY * median(&mut lengths.clone())).max(LEAST_LIMIT);
            let Some(next) = start.weighted(&pairs, &lengths, limit) else { break };
            let moved = map.largest_difference(&next);
            map = next;
            if moved < SETTLED {
                break;
            }
        }
        Some(map)
    }

    /// Gain 1, and the difference of the medians.
    fn start(pairs: &[(Rgb, Rgb)]) -> Self {
        let channels = [0, 1, 2].map(|channel| {
            let mut weights = [0.0; TERMS];
            weights[channel] = 1.0;
            let of = |which: fn(&(Rgb, Rgb)) -> &Rgb| {
                median(&mut pairs.iter().map(|pair| which(pair)[channel]).collect::<Vec<_>>())
            };
            weights[TERMS - 1] = of(|pair| &pair.1) - of(|pair| &pair.0);
            weights
        });
        Self { channels }
    }

    /// The weighted least squares near `self`; `None` if it has no single solution.
    fn weighted(&self, pairs: &[(Rgb, Rgb)], lengths: &[f64], limit: f64) -> Option<Self> {
        let mut matrix = [[0.0; TERMS]; TERMS];
        let mut rights = [[0.0; TERMS]; 3];
        for ((source, edited), length) in pairs.iter().zip(lengths) {
            if *length >= limit {
                continue;
            }
            let part = length / limit;
            let weight = (1.0 - part * part).powi(2);
            let terms = terms(*source);
            let change = self.unclipped(*source);
            for (row, term) in matrix.iter_mut().zip(terms) {
                for (sum, other) in row.iter_mut().zip(terms) {
                    *sum += weight * term * other;
                }
            }
            for channel in 0..3 {
                let left = weight * (edited[channel] - change[channel]);
                for (sum, term) in rights[channel].iter_mut().zip(terms) {
                    *sum += left * term;
                }
            }
        }
        for (place, row) in matrix.iter_mut().enumerate() {
            row[place] += RIDGE * pairs.len() as f64;
        }
        let mut channels = self.channels;
        for (weights, right) in channels.iter_mut().zip(rights) {
            for (weight, change) in weights.iter_mut().zip(solve(matrix, right)?) {
                *weight += change;
            }
        }
        Some(Self { channels })
    }

    fn largest_difference(&self, other: &Self) -> f64 {
        let both = self.channels.as_flattened().iter().zip(other.channels.as_flattened());
        both.fold(0.0, |largest, (one, other)| largest.max((one - other).abs()))
    }
}

fn terms([red, green, blue]: Rgb) -> [f64; TERMS] {
    [red, green, blue, red * red, green * green, blue * blue, 1.0]
}

/// The middle, or the mean of both; 0 without values.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    let (low, high, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_odd { *high } else { (*high + low.iter().copied().fold(f64::NEG_INFINITY, f64::max)) / 2.0 }
}
