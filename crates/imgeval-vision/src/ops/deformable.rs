//! Multi-scale deformable attention (Zhu et al. 2021, arXiv 2010.04159, section 4.1) as one kernel.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    attention::{softmax_composed, softmax_row},
    simd::{Kernel, Simd, dispatch},
    tensor::{from_numbers, is_fast, with_both, with_numbers},
};

/// Queries that one task works through.
const QUERIES: usize = 128;

/// What is sampled where.
pub struct Sampling<'a> {
    /// Height and width of each level, in the order of the values.
    pub levels: &'a [(usize, usize)],
    pub heads: usize,
    pub points: usize,
    /// For each query its place (x, y), each in [0, 1] of the map.
    pub references: &'a [[f32; 2]],
}

impl Sampling<'_> {
    /// The weighted sum of samples of `values` [all levels' pixels, channels]: for each query, head, level and point
    /// one sample, bilinear, zeros outside. `offsets` [queries, heads x levels x points x 2] in pixels of the level,
    /// `logits` [queries, heads x levels x points], softmax per head. The result is [queries, channels].
    pub fn attend(&self, values: &Tensor, offsets: &Tensor, logits: &Tensor) -> Result<Tensor> {
        let (n_values, channels) = values.dims2()?;
        let n_samples = self.levels.len() * self.points;
        let n_queries = self.references.len();
        let n_pixels: usize = self.levels.iter().map(|(height, width)| height * width).sum();
        if n_values != n_pixels
            || channels % self.heads != 0
            || offsets.dims() != [n_queries, self.heads * n_samples * 2]
            || logits.dims() != [n_queries, self.heads * n_samples]
        {
            bail!("deformable attention over {:?} with offsets {:?}", values.shape(), offsets.shape());
        }
        if !is_fast(values) {
            return self.attend_composed(values, offsets, logits);
        }
        with_numbers(&values.contiguous()?, |values| {
            with_both(&offsets.contiguous()?, &logits.contiguous()?, |offsets, logits| {
                let mut result = vec![0.0; n_queries * channels];
                let starts = self.level_starts();
                result.par_chunks_mut(QUERIES * channels).enumerate().for_each(|(chunk, target)| {
                    dispatch(SampleChunk {
                        sampling: self,
                        starts: &starts,
                        values,
                        channels,
                        offsets,
                        logits,
                        first_query: chunk * QUERIES,
                        target,
                    });
                });
                from_numbers(result, &[n_queries, channels])
            })
        })
    }

    fn level_starts(&self) -> Vec<usize> {
        let sizes = self.levels.iter().map(|(height, width)| height * width);
        sizes.scan(0, |start, size| Some(std::mem::replace(start, *start + size))).collect()
    }

    fn attend_composed(&self, values: &Tensor, offsets: &Tensor, logits: &Tensor) -> Result<Tensor> {
        let (device, dtype) = (values.device(), values.dtype());
        let (heads, points, n_queries) = (self.heads, self.points, self.references.len());
        let channels = values.dim(1)?;
        let dims = channels / heads;
        let n_samples = self.levels.len() * points;
        let weights = softmax_composed(&logits.reshape((n_queries, heads, n_samples))?)?;
        let offsets = offsets.reshape((n_queries, heads, self.levels.len(), points, 2))?;
        let flat: Vec<f32> = self.references.iter().flatten().copied().collect();
        let references = Tensor::from_vec(flat, (n_queries, 2), device)?.to_dtype(dtype)?;
        // Row p x heads + h of the values is head h of pixel p.
        let rows = values.reshape((values.dim(0)? * heads, dims))?;
        let head_index = Tensor::arange(0.0_f32, heads as f32, device)?.reshape((1, heads, 1))?;
        let mut total: Option<Tensor> = None;
        for (level, (&(height, width), start)) in self.levels.iter().zip(self.level_starts()).enumerate() {
            let offset = offsets.narrow(2, level, 1)?.squeeze(2)?;
            let place = |axis: usize, size: usize| -> Result<Tensor> {
                let reference = (references.narrow(1, axis, 1)?.reshape((n_queries, 1, 1))? * size as f64)?;
                let offset = offset.narrow(3, axis, 1)?.squeeze(3)?;
                (offset.broadcast_add(&reference)? - 0.5)?.to_dtype(candle_core::DType::F32)
            };
            let (x, y) = (place(0, width)?, place(1, height)?);
            let weight = weights.narrow(2, level * points, points)?;
            for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let along = |place: &Tensor, step: usize, size: usize| -> Result<(Tensor, Tensor)> {
                    let floor = place.floor()?;
                    let fraction = (place - &floor)?;
                    let share = if step == 1 { fraction } else { fraction.affine(-1.0, 1.0)? };
                    let corner = (floor + step as f64)?;
                    let inside = (corner.ge(0.0)?.to_dtype(candle_core::DType::F32)?
                        * corner.le((size - 1) as f64)?.to_dtype(candle_core::DType::F32)?)?;
                    Ok((corner.clamp(0.0, (size - 1) as f64)?, (share * inside)?))
                };
                let (corner_x, share_x) = along(&x, dx, width)?;
                let (corner_y, share_y) = along(&y, dy, height)?;
                let pixel = ((corner_y * width as f64)? + corner_x)?.affine(1.0, start as f64)?;
                let row = (pixel * heads as f64)?.broadcast_add(&head_index)?;
                let index = row.flatten_all()?.to_dtype(candle_core::DType::U32)?;
                let samples = rows.index_select(&index, 0)?.reshape((n_queries, heads, points, dims))?;
                let share = ((share_x * share_y)?.to_dtype(dtype)? * &weight)?.unsqueeze(3)?;
                let part = samples.broadcast_mul(&share)?.sum(2)?;
                total = Some(match total {
                    Some(total) => (total + part)?,
                    None => part,
                });
            }
        }
        match total {
            Some(total) => total.reshape((n_queries, channels)),
            None => bail!("deformable attention without levels"),
        }
    }
}

struct SampleChunk<'a> {
    sampling: &'a Sampling<'a>,
    starts: &'a [usize],
    values: &'a [f32],
    channels: usize,
    offsets: &'a [f32],
    logits: &'a [f32],
    first_query: usize,
    target: &'a mut [f32],
}

impl Kernel for SampleChunk<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { sampling, channels, .. } = self;
        let n_samples = sampling.levels.len() * sampling.points;
        let dims = channels / sampling.heads;
        let mut weights = vec![0.0; n_samples];
        for (index, target) in self.target.chunks_exact_mut(channels).enumerate() {
            let query = self.first_query + index;
            let reference = sampling.references[query];
            for (head, target) in target.chunks_exact_mut(dims).enumerate() {
                let place = query * sampling.heads + head;
                weights.copy_from_slice(&self.logits[place * n_samples..][..n_samples]);
                // SAFETY: the instruction set is available, as the caller promises.
                unsafe { softmax_row::<S>(&mut weights) };
                let offsets = &self.offsets[place * n_samples * 2..][..n_samples * 2];
                for (level, &(height, width)) in sampling.levels.iter().enumerate() {
                    let start = self.starts[level];
                    for point in level * sampling.points..(level + 1) * sampling.points {
                        #[expect(clippy::cast_precision_loss, reason = "sizes of maps")]
                        let corners = Corners::new(
                            reference[0] * width as f32 + offsets[2 * point] - 0.5,
                            reference[1] * height as f32 + offsets[2 * point + 1] - 0.5,
                            (height, width),
                        );
                        for (pixel, share) in corners.0 {
                            if share != 0.0 {
                                let from = (start + pixel) * channels + head * dims;
                                let share = share * weights[point];
                                // SAFETY: as above.
                                unsafe { add_scaled::<S>(target, &self.values[from..from + dims], share) };
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The four pixels around a place and the share of each; no share outside the map.
struct Corners([(usize, f32); 4]);

impl Corners {
    #[inline(always)]
    fn new(x: f32, y: f32, (height, width): (usize, usize)) -> Self {
        let mut corners = [(0, 0.0); 4];
        #[expect(clippy::cast_precision_loss, reason = "sizes of maps")]
        let is_near = x > -1.0 && y > -1.0 && x < width as f32 && y < height as f32;
        if is_near {
            let (left, top) = (x.floor(), y.floor());
            let (right_share, bottom_share) = (x - left, y - top);
            #[expect(clippy::cast_possible_truncation, reason = "between -1 and the size of a map")]
            let (left, top) = (left as isize, top as isize);
            for (index, corner) in corners.iter_mut().enumerate() {
                let (dy, dx) = (index / 2, index % 2);
                let (Some(y), Some(x)) = (top.checked_add_unsigned(dy), left.checked_add_unsigned(dx)) else {
                    continue;
                };
                let (Ok(y), Ok(x)) = (usize::try_from(y), usize::try_from(x)) else { continue };
                if y < height && x < width {
                    let share_y = if dy == 1 { bottom_share } else { 1.0 - bottom_share };
                    let share_x = if dx == 1 { right_share } else { 1.0 - right_share };
                    *corner = (y * width + x, share_y * share_x);
                }
            }
        }
        Self(corners)
    }
}

/// `target += source * share`.
///
/// # Safety
/// The instruction set of `S` must be available.
#[inline(always)]
unsafe fn add_scaled<S: Simd>(target: &mut [f32], source: &[f32], share: f32) {
    // SAFETY: each chunk holds a vector.
    unsafe {
        let shares = S::splat(share);
        let mut targets = target.chunks_exact_mut(S::LANES);
        let mut sources = source.chunks_exact(S::LANES);
        for (target, source) in (&mut targets).zip(&mut sources) {
            let sum = S::mul_add(S::load(source.as_ptr()), shares, S::load(target.as_ptr()));
            S::store(sum, target.as_mut_ptr());
        }
        for (target, &source) in targets.into_remainder().iter_mut().zip(sources.remainder()) {
            *target += source * share;
        }
    }
}
