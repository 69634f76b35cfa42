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
                good_side((needed.max(0) as usize).max(source).max(edited))
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
        let [xs, ys] = ranges(source, [edited.width, edited.height]);
        if xs[0] > xs[1] || ys[0] > ys[1] {
            return None;
        }
        let mut columns = self.transform(edited);
        for (value, source) in columns.iter_mut().zip(&self.source) {
            *value = source * value.conj();
        }
        self.inverse[1].process(&mut columns);
        let mut rows = vec![Complex::default(); width * (ys[1] - ys[0] + 1) as usize];
        for (row, x, offset) in blocks(width, ys) {
            for x in x {
                let column = &columns[x * height..(x + 1) * height];
                for (row, offset) in row.clone().zip(offset.clone()) {
                    rows[row * width + x] = column[wrapped(offset, height)];
                }
            }
        }
        self.inverse[0].process(&mut rows);
        let scale = 1.0 / (width * height) as f64;
        let mut best = Best::new(source, edited);
        for (row, dy) in rows.chunks_exact(width).zip(ys[0]..) {
            best.take_row(dy, xs, |dx| f64::from(row[wrapped(dx, width)].re) * scale);
        }
        best.peak
    }
}

fn wrapped(offset: isize, side: usize) -> usize {
    if offset < 0 { (offset + side as isize) as usize } else { offset as usize }
}

/// Blocks of rows (their places and offsets) and columns that a cache holds.
fn blocks(
    width: usize,
    [first, last]: [isize; 2],
) -> impl Iterator<Item = (std::ops::Range<usize>, std::ops::Range<usize>, std::ops::RangeInclusive<isize>)> {
    const SIDE: usize = 16;
    let n_rows = (last - first + 1).max(0) as usize;
    (0..n_rows).step_by(SIDE).flat_map(move |row| {
        let rows = row..(row + SIDE).min(n_rows);
        let offsets = first + rows.start as isize..=first + rows.end as isize - 1;
        (0..width).step_by(SIDE).map(move |x| (rows.clone(), x..(x + SIDE).min(width), offsets.clone()))
    })
}

/// The best score so far.
struct Best<'a> {
    source: &'a Orientation,
    edited: &'a Orientation,
    smaller: f64,
    least_energy: f64,
    peak: Option<Peak>,
}

impl<'a> Best<'a> {
    fn new(source: &'a Orientation, edited: &'a Orientation) -> Self {
        let area = |field: &Orientation| field.width * field.height;
        Self {
            source,
            edited,
            smaller: area(source).min(area(edited)) as f64,
            least_energy: LEAST_ENERGY * source.total_energy() * edited.total_energy(),
            peak: None,
        }
    }

    fn take_row(&mut self, dy: isize, xs: [isize; 2], correlation: impl Fn(isize) -> f64) {
        let (on_source_y, on_edited_y) = overlap(dy, self.source.height, self.edited.height);
        let n_rows = on_source_y.1 - on_source_y.0;
        let (source_sums, edited_sums) =
            (self.source.row_sums(on_source_y), self.edited.row_sums(on_edited_y));
        for dx in xs[0]..=xs[1] {
            let correlation = correlation(dx);
            if correlation <= 0.0 {
                continue;
            }
            let (on_source_x, on_edited_x) = overlap(dx, self.source.width, self.edited.width);
            let energy = source_sums.between(on_source_x) * edited_sums.between(on_edited_x);
            let least = self.peak.map_or(0.0, |peak| peak.score);
            // The overlap only lowers the score, so most offsets end here.
            if energy <= self.least_energy || correlation * correlation <= least * least * energy {
                continue;
            }
            let share = ((on_source_x.1 - on_source_x.0) * n_rows) as f64 / self.smaller;
            let score = correlation / energy.sqrt() * share.powf(OVERLAP_POWER);
            if share >= LEAST_OVERLAP && score > least {
                self.peak = Some(Peak { offset: [dx, dy], score });
            }
        }
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
    let last = (rows.len() / width) as isize - 1;
    for (row, x, _) in blocks(width, [0, last]) {
        for x in x {
            for y in row.clone() {
                columns[x * height + y] = rows[y * width + x];
            }
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
