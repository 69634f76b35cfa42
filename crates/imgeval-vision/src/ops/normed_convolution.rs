//! A convolution and the batch norm behind it, folded into one convolution.

use std::sync::OnceLock;

use candle_core::{Result, Tensor};

use super::{
    activation::Activation,
    convolution::{Convolution, KernelShape},
    norm::EPSILON,
};
use crate::checkpoint::{CheckpointError, Parameter};

/// `norm(x * weight)` with the norm's running statistics. The norm is folded into the weight at the first use; it runs with 32 bits on
/// the CPU only.
pub struct NormedConvolution {
    /// [outputs, channels, kernel, kernel].
    weight: Parameter,
    norm: BatchNorm,
    stride: usize,
    padding: usize,
    folded: OnceLock<Convolution>,
}

/// The numbers of a batch norm, one each for every channel.
pub struct BatchNorm {
    pub weight: Parameter,
    pub bias: Parameter,
    pub running_mean: Parameter,
    pub running_variance: Parameter,
}

impl NormedConvolution {
    /// Of a weight [outputs, channels, kernel, kernel] without a bias.
    pub fn new(weight: Parameter, norm: BatchNorm, stride: usize, padding: usize) -> Self {
        Self { weight, norm, stride, padding, folded: OnceLock::new() }
    }

    /// Height and width of the result for a map of this height and width.
    pub fn output_size(&self, (height, width): (usize, usize)) -> (usize, usize) {
        let kernel = self.weight.shape().get(2).copied().unwrap_or(1);
        let count = |size: usize| (size + 2 * self.padding).saturating_sub(kernel) / self.stride + 1;
        (count(height), count(width))
    }

    /// `activation(norm(x * weight) + residual)`: `x` is [height x width, channels], the result and the residual are
    /// [outputs' height x width, outputs].
    ///
    /// # Errors
    /// If the parameters cannot be read, or `x` has another shape or type.
    pub fn forward(
        &self,
        x: &Tensor,
        size: (usize, usize),
        residual: Option<&Tensor>,
        activation: Activation,
    ) -> Result<Tensor> {
        self.folded()?.forward_then(x, size, residual, activation)
    }

    fn folded(&self) -> Result<&Convolution> {
        if self.folded.get().is_none() {
            // Another thread may have been faster; then this copy is dropped.
            self.folded.set(self.fold().map_err(candle_core::Error::wrap)?).ok();
        }
        self.folded.get().ok_or_else(|| candle_core::Error::msg("a weight could not be kept"))
    }

    /// In 64 bits: `w (x - mean) / sqrt(variance + epsilon) + bias` is a convolution with other numbers.
    #[expect(clippy::cast_possible_truncation, reason = "back to the precision of the network")]
    fn fold(&self) -> std::result::Result<Convolution, CheckpointError> {
        let read = |parameter: &Parameter| -> std::result::Result<Vec<f64>, CheckpointError> {
            Ok(parameter.read()?.into_iter().map(f64::from).collect())
        };
        let (scale, bias) = (read(&self.norm.weight)?, read(&self.norm.bias)?);
        let (mean, variance) = (read(&self.norm.running_mean)?, read(&self.norm.running_variance)?);
        let scale: Vec<f64> = scale
            .iter()
            .zip(&variance)
            .map(|(scale, variance)| scale / (variance + f64::from(EPSILON)).sqrt())
            .collect();
        let bias = (0..bias.len()).map(|output| (bias[output] - mean[output] * scale[output]) as f32);
        let mut weight = self.weight.read()?;
        self.weight.release();
        let inputs = (weight.len() / scale.len().max(1)).max(1);
        for (row, scale) in weight.chunks_exact_mut(inputs).zip(&scale) {
            row.iter_mut().for_each(|number| *number = (f64::from(*number) * scale) as f32);
        }
        let (channels, side) = match *self.weight.shape() {
            [_, channels, side, _] => (channels, side),
            _ => (0, 0),
        };
        let shape = KernelShape { channels, side };
        Ok(Convolution::of_numbers(&weight, bias.collect(), shape, self.padding).with_stride(self.stride))
    }
}
