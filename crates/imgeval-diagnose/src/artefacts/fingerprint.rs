//! What the residuals of a place's images have in common, with resamples of the images.

use imgeval_metrics::spectra::{FINGERPRINT_SIDE, Fingerprint, Signature};

use super::resampled::{MIN_GROUPS, REPLICATES, Resampled, by_group, resampled};
use crate::random::{draw_below, stream};

/// Displacements up to this many pixels are looked at: the longest period of the lattice.
const REACH: usize = 16;
/// One more on each side, so that the outermost ones have neighbors.
const KEPT: usize = REACH + 1;
const WIDTH: usize = 2 * KEPT + 1;
/// Rows below zero, and the row of zero with its neighbors above.
const HEIGHT: usize = KEPT + 2;
/// The displacement of the pixel itself.
const CENTER: usize = WIDTH + KEPT;
/// Closer displacements are what the 3x3 median itself leaves.
const NEAREST: usize = 2;

/// The autocorrelation of one image's residual, as large as in the sum of fingerprints: proportional to the energy of the residual.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lags(Vec<f32>);

impl Lags {
    /// From [`Signature::autocorrelation`]: rows from one above the middle to [`KEPT`] below it.
    pub(super) fn of(autocorrelation: &[f64], energy: f64) -> Self {
        let middle = FINGERPRINT_SIDE / 2;
        let rows = middle - 1..middle - 1 + HEIGHT;
        let kept = rows.flat_map(|row| {
            let start = row * FINGERPRINT_SIDE + middle - KEPT;
            autocorrelation[start..start + WIDTH].iter().map(|value| (value * energy) as f32)
        });
        Self(kept.collect())
    }
}

/// The fingerprint of a place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceFingerprint {
    pub fingerprint: Fingerprint,
    /// Row by row, 222x222; the middle is no displacement.
    pub autocorrelation: Vec<f64>,
    /// Images that were added.
    pub n_images: usize,
    /// The displacement in pixels, along and down, of the largest local maximum from 2 to 16 pixels away.
    pub peak_at: Option<[i32; 2]>,
    /// The root of the summed squares of the autocorrelation at all displacements up to 16 pixels, over its value at none: 0 for white noise.
    pub(super) strength: Resampled,
    pub(super) peak: Option<Resampled>,
}

/// From a place's signature and the displacements of the same images, each with its group.
pub(super) fn fingerprint_of(
    signature: Signature,
    lags: &[(usize, Lags)],
    seed: u64,
    purpose: &str,
) -> PlaceFingerprint {
    let indices: Vec<(usize, usize)> =
        lags.iter().enumerate().map(|(place, (group, _))| (*group, place)).collect();
    let total = normalized(indices.iter().map(|(_, place)| &lags[*place].1));
    let peak = largest_peak(&total);
    let groups = by_group(&indices);
    let (mut strengths, mut peaks) = (Vec::new(), Vec::new());
    if groups.len() >= MIN_GROUPS {
        let mut generator = stream(seed, purpose);
        for _ in 0..REPLICATES {
            let drawn: Vec<&Vec<usize>> =
                (0..groups.len()).map(|_| &groups[draw_below(&mut generator, groups.len())]).collect();
            let sums = normalized(drawn.into_iter().flatten().map(|place| &lags[*place].1));
            strengths.push(strength_of(&sums));
            peaks.extend(peak.map(|at| sums[at]));
        }
    }
    PlaceFingerprint {
        autocorrelation: signature.autocorrelation,
        fingerprint: signature.fingerprint,
        n_images: lags.len(),
        peak_at: peak.map(|at| [(at % WIDTH) as i32 - KEPT as i32, (at / WIDTH) as i32 - 1]),
        strength: resampled(strength_of(&total), lags.len(), strengths),
        peak: peak.map(|at| resampled(total[at], lags.len(), peaks)),
    }
}

fn normalized<'a>(lags: impl Iterator<Item = &'a Lags>) -> Vec<f64> {
    let mut sums = vec![0.0; WIDTH * HEIGHT];
    for Lags(values) in lags {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value);
        }
    }
    let center = sums[CENTER];
    if center > 0.0 {
        sums.iter_mut().for_each(|sum| *sum /= center);
    }
    sums
}

/// Along -16 to 16 and down 0 to 16; those in the row of zero count once a side, all others stand for their mirror image too.
fn displacements() -> impl Iterator<Item = (usize, usize)> {
    (1..=REACH + 1).flat_map(|row| (1..WIDTH - 1).map(move |column| (row, column)))
}

fn strength_of(lags: &[f64]) -> f64 {
    let square = |(row, column): (usize, usize)| {
        let value = lags[row * WIDTH + column];
        value * value * if row == 1 { 1.0 } else { 2.0 }
    };
    let all: f64 = displacements().map(square).sum();
    (all - lags[CENTER] * lags[CENTER]).max(0.0).sqrt()
}

fn largest_peak(lags: &[f64]) -> Option<usize> {
    let is_far = |row: usize, column: usize| (row - 1).max(column.abs_diff(KEPT)) >= NEAREST;
    let is_peak = |at: usize| {
        let around = [
            at - WIDTH - 1,
            at - WIDTH,
            at - WIDTH + 1,
            at - 1,
            at + 1,
            at + WIDTH - 1,
            at + WIDTH,
            at + WIDTH + 1,
        ];
        around.iter().all(|other| lags[at] > lags[*other])
    };
    displacements()
        // In the row of zero, the left half is the mirror image of the right one.
        .filter(|(row, column)| is_far(*row, *column) && (*row > 1 || *column > KEPT))
        .map(|(row, column)| row * WIDTH + column)
        .filter(|at| is_peak(*at))
        .max_by(|a, b| lags[*a].total_cmp(&lags[*b]))
}
