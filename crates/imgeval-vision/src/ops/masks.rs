//! Masks of many queries at once: mask logits to the size of an image, thresholded and measured.

use imgeval_core::BoundingBox;
use rayon::prelude::*;

use super::{
    activation::sigmoid,
    resize::{Tap, taps},
    simd::{Kernel, Simd, dispatch},
};

/// Queries that one word of bits holds.
pub const QUERIES_PER_WORD: usize = 128;
/// Rows of the image that one task works through.
const ROWS: usize = 16;

/// The masks of some queries at the size of the original image.
#[derive(Debug, Default)]
pub struct QueryMasks {
    /// For each query: pixels in the mask, and the sum of their probabilities.
    pub areas: Vec<u64>,
    pub probability_sums: Vec<f64>,
    /// First and last column and row of the mask; meaningless where it is empty.
    pub spans: Vec<Span>,
    /// One word for each pixel, row by row: the bit of a query is set where its mask is.
    pub words: Vec<u128>,
    pub width: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl QueryMasks {
    /// Around the pixels, right and bottom exclusive; zeros if there are none.
    #[expect(clippy::cast_precision_loss, reason = "sizes of images")]
    pub fn bounding_box(&self, query: usize) -> BoundingBox {
        if self.areas[query] == 0 {
            return BoundingBox { x1: 0.0, y1: 0.0, x2: 0.0, y2: 0.0 };
        }
        let Span { left, top, right, bottom } = self.spans[query];
        BoundingBox { x1: left as f32, y1: top as f32, x2: (right + 1) as f32, y2: (bottom + 1) as f32 }
    }

    /// At another size, each pixel taking the word of the nearest one as PyTorch's `interpolate` finds it. The
    /// probabilities stay those of the first size.
    pub fn enlarged(self, (height, width): (usize, usize)) -> Self {
        let (from_height, from_width) = (self.words.len() / self.width, self.width);
        let nearest = |from: usize, to: usize| -> Vec<usize> {
            #[expect(clippy::cast_precision_loss, reason = "sizes of images")]
            let scale = from as f32 / to as f32;
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "sizes of images"
            )]
            (0..to).map(|place| ((place as f32 * scale) as usize).min(from - 1)).collect()
        };
        let (rows, columns) = (nearest(from_height, height), nearest(from_width, width));
        let mut words = Vec::with_capacity(height * width);
        for row in rows {
            words.extend(columns.iter().map(|column| self.words[row * from_width + column]));
        }
        let n_queries = self.areas.len();
        let mut masks = Self { words, width, areas: vec![0; n_queries], ..self };
        let (mut row_bits, mut column_bits) = (vec![0; height], vec![0; width]);
        for (row, words) in masks.words.chunks_exact(width).enumerate() {
            for (column, &word) in words.iter().enumerate() {
                row_bits[row] |= word;
                column_bits[column] |= word;
                let mut left = word;
                while left != 0 {
                    masks.areas[left.trailing_zeros() as usize] += 1;
                    left &= left - 1;
                }
            }
        }
        masks.spans = spans(&row_bits, &column_bits, n_queries);
        masks
    }

    /// The mean probability inside the mask, as mmdetection divides it.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a ratio in [0, 1]")]
    pub fn quality(&self, query: usize) -> f32 {
        (self.probability_sums[query] / (self.areas[query] as f64 + 1e-6)) as f32
    }
}

/// Mask logits, [height x width, queries], of at most [`QUERIES_PER_WORD`] queries.
pub struct MaskLogits<'a> {
    pub numbers: &'a [f32],
    pub width: usize,
    pub height: usize,
    pub n_queries: usize,
}

impl MaskLogits<'_> {
    /// Resizes bilinearly to the padded size, cuts the padding off, resizes to the original size, and says for every
    /// pixel which masks it is in (logit above 0).
    pub fn resize_and_threshold(
        &self,
        padded: (usize, usize),
        resized: (usize, usize),
        (height, width): (usize, usize),
    ) -> QueryMasks {
        assert!(self.n_queries <= QUERIES_PER_WORD, "more queries than a word has bits");
        assert!(resized.0 <= padded.0 && resized.1 <= padded.1, "padding makes a picture larger");
        if self.n_queries == 0 {
            return QueryMasks { words: vec![0; height * width], width, ..QueryMasks::default() };
        }
        // Whole vectors: the queries are filled up with some that are nowhere.
        let lanes = self.n_queries.next_multiple_of(16);
        let mut logits = vec![f32::NEG_INFINITY; self.width * self.height * lanes];
        for (target, source) in logits.chunks_exact_mut(lanes).zip(self.numbers.chunks_exact(self.n_queries))
        {
            target[..self.n_queries].copy_from_slice(source);
            target[self.n_queries..].fill(-1.0);
        }
        let plan = Plan {
            logits: &logits,
            width: self.width,
            lanes,
            enlarged_rows: taps(self.height, padded.0),
            enlarged_columns: taps(self.width, padded.1),
            rows: taps(resized.0, height),
            columns: taps(resized.1, width),
            resized_width: resized.1,
        };
        let mut words = vec![0_u128; height * width];
        let bands: Vec<Band> = words
            .par_chunks_mut(ROWS * width)
            .enumerate()
            .map(|(band, words)| dispatch(BandKernel { plan: &plan, first_row: band * ROWS, words }))
            .collect();
        let mut masks = QueryMasks {
            areas: vec![0; self.n_queries],
            probability_sums: vec![0.0; self.n_queries],
            spans: Vec::new(),
            words,
            width,
        };
        let mut columns = vec![0_u128; width];
        for band in &bands {
            for query in 0..self.n_queries {
                masks.areas[query] += band.areas[query];
                masks.probability_sums[query] += band.sums[query];
            }
            for (all, part) in columns.iter_mut().zip(&band.columns) {
                *all |= part;
            }
        }
        let rows: Vec<u128> = bands.into_iter().flat_map(|band| band.rows).collect();
        masks.spans = spans(&rows, &columns, self.n_queries);
        masks
    }
}

/// Where each query's mask lies, from the words of all pixels of each row and of each column.
fn spans(rows: &[u128], columns: &[u128], n_queries: usize) -> Vec<Span> {
    (0..n_queries)
        .map(|query| {
            let is_in = |word: &u128| word >> query & 1 == 1;
            Span {
                left: columns.iter().position(is_in).unwrap_or(0),
                top: rows.iter().position(is_in).unwrap_or(0),
                right: columns.iter().rposition(is_in).unwrap_or(0),
                bottom: rows.iter().rposition(is_in).unwrap_or(0),
            }
        })
        .collect()
}

/// Both resizings, worked out.
struct Plan<'a> {
    /// [height x width, lanes]
    logits: &'a [f32],
    width: usize,
    lanes: usize,
    enlarged_rows: Vec<Tap>,
    enlarged_columns: Vec<Tap>,
    rows: Vec<Tap>,
    columns: Vec<Tap>,
    resized_width: usize,
}

/// What a band of rows adds.
struct Band {
    areas: Vec<u64>,
    sums: Vec<f64>,
    /// Bits of all pixels of each row, and of each column of the band.
    rows: Vec<u128>,
    columns: Vec<u128>,
}

struct BandKernel<'a> {
    plan: &'a Plan<'a>,
    first_row: usize,
    words: &'a mut [u128],
}

impl Kernel for BandKernel<'_> {
    type Output = Band;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> Band {
        let Plan { lanes, resized_width, .. } = *self.plan;
        let width = self.plan.columns.len();
        let mut band = Band {
            areas: vec![0; lanes],
            sums: vec![0.0; lanes],
            rows: Vec::with_capacity(ROWS),
            columns: vec![0; width],
        };
        // The last two enlarged rows stay, because the next output row needs at least one of them.
        let mut enlarged = [vec![0.0; resized_width * lanes], vec![0.0; resized_width * lanes]];
        let mut held = [usize::MAX; 2];
        let mut row_areas = vec![0.0_f32; lanes];
        let mut row_sums = vec![0.0_f32; lanes];
        for (index, words) in self.words.chunks_exact_mut(width).enumerate() {
            let tap = self.plan.rows[self.first_row + index];
            for wanted in [tap.first, tap.second] {
                if !held.contains(&wanted) {
                    let slot = usize::from(held[0] == tap.first || held[0] == tap.second);
                    // SAFETY: the instruction set is available, as the caller promises.
                    unsafe { self.plan.enlarge_row::<S>(wanted, &mut enlarged[slot]) };
                    held[slot] = wanted;
                }
            }
            let slot = |row: usize| usize::from(held[0] != row);
            let (upper, lower) = (&enlarged[slot(tap.first)], &enlarged[slot(tap.second)]);
            row_areas.fill(0.0);
            row_sums.fill(0.0);
            let mut row_bits = 0_u128;
            for ((word, column), column_bits) in
                words.iter_mut().zip(&self.plan.columns).zip(&mut band.columns)
            {
                let corners = Corners {
                    upper_left: &upper[column.first * lanes..][..lanes],
                    upper_right: &upper[column.second * lanes..][..lanes],
                    lower_left: &lower[column.first * lanes..][..lanes],
                    lower_right: &lower[column.second * lanes..][..lanes],
                    right: column.weight,
                    bottom: tap.weight,
                };
                for first in (0..lanes).step_by(S::LANES) {
                    // SAFETY: `lanes` is a multiple of every vector's length; the sums have `lanes` numbers.
                    unsafe {
                        let logit = corners.blend::<S>(first);
                        let bits = S::positive_bits(logit);
                        if bits != 0 {
                            *word |= u128::from(bits) << first;
                            let areas = row_areas.as_mut_ptr().add(first);
                            S::store(S::add(S::load(areas), S::where_positive(logit, S::splat(1.0))), areas);
                            let sums = row_sums.as_mut_ptr().add(first);
                            let probability = S::where_positive(logit, sigmoid::<S>(logit));
                            S::store(S::add(S::load(sums), probability), sums);
                        }
                    }
                }
                row_bits |= *word;
                *column_bits |= *word;
            }
            band.rows.push(row_bits);
            for query in 0..lanes {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a count below 2^24"
                )]
                let area = row_areas[query] as u64;
                band.areas[query] += area;
                band.sums[query] += f64::from(row_sums[query]);
            }
        }
        band
    }
}

impl Plan<'_> {
    /// A row of the logits at the padded size, as far as the padding is cut off.
    ///
    /// # Safety
    /// The instruction set of `S` must be available.
    #[inline(always)]
    unsafe fn enlarge_row<S: Simd>(&self, row: usize, target: &mut [f32]) {
        let tap = self.enlarged_rows[row];
        let lanes = self.lanes;
        let pixel = |y: usize, x: usize| &self.logits[(y * self.width + x) * lanes..][..lanes];
        for (target, column) in target.chunks_exact_mut(lanes).zip(&self.enlarged_columns) {
            let corners = Corners {
                upper_left: pixel(tap.first, column.first),
                upper_right: pixel(tap.first, column.second),
                lower_left: pixel(tap.second, column.first),
                lower_right: pixel(tap.second, column.second),
                right: column.weight,
                bottom: tap.weight,
            };
            for first in (0..lanes).step_by(S::LANES) {
                // SAFETY: `lanes` is a multiple of every vector's length.
                unsafe { S::store(corners.blend::<S>(first), target.as_mut_ptr().add(first)) };
            }
        }
    }
}

/// Four neighboring pixels, all lanes of each, and where between them to look.
struct Corners<'a> {
    upper_left: &'a [f32],
    upper_right: &'a [f32],
    lower_left: &'a [f32],
    lower_right: &'a [f32],
    right: f32,
    bottom: f32,
}

impl Corners<'_> {
    /// # Safety
    /// A vector must lie at `first` in each corner.
    #[inline(always)]
    unsafe fn blend<S: Simd>(&self, first: usize) -> S::Vector {
        // SAFETY: passed on from the caller.
        unsafe {
            let load = |corner: &[f32]| S::load(corner.as_ptr().add(first));
            let (left, right) = (S::splat(1.0 - self.right), S::splat(self.right));
            let upper = S::mul_add(load(self.upper_left), left, S::mul(load(self.upper_right), right));
            let lower = S::mul_add(load(self.lower_left), left, S::mul(load(self.lower_right), right));
            S::mul_add(upper, S::splat(1.0 - self.bottom), S::mul(lower, S::splat(self.bottom)))
        }
    }
}

/// The runs of every query's mask in COCO's order: down the columns, starting with a run outside.
pub fn column_runs(words: &[u128], width: usize, n_queries: usize) -> Vec<Vec<u32>> {
    let height = words.len() / width.max(1);
    let mut runs = vec![Vec::new(); n_queries];
    let mut starts = vec![0_u32; n_queries];
    let mut before = 0_u128;
    let mut place = 0_u32;
    for column in 0..width {
        for row in 0..height {
            let word = words[row * width + column];
            let mut changed = word ^ before;
            while changed != 0 {
                let query = changed.trailing_zeros() as usize;
                changed &= changed - 1;
                if query < n_queries {
                    runs[query].push(place - starts[query]);
                    starts[query] = place;
                }
            }
            before = word;
            place += 1;
        }
    }
    for (runs, start) in runs.iter_mut().zip(starts) {
        runs.push(place - start);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_down_the_columns() {
        // Two rows, three columns; query 0 has the middle column, query 1 the lower row.
        let words = [0b00, 0b01, 0b00, 0b10, 0b11, 0b10];
        assert_eq!(column_runs(&words, 3, 2), [vec![2, 2, 2], vec![1, 1, 1, 1, 1, 1]]);
    }
}
