//! Layer norm and group norm over the last dimension: channels come last everywhere.

use std::sync::{Arc, OnceLock};

use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    activation::Activation,
    simd::{Kernel, Simd, dispatch},
    tensor::{from_numbers, is_fast, widened, with_numbers},
};
use crate::checkpoint::Parameter;

/// PyTorch's default.
pub const EPSILON: f32 = 1e-5;
/// Rows that one task works through.
const ROWS: usize = 64;

/// Scale and shift of a norm, one number each for every channel.
pub struct Affine {
    weight: Parameter,
    bias: Parameter,
    /// For each channel its place in the stored numbers, where those have another order.
    order: Option<Arc<[usize]>>,
    numbers: OnceLock<(Vec<f32>, Vec<f32>)>,
}

impl Affine {
    pub fn new(weight: Parameter, bias: Parameter) -> Self {
        Self { weight, bias, order: None, numbers: OnceLock::new() }
    }

    pub fn with_order(mut self, order: Arc<[usize]>) -> Self {
        self.order = Some(order);
        self
    }

    fn numbers(&self) -> Result<&(Vec<f32>, Vec<f32>)> {
        if self.numbers.get().is_none() {
            let read = |parameter: &Parameter| -> Result<Vec<f32>> {
                let stored = parameter.read().map_err(candle_core::Error::wrap)?;
                Ok(match &self.order {
                    Some(order) => order.iter().map(|&place| stored[place]).collect(),
                    None => stored,
                })
            };
            self.numbers.set((read(&self.weight)?, read(&self.bias)?)).ok();
        }
        self.numbers.get().ok_or_else(|| candle_core::Error::msg("a norm's weight could not be kept"))
    }

    fn apply_composed(&self, normalised: &Tensor, like: &Tensor) -> Result<Tensor> {
        let (weight, bias) = self.numbers()?;
        let place = |numbers: &[f32]| {
            from_numbers(numbers.to_vec(), &[numbers.len()])?
                .to_device(like.device())?
                .to_dtype(normalised.dtype())
        };
        normalised.broadcast_mul(&place(weight)?)?.broadcast_add(&place(bias)?)?.to_dtype(like.dtype())
    }
}

/// Normalizes each row of `x` [.., channels].
pub struct LayerNorm {
    affine: Affine,
    /// Added to the variance.
    epsilon: f32,
}

impl LayerNorm {
    /// With PyTorch's default of 1e-5 added to the variance.
    pub fn new(affine: Affine) -> Self {
        Self { affine, epsilon: EPSILON }
    }

    pub fn with_epsilon(self, epsilon: f32) -> Self {
        Self { epsilon, ..self }
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.elem_count() == 0 {
            return Ok(x.clone());
        }
        if !is_fast(x) {
            let wide = widened(x)?;
            let centred = wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)?;
            let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
            let normalised = centred.broadcast_div(&(variance + f64::from(self.epsilon))?.sqrt()?)?;
            return self.affine.apply_composed(&normalised, x);
        }
        let (weight, bias) = self.affine.numbers()?;
        let channels = weight.len();
        if x.dims().last() != Some(&channels) {
            bail!("a norm of {channels} channels was given {:?}", x.shape());
        }
        with_numbers(&x.contiguous()?, |numbers| {
            let mut result = vec![0.0; numbers.len()];
            let chunk = ROWS * channels;
            numbers.par_chunks(chunk).zip(result.par_chunks_mut(chunk)).for_each(|(source, target)| {
                dispatch(NormaliseRows { source, target, weight, bias, epsilon: self.epsilon });
            });
            from_numbers(result, x.dims())
        })
    }
}

struct NormaliseRows<'a> {
    source: &'a [f32],
    target: &'a mut [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
}

impl Kernel for NormaliseRows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.weight.len();
        #[expect(clippy::cast_precision_loss, reason = "channel counts are small")]
        let count = channels as f32;
        for (source, target) in self.source.chunks_exact(channels).zip(self.target.chunks_exact_mut(channels))
        {
            // SAFETY: the instruction set is available, as the caller promises.
            let (mean, scale) = unsafe {
                let mean = sum_of::<S>(source, 0.0, |x| x) / count;
                let centre = S::splat(mean);
                let variance = sum_of::<S>(source, mean, |x| {
                    let x = S::sub(x, centre);
                    S::mul(x, x)
                });
                (mean, 1.0 / (variance / count + self.epsilon).sqrt())
            };
            for (((target, &x), &weight), &bias) in
                target.iter_mut().zip(source).zip(self.weight).zip(self.bias)
            {
                *target = (x - mean) * scale * weight + bias;
            }
        }
    }
}

/// The sum of `map` over all vectors of `numbers`; the last one is filled up with `padding`, which `map` makes zero.
///
/// # Safety
/// The instruction set of `S` must be available.
#[inline(always)]
unsafe fn sum_of<S: Simd>(numbers: &[f32], padding: f32, map: impl Fn(S::Vector) -> S::Vector) -> f32 {
    // SAFETY: each chunk holds a vector, as does the padded copy.
    unsafe {
        let mut sum = S::splat(0.0);
        let mut chunks = numbers.chunks_exact(S::LANES);
        for chunk in &mut chunks {
            sum = S::add(sum, map(S::load(chunk.as_ptr())));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut padded = [padding; 16];
            padded[..rest.len()].copy_from_slice(rest);
            sum = S::add(sum, map(S::load(padded.as_ptr())));
        }
        S::sum_lanes(sum)
    }
}

/// Normalizes groups of neighboring channels over all rows of `x` [rows, channels].
pub struct GroupNorm {
    pub affine: Affine,
    pub groups: usize,
}

impl GroupNorm {
    pub fn forward(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        let (n_rows, channels) = x.dims2()?;
        if self.groups == 0 || channels % self.groups != 0 {
            bail!("a norm of {} groups was given {:?}", self.groups, x.shape());
        }
        if !matches!(activation, Activation::None | Activation::Relu) {
            bail!("a group norm is followed by {activation:?}");
        }
        if x.elem_count() == 0 {
            return Ok(x.clone());
        }
        let per_group = channels / self.groups;
        if !is_fast(x) {
            let wide = widened(x)?;
            let grouped = wide.reshape((n_rows, self.groups, per_group))?;
            let mean = grouped.mean_keepdim((0, 2))?;
            let centred = grouped.broadcast_sub(&mean)?;
            let variance = centred.sqr()?.mean_keepdim((0, 2))?;
            let normalised = centred.broadcast_div(&(variance + f64::from(EPSILON))?.sqrt()?)?;
            return activation.compose(&self.affine.apply_composed(&normalised.reshape(x.dims())?, x)?);
        }
        let (weight, bias) = self.affine.numbers()?;
        with_numbers(&x.contiguous()?, |numbers| {
            // Added up in order, so that the sum does not depend on which thread was faster.
            let chunks: Vec<_> =
                numbers.par_chunks(ROWS * channels).map(|chunk| channel_sums(chunk, channels)).collect();
            let mut sums = vec![(0.0, 0.0); channels];
            for chunk in chunks {
                for (sum, part) in sums.iter_mut().zip(chunk) {
                    *sum = (sum.0 + part.0, sum.1 + part.1);
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
            let count = (n_rows * per_group) as f64;
            let mut scale_and_shift = Vec::with_capacity(channels);
            for (group, sums) in sums.chunks(per_group).enumerate() {
                let mean = sums.iter().map(|sum| sum.0).sum::<f64>() / count;
                let square = sums.iter().map(|sum| sum.1).sum::<f64>() / count;
                let scale = 1.0 / ((square - mean * mean).max(0.0) + f64::from(EPSILON)).sqrt();
                for channel in group * per_group..(group + 1) * per_group {
                    let scale = scale * f64::from(weight[channel]);
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "back to the precision of the network"
                    )]
                    scale_and_shift.push((scale as f32, (f64::from(bias[channel]) - mean * scale) as f32));
                }
            }
            let mut result = vec![0.0; numbers.len()];
            let chunk = ROWS * channels;
            numbers.par_chunks(chunk).zip(result.par_chunks_mut(chunk)).for_each(|(source, target)| {
                for (source, target) in source.chunks_exact(channels).zip(target.chunks_exact_mut(channels)) {
                    for ((target, &x), &(scale, shift)) in target.iter_mut().zip(source).zip(&scale_and_shift)
                    {
                        let value = x * scale + shift;
                        *target = if activation == Activation::Relu && value < 0.0 { 0.0 } else { value };
                    }
                }
            });
            from_numbers(result, x.dims())
        })
    }
}

/// Sum and sum of squares for each channel, in 64 bits: their difference is small where the mean is large.
fn channel_sums(chunk: &[f32], channels: usize) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); channels];
    for row in chunk.chunks_exact(channels) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            let x = f64::from(x);
            *sum = (sum.0 + x, sum.1 + x * x);
        }
    }
    sums
}
