//! Correlation of two orientation fields at every offset, by the Fourier transform.

use std::sync::Arc;

use realfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::orientation::Orientation;

/// Offsets with less of the smaller frame in the overlap are not looked at.
const LEAST_OVERLAP: f64 = 0.45;
/// How much a large overlap is preferred.
const OVERLAP_POWER: f64 = 0.25;
/// Less of the energy than this in the overlap is nothing to compare.
const LEAST_ENERGY: f64 = 1e-6;

/// The best offset of one field on the other, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Peak {
    pub(super) offset: [isize; 2],
    pub(super) score: f64,
}

/// Transforms of one size, with the source already transformed.
pub(super) struct Correlator {
    size: [usize; 2],
    forward: [Arc<dyn Fft<f32>>; 2],
    inverse: [Arc<dyn Fft<f32>>; 2],
    /// Column by column.
    source: Vec<Complex<f32>>,
}

/// Offsets along one axis at which enough of both fields overlaps: the first and the last.
fn offsets(source: usize, edited: usize, least_overlap: f64) -> [isize; 2] {
    let least = (least_overlap.ceil() as isize).max(1);
    [least - edited as isize, source as isize - least]
}

/// The ranges of offsets along both axes.
fn ranges(source: &Orientation, edited: [usize; 2]) -> [[isize; 2]; 2] {
    let least = LEAST_OVERLAP * (source.width * source.height).min(edited[0] * edited[1]) as f64;
    [
        offsets(source.width, edited[0], least / source.height.min(edited[1]) as f64),
        offsets(source.height, edited[1], least / source.width.min(edited[0]) as f64),
    ]
}

impl Correlator {
    /// The sides of a transform in which offsets that count do not wrap around onto each other.
    pub(super) fn size_for(source: &Orientation, edited: [usize; 2]) -> [usize; 2] {
        let [x, y] = ranges(source, edited);
        [(source.width, edited[0], x), (source.height, edited[1], y)].map(
            |(source, edited, [first, last])| {
                let needed = (source as isize - first).max(last + edited as isize);
                good_side(needed.max(1) as usize)
            },
        )
    }

    pub(super) fn new(source: &Orientation, size: [usize; 2]) -> Self {
        let mut planner = FftPlanner::new();
        let forward = size.map(|side| planner.plan_fft_forward(side));
        let inverse = size.map(|side| planner.plan_fft_inverse(side));
        let mut correlator = Self { size, forward, inverse, source: Vec::new() };
        correlator.source = correlator.transform(source);
        correlator
    }

    /// Column by column, as all that is done with it runs down columns.
    fn transform(&self, field: &Orientation) -> Vec<Complex<f32>> {
        let [width, height] = self.size;
        let mut rows = vec![Complex::default(); width * field.height];
        for (row, values) in rows.chunks_exact_mut(width).zip(field.values.chunks_exact(field.width)) {
            row[..field.width].copy_from_slice(values);
        }
        self.forward[0].process(&mut rows);
        let mut columns = vec![Complex::default(); width * height];
        transpose(&rows, width, &mut columns, height);
        self.forward[1].process(&mut columns);
        columns
    }

    /// The best offset of `edited` on `source`, which must be the field that this was made for; `None` if nothing overlaps.
    pub(super) fn peak(&self, source: &Orientation, edited: &Orientation) -> Option<Peak> {
        let [width, height] = self.size;
        let mut columns = self.transform(edited);
        for (value, source) in columns.iter_mut().zip(&self.source) {
            *value = source * value.conj();
        }
        self.inverse[1].process(&mut columns);
        let [xs, ys] = ranges(source, [edited.width, edited.height]);
        let wrapped = |offset: isize, side: usize| offset.rem_euclid(side as isize) as usize;
        let mut rows = vec![Complex::default(); width * (ys[1] - ys[0] + 1).max(0) as usize];
        for (x, column) in columns.chunks_exact(height).enumerate() {
            for (row, offset) in (ys[0]..=ys[1]).enumerate() {
                rows[row * width + x] = column[wrapped(offset, height)];
            }
        }
        self.inverse[0].process(&mut rows);
        let area = |field: &Orientation| field.width * field.height;
        let smaller = area(source).min(area(edited)) as f64;
        let energies = source.total_energy() * edited.total_energy();
        let scale = 1.0 / (width * height) as f64;
        let mut best: Option<Peak> = None;
        for (row, dy) in rows.chunks_exact(width).zip(ys[0]..) {
            let (on_source_y, on_edited_y) = overlap(dy, source.height, edited.height);
            for dx in xs[0]..=xs[1] {
                let correlation = f64::from(row[wrapped(dx, width)].re) * scale;
                if correlation <= 0.0 {
                    continue;
                }
                let (on_source_x, on_edited_x) = overlap(dx, source.width, edited.width);
                let overlapping = (on_source_x.1 - on_source_x.0) * (on_source_y.1 - on_source_y.0);
                let share = overlapping as f64 / smaller;
                if share < LEAST_OVERLAP {
                    continue;
                }
                let energy =
                    source.energy(on_source_x, on_source_y) * edited.energy(on_edited_x, on_edited_y);
                if energy <= LEAST_ENERGY * energies {
                    continue;
                }
                let score = correlation / energy.sqrt() * share.sqrt().sqrt();
                debug_assert!(OVERLAP_POWER == 0.25);
                if best.is_none_or(|best| score > best.score) {
                    best = Some(Peak { offset: [dx, dy], score });
                }
            }
        }
        best
    }
}

/// What overlaps along one axis: first and one after last place, in the source and in the edited field.
fn overlap(offset: isize, source: usize, edited: usize) -> ((usize, usize), (usize, usize)) {
    let start = offset.max(0);
    let end = (offset + edited as isize).min(source as isize).max(start);
    ((start as usize, end as usize), ((start - offset) as usize, (end - offset) as usize))
}

/// Rows of `width` into columns of `height`; columns are longer than there are rows, and the rest stays as it is.
fn transpose(rows: &[Complex<f32>], width: usize, columns: &mut [Complex<f32>], height: usize) {
    for (y, row) in rows.chunks_exact(width).enumerate() {
        for (x, value) in row.iter().enumerate() {
            columns[x * height + y] = *value;
        }
    }
}

/// The least side not below this one that the Fourier transform is fast for, of few, so that transforms are used again.
fn good_side(least: usize) -> usize {
    let mut unit = 16;
    loop {
        // Steps of an eighth at most.
        for eighths in [8, 9, 10, 12, 15] {
            let side = unit * eighths / 8;
            if side >= least {
                return side;
            }
        }
        unit *= 2;
    }
}
