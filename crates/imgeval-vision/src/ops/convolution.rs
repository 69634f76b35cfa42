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
    pub fn forward(&self, x: &Tensor, (height, width): (usize, usize)) -> Result<Tensor> {
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
                let result = self.linear.multiply(&patches, n_rows, self.activation, None)?;
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
        self.linear.forward_with(&rows, self.activation, None)
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
    fn fill(&self, row: usize, start: usize, target: &mut [f32]) {
        let channels = self.convolution.channels;
        let mut filled = 0;
        while filled < target.len() {
            let (place, channel) = ((start + filled) / channels, (start + filled) % channels);
            let count = (channels - channel).min(target.len() - filled);
            let part = &mut target[filled..filled + count];
            match self.pixel(row, place) {
                Some(pixel) => part.copy_from_slice(&self.numbers[pixel * channels + channel..][..count]),
                None => part.fill(0.0),
            }
            filled += count;
        }
    }
}
