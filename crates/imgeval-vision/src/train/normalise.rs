//! Rows brought to mean 0 and variance 1, the heart of layer norm and group norm, with its gradient in one pass each.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::tensor::{from_numbers, is_fast, widened, with_both, with_numbers};

const EPSILON: f64 = 1e-5;
/// Partial sums that are kept apart, so that they fill vector registers. Their order is fixed.
const LANES: usize = 16;

/// `(x - mean) / sqrt(variance + 1e-5)` over the last dimension, in at least 32 bits.
pub(super) fn normalise_rows(x: &Tensor) -> Result<Tensor> {
    if is_fast(x) {
        return x.contiguous()?.apply_op1(NormaliseRows);
    }
    let wide = widened(x)?;
    let centred = wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    centred.broadcast_div(&(variance + EPSILON)?.sqrt()?)
}

struct NormaliseRows;

impl CustomOp1 for NormaliseRows {
    fn name(&self) -> &'static str {
        "normalise-rows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (CpuStorage::F32(numbers), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            bail!("rows to normalize must be contiguous 32-bit numbers");
        };
        let length = row_length(layout.dims());
        let mut result = vec![0.0; end - start];
        result.par_chunks_mut(length).zip(numbers[start..end].par_chunks(length)).for_each(
            |(target, source)| {
                let (mean, scale) = mean_and_scale(source);
                target.iter_mut().zip(source).for_each(|(target, x)| *target = (x - mean) * scale);
            },
        );
        Ok((CpuStorage::F32(result), layout.shape().clone()))
    }

    /// `scale (g - mean(g) - y mean(g y))` for the gradient `g` of the result `y`.
    fn bwd(&self, argument: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let length = row_length(argument.dims());
        let mut found = vec![0.0_f32; argument.elem_count()];
        with_numbers(argument, |argument| {
            with_both(result, &gradient.contiguous()?, |result, gradient| {
                let rows = argument.par_chunks(length).zip(result.par_chunks(length));
                found.par_chunks_mut(length).zip(rows.zip(gradient.par_chunks(length))).for_each(
                    |(target, ((x, y), g))| {
                        let (_, scale) = mean_and_scale(x);
                        let mean = mean_of(g.iter().copied());
                        let along = mean_of(g.iter().zip(y).map(|(g, y)| g * y));
                        for ((target, g), y) in target.iter_mut().zip(g).zip(y) {
                            *target = scale * (g - mean - y * along);
                        }
                    },
                );
                Ok(())
            })
        })?;
        Ok(Some(from_numbers(found, argument.dims())?))
    }
}

fn row_length(dims: &[usize]) -> usize {
    dims.last().copied().unwrap_or(1).max(1)
}

#[expect(clippy::cast_possible_truncation, reason = "back to the precision of the network")]
fn mean_and_scale(row: &[f32]) -> (f32, f32) {
    let mean = mean_of(row.iter().copied());
    let variance = mean_of(row.iter().map(|x| (x - mean) * (x - mean)));
    (mean, (1.0 / (f64::from(variance) + EPSILON).sqrt()) as f32)
}

/// In [`LANES`] partial sums of 32 bits, added up in 64.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "rows are short; back to the precision of the network"
)]
fn mean_of(numbers: impl ExactSizeIterator<Item = f32>) -> f32 {
    let count = numbers.len() as f64;
    let mut sums = [0.0_f32; LANES];
    for (place, number) in numbers.enumerate() {
        sums[place % LANES] += number;
    }
    (sums.into_iter().map(f64::from).sum::<f64>() / count) as f32
}
