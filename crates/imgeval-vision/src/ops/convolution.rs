//! Convolutions over maps [height x width, channels], as linear layers over patches that are gathered on the fly.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::{
    activation::Activation,
    gemm::RowSource,
    linear::Linear,
    tensor::{from_numbers, is_fast, with_numbers},
};
use crate::checkpoint::Parameter;

/// A square kernel with one stride, and zeros around the map.
pub struct Convolution {
    linear: Linear,
    channels: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    activation: Activation,
}

/// A square kernel over so many channels.
#[derive(Debug, Clone, Copy)]
pub struct KernelShape {
    pub channels: usize,
    pub side: usize,
}

impl Convolution {
    /// Of a weight [outputs, channels, kernel, kernel].
    pub fn new(weight: Parameter, bias: Option<Parameter>, stride: usize, padding: usize) -> Self {
        let (channels, kernel) = match *weight.shape() {
            [_, channels, kernel, _] => (channels, kernel),
            _ => (0, 0),
        };
        let order = channels_last_order(channels, kernel * kernel);
        let linear = Linear::new(weight, bias).with_column_order(order);
        Self { linear, channels, kernel, stride, padding, activation: Activation::None }
    }

    /// A convolution of numbers in memory, with a stride of 1: the weight is [outputs, channels, side, side]. It runs with 32 bits on
    /// the CPU only.
    pub fn of_numbers(weight: &[f32], bias: Vec<f32>, shape: KernelShape, padding: usize) -> Self {
        let KernelShape { channels, side: kernel } = shape;
        let linear = Linear::of_numbers(weight, bias, &channels_last_order(channels, kernel * kernel));
        Self { linear, channels, kernel, stride: 1, padding, activation: Activation::None }
    }

    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    pub fn with_stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    pub fn outputs(&self) -> usize {
        self.linear.outputs()
    }

    pub fn kernel(&self) -> usize {
        self.kernel
    }

    pub fn output_size(&self, (height, width): (usize, usize)) -> (usize, usize) {
        let count = |size: usize| (size + 2 * self.padding - self.kernel) / self.stride + 1;
        (count(height), count(width))
    }

    /// `x` is [height x width, channels]; the result is [outputs' height x width, outputs].
    pub fn forward(&self, x: &Tensor, size: (usize, usize)) -> Result<Tensor> {
        self.forward_then(x, size, None, Activation::None)
    }

    /// `last(activation(x * weight + bias) + residual)`, where the residual is as large as the result.
    pub fn forward_then(
        &self,
        x: &Tensor,
        (height, width): (usize, usize),
        residual: Option<&Tensor>,
        last: Activation,
    ) -> Result<Tensor> {
        let (n_pixels, channels) = x.dims2()?;
        if n_pixels != height * width
            || channels != self.channels
            || height.min(width) + 2 * self.padding < self.kernel
        {
            bail!("a convolution of {} channels was given {:?}", self.channels, x.shape());
        }
        let (out_height, out_width) = self.output_size((height, width));
        if is_fast(x) {
            return with_numbers(&x.contiguous()?, |numbers| {
                let n_rows = out_height * out_width;
                let patches = Patches { numbers, height, width, out_width, convolution: self };
                let multiply = |residual: Option<&[f32]>| {
                    self.linear.multiply_then(&patches, n_rows, (self.activation, residual, last))
                };
                let result = match residual {
                    Some(residual) => {
                        with_numbers(&residual.contiguous()?, |residual| multiply(Some(residual)))?
                    }
                    None => multiply(None)?,
                };
                from_numbers(result, &[n_rows, self.linear.outputs()])
            });
        }
        // The last row is the zeros around the map.
        let padded = Tensor::cat(&[x, &Tensor::zeros((1, channels), x.dtype(), x.device())?], 0)?;
        let patches = Patches { numbers: &[], height, width, out_width, convolution: self };
        let mut sources = Vec::with_capacity(out_height * out_width * self.kernel * self.kernel);
        for row in 0..out_height * out_width {
            for place in 0..self.kernel * self.kernel {
                let source = patches.pixel(row, place).unwrap_or(n_pixels);
                sources.push(u32::try_from(source).map_err(candle_core::Error::wrap)?);
            }
        }
        let gathered = padded.index_select(&Tensor::new(sources, x.device())?, 0)?;
        let rows = gathered.reshape((out_height * out_width, self.kernel * self.kernel * channels))?;
        last.compose(&self.linear.forward_with(&rows, self.activation, residual)?)
    }
}

/// Where in [channels, places] the numbers of [places, channels] lie: PyTorch keeps the channels first.
pub fn channels_last_order(channels: usize, places: usize) -> Arc<[usize]> {
    (0..places).flat_map(|place| (0..channels).map(move |channel| channel * places + place)).collect()
}

struct Patches<'a> {
    numbers: &'a [f32],
    height: usize,
    width: usize,
    out_width: usize,
    convolution: &'a Convolution,
}

impl Patches<'_> {
    /// The pixel under a place of the kernel, if it lies in the map.
    fn pixel(&self, row: usize, place: usize) -> Option<usize> {
        let Convolution { kernel, stride, padding, .. } = *self.convolution;
        let y = (row / self.out_width * stride + place / kernel).checked_sub(padding)?;
        let x = (row % self.out_width * stride + place % kernel).checked_sub(padding)?;
        (y < self.height && x < self.width).then(|| y * self.width + x)
    }
}

impl RowSource for Patches<'_> {
    /// A line of the kernel covers neighboring numbers of a row of the map, since the channels come last.
    fn fill(&self, row: usize, start: usize, target: &mut [f32]) {
        let Convolution { channels, kernel, stride, padding, .. } = *self.convolution;
        let (top, left) = (row / self.out_width * stride, row % self.out_width * stride);
        let (line, map_line) = (kernel * channels, self.width * channels);
        // Of a line of the kernel, the numbers before the map's left border, and those up to its right border.
        let first = padding.saturating_sub(left) * channels;
        let end = ((self.width + padding).saturating_sub(left) * channels).min(line);
        let mut filled = 0;
        while filled < target.len() {
            let (kernel_row, from) = ((start + filled) / line, (start + filled) % line);
            let count = (line - from).min(target.len() - filled);
            let part = &mut target[filled..filled + count];
            filled += count;
            let row = (top + kernel_row).checked_sub(padding).filter(|row| *row < self.height);
            let (inside, outside) = (first.clamp(from, from + count), end.clamp(from, from + count));
            let Some(row) = row.filter(|_| inside < outside) else {
                part.fill(0.0);
                continue;
            };
            let source = row * map_line + left * channels + inside - padding * channels;
            part[..inside - from].fill(0.0);
            part[inside - from..outside - from]
                .copy_from_slice(&self.numbers[source..source + outside - inside]);
            part[outside - from..].fill(0.0);
        }
    }
}
