//! Differentiable layers. candle's `LayerNorm` module and `softmax_last_dim` give no gradient without saying so, and its
//! convolutions are slow backwards; so everything here is composed of operations whose gradients are tested, or brings its own.

use candle_core::{DType, Result, Tensor};

use super::{convolution::Convolve, normalise::normalise_rows};
use crate::ops::{Activation, tensor::is_fast};

/// `x W' + b` over the last dimension; `weight` is [outputs, inputs].
pub(super) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let rows = x.elem_count() / inputs.max(1);
    let product = x.reshape((rows, inputs))?.matmul(&weight.t()?)?;
    let product = match bias {
        Some(bias) => product.broadcast_add(bias)?,
        None => product,
    };
    let mut dims = x.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = outputs;
    }
    product.reshape(dims)
}

/// Over the last dimension, in at least 32 bits; the result has the type of `x`.
pub(super) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    normalise_rows(x)?.broadcast_mul(weight)?.broadcast_add(bias)?.to_dtype(x.dtype())
}

/// Over groups of neighboring channels of `x` [batch, channels, height, width], each image by itself.
pub(super) fn group_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, groups: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let grouped = x.reshape((batch, groups, channels / groups * height * width))?;
    let normalised = normalise_rows(&grouped)?.reshape(x.dims())?;
    let each_channel = |parameter: &Tensor| parameter.reshape((1, channels, 1, 1));
    normalised.broadcast_mul(&each_channel(weight)?)?.broadcast_add(&each_channel(bias)?)?.to_dtype(x.dtype())
}

/// Cross-correlation of `x` [batch, channels, height, width] with `weight` [outputs, channels, kernel, kernel].
pub(super) fn convolution(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    if !is_fast(x) {
        return x.conv2d(weight, padding, stride, 1, 1);
    }
    x.contiguous()?.apply_op2(&weight.contiguous()?, Convolve { stride, padding })
}

/// As [`Activation::compose`], except where that has no sound gradient: an overflowing exponential gives infinity times zero.
pub(super) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::QuickGelu => (x * 1.702)?.silu()? / 1.702,
        Activation::None | Activation::Relu | Activation::Leaky | Activation::Gelu => activation.compose(x),
    }
}

/// The mean over all places of [batch, channels, height, width]: [batch, channels].
pub(super) fn mean_over_places(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.mean(2)
}

/// The mean of `-log softmax(logits)[label]` over the rows of `logits` [batch, classes], in 32 bits at least.
pub(super) fn cross_entropy(logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
    let logits = match logits.dtype() {
        DType::F64 => logits.clone(),
        _ => logits.to_dtype(DType::F32)?,
    };
    // The largest is a constant here: subtracting it changes nothing but the rounding.
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(1)?)?;
    let log_probabilities = shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(1)?.log()?)?;
    let labels = Tensor::new(labels, logits.device())?.unsqueeze(1)?;
    log_probabilities.gather(&labels, 1)?.mean_all()?.neg()
}
