//! The fine alignment: robust Gauss-Newton on locally normalized images.
//!
//! Four numbers are fitted, center and size of the edited frame per axis. The source is sampled bilinearly at the edited
//! image's pixels; what differs is explained by gradients of the edited image (the compositional form, in which they are computed
//! once), with Tukey's weights, so that what was edited does not pull.

use super::{
    Alignment,
    search::within,
    sums::{RowSums, Sums},
};
use crate::plane::{Border, Plane, gaussian, normalize_locally};

const BLUR: f64 = 0.7;
/// The window of the local normalization is this part of the long side, or two pixels.
const WINDOW: f64 = 1.0 / 48.0;
const LEAST_WINDOW: f64 = 2.0;
const MOST_STEPS: usize = 25;
/// Largest change in one step, in frames.
const LARGEST_STEP: f64 = 0.05;
/// In pixels of the long side.
const SMALL_ENOUGH: f64 = 0.002;
/// Tukey's constant times the ratio of a normal standard deviation to the median of magnitudes.
const TUKEY: f64 = 4.685 * 1.4826;
/// Frames whose size left this range have run away.
const SIZES: std::ops::Range<f64> = 0.2..5.0;
/// Fewer pixels in common are no overlap.
const LEAST_PIXELS: usize = 64;
/// About so many residuals are enough for their median.
const MEDIAN_SAMPLE: usize = 20_000;

/// The source at one size.
pub(super) struct Level {
    source: Plane,
    window: f64,
}

/// Where refinement ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Refined {
    pub(super) alignment: Alignment,
    /// Correlation of the normalized images over the overlap, in [-1, 1].
    pub(super) correlation: f64,
    /// Share of the edited image's pixels inside the source.
    pub(super) overlap: f64,
}

impl Level {
    pub(super) fn new(source: &Plane, side: usize) -> Self {
        let (width, height) = within(source, side);
        let window = (width.max(height) as f64 * WINDOW).max(LEAST_WINDOW);
        Self { source: normalized(&source.resized(width, height), window), window }
    }

    /// The edited image not larger than these alignments need it here: less to reduce again for each of them.
    pub(super) fn reduced<'a>(
        &self,
        edited: &Plane,
        alignments: impl Iterator<Item = &'a Alignment>,
    ) -> Plane {
        let sizes = alignments.map(|alignment| self.size_of(alignment));
        let [width, height] = sizes.fold([3; 2], |[width, height], [x, y]| [width.max(x), height.max(y)]);
        if width < edited.width() && height < edited.height() {
            edited.resized(width, height)
        } else {
            edited.clone()
        }
    }

    /// Of the edited image, at the source's distance of pixels.
    fn size_of(&self, alignment: &Alignment) -> [usize; 2] {
        let sides = [self.source.width(), self.source.height()];
        [0, 1].map(|axis| ((alignment.a[axis] * sides[axis] as f64).round() as usize).max(3))
    }

    /// `None` if the frames lose each other.
    pub(super) fn refine(&self, edited: &Plane, start: &Alignment) -> Option<Refined> {
        let sides = [self.source.width(), self.source.height()];
        let [width, height] = self.size_of(start);
        let edited = normalized(&edited.resized(width, height), self.window);
        let fit = Fit { source: &self.source, edited: &edited };
        let mut alignment = *start;
        let long_side = sides[0].max(sides[1]) as f64;
        let mut residuals = fit.residuals(&alignment)?;
        for _ in 0..MOST_STEPS {
            let Some(step) = fit.step(&residuals) else { break };
            let step = step.map(|number| number.clamp(-LARGEST_STEP, LARGEST_STEP));
            for axis in 0..2 {
                let center = alignment.b[axis] + alignment.a[axis] / 2.0 - alignment.a[axis] * step[2 * axis];
                alignment.a[axis] /= 1.0 + step[2 * axis + 1];
                alignment.b[axis] = center - alignment.a[axis] / 2.0;
                if !SIZES.contains(&alignment.a[axis]) {
                    return None;
                }
            }
            residuals = fit.residuals(&alignment)?;
            if step.iter().all(|number| number.abs() * long_side < SMALL_ENOUGH) {
                break;
            }
        }
        let (correlation, overlap) = fit.agreement(&residuals);
        Some(Refined { alignment, correlation, overlap })
    }
}

fn normalized(gray: &Plane, window: f64) -> Plane {
    normalize_locally(&gaussian(gray, BLUR, 4.0, Border::Reflect), window)
}

struct Fit<'a> {
    source: &'a Plane,
    edited: &'a Plane,
}

/// Source minus edited image where they overlap.
struct Residuals {
    /// First and one after the last column and row of the edited image.
    columns: (usize, usize),
    rows: (usize, usize),
    /// Row by row of the overlap.
    values: Vec<f32>,
    /// The largest that still has weight.
    limit: f32,
}

/// Pixels of one axis that lie within the source: where, and how far between which source pixels.
struct Samples {
    range: (usize, usize),
    places: Vec<(usize, f32)>,
}

impl Samples {
    fn new(edited: usize, source: usize, a: f64, b: f64) -> Self {
        let last = (source - 1) as f64;
        let position = |place: usize| (b + a * (place as f64 + 0.5) / edited as f64) * source as f64 - 0.5;
        let is_inside = |place: &usize| (0.0..=last).contains(&position(*place));
        let first = (0..edited).find(is_inside).unwrap_or(edited);
        let end = (first..edited).rev().find(is_inside).map_or(first, |place| place + 1);
        let place = |place: usize| {
            let at = position(place);
            let pixel = (at as usize).min(source.saturating_sub(2));
            (pixel, (at - pixel as f64) as f32)
        };
        Self { range: (first, end), places: (first..end).map(place).collect() }
    }
}

impl Fit<'_> {
    fn residuals(&self, alignment: &Alignment) -> Option<Residuals> {
        let width = self.source.width();
        let x = Samples::new(self.edited.width(), width, alignment.a[0], alignment.b[0]);
        let y = Samples::new(self.edited.height(), self.source.height(), alignment.a[1], alignment.b[1]);
        let n_pixels = x.places.len() * y.places.len();
        if n_pixels < LEAST_PIXELS {
            return None;
        }
        let mut values = Vec::with_capacity(n_pixels);
        let mut between = vec![0.0_f32; width];
        let edited_rows = self.edited.rows().skip(y.range.0);
        for ((pixel, part), edited) in y.places.iter().zip(edited_rows) {
            let rows = &self.source.values()[pixel * width..(pixel + 2) * width];
            for (value, (upper, lower)) in between.iter_mut().zip(rows[..width].iter().zip(&rows[width..])) {
                *value = upper + part * (lower - upper);
            }
            let edited = &edited[x.range.0..x.range.1];
            values.extend(x.places.iter().zip(edited).map(|((pixel, part), edited)| {
                let (left, right) = (between[*pixel], between[pixel + 1]);
                left + part * (right - left) - edited
            }));
        }
        let stride = (n_pixels / MEDIAN_SAMPLE).max(1);
        let mut magnitudes: Vec<f32> = values.iter().step_by(stride).map(|value| value.abs()).collect();
        let middle = magnitudes.len() / 2;
        let median = f64::from(*magnitudes.select_nth_unstable_by(middle, f32::total_cmp).1);
        Some(Residuals { columns: x.range, rows: y.range, values, limit: (TUKEY * median) as f32 })
    }

    /// Shift of the center and relative growth, for x and then y, in edited frames; `None` if there is nothing to go by.
    fn step(&self, residuals: &Residuals) -> Option<[f64; 4]> {
        let (width, height) = (self.edited.width(), self.edited.height());
        let (left, right) = (residuals.columns.0.max(1), residuals.columns.1.min(width - 1));
        let (top, bottom) = (residuals.rows.0.max(1), residuals.rows.1.min(height - 1));
        if left >= right || top >= bottom || residuals.limit <= 0.0 {
            return None;
        }
        let stride = residuals.columns.1 - residuals.columns.0;
        let row = |y: usize| &self.edited.values()[y * width..(y + 1) * width];
        let mut sums = Sums::default();
        for y in top..bottom {
            let start = (y - residuals.rows.0) * stride + left - residuals.columns.0;
            sums.add(
                &RowSums::of(
                    &residuals.values[start..start + right - left],
                    &row(y)[left - 1..=right],
                    [&row(y - 1)[left..right], &row(y + 1)[left..right]],
                    residuals.limit,
                    ((left as f32 + 0.5) / width as f32 - 0.5, 1.0 / width as f32),
                ),
                (y as f64 + 0.5) / height as f64 - 0.5,
            );
        }
        let frame = [width as f64, height as f64];
        sums.solve(frame)
    }

    fn agreement(&self, residuals: &Residuals) -> (f64, f64) {
        let (columns, rows) = (residuals.columns, residuals.rows);
        let width = columns.1 - columns.0;
        let mut sums = [0.0_f64; 5];
        let lines = self.edited.rows().skip(rows.0);
        for (line, residuals) in lines.zip(residuals.values.chunks_exact(width)) {
            let mut row = [0.0_f32; 5];
            for (edited, residual) in line[columns.0..columns.1].iter().zip(residuals) {
                let source = residual + edited;
                for (sum, term) in
                    row.iter_mut().zip([source, *edited, source * source, edited * edited, source * edited])
                {
                    *sum += term;
                }
            }
            for (sum, row) in sums.iter_mut().zip(row) {
                *sum += f64::from(row);
            }
        }
        let n = residuals.values.len() as f64;
        let [source, edited, source_squares, edited_squares, products] = sums.map(|sum| sum / n);
        let spread = (source_squares - source * source) * (edited_squares - edited * edited);
        let correlation = if spread > 0.0 { (products - source * edited) / spread.sqrt() } else { 0.0 };
        (correlation, n / (self.edited.width() * self.edited.height()) as f64)
    }
}
