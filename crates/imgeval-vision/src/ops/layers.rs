//! Takes the layers of a network out of a checkpoint's parameters, by name and shape.

use super::{
    convolution::Convolution,
    linear::Linear,
    norm::{Affine, GroupNorm, LayerNorm},
    normed_convolution::{BatchNorm, NormedConvolution},
};
use crate::checkpoint::{Parameter, Parameters};

/// Layers by the name that their parameters share; what is missing or misshaped is noted in the parameters.
pub struct Layers<'a> {
    pub parameters: &'a mut Parameters,
    /// The first size that no network of this kind can have, because a tensor's shape is all that says it.
    pub impossible: Option<String>,
}

impl<'a> Layers<'a> {
    pub fn new(parameters: &'a mut Parameters) -> Self {
        Self { parameters, impossible: None }
    }

    /// Notes a size that came out of the tensors' shapes if it is not in the range.
    pub fn require_size(&mut self, what: &str, size: usize, range: std::ops::RangeInclusive<usize>) {
        if !range.contains(&size) && self.impossible.is_none() {
            let (least, most) = (range.start(), range.end());
            self.impossible = Some(format!("{what}: {size}, expected {least} to {most}"));
        }
    }

    /// Notes channels that cannot be cut into so many equal parts.
    pub fn require_parts(&mut self, what: &str, channels: usize, parts: usize) {
        if (parts == 0 || !channels.is_multiple_of(parts)) && self.impossible.is_none() {
            self.impossible = Some(format!("{what}: {parts} do not divide {channels} channels"));
        }
    }

    /// A tensor's size along an axis; 1 where it has none, which is refused when the tensor is taken.
    pub fn dimension(&self, name: &str, axis: usize) -> usize {
        self.parameters.shape(name).and_then(|shape| shape.get(axis).copied()).unwrap_or(1)
    }

    pub fn tensor(&mut self, name: &str, shape: &[usize]) -> Parameter {
        self.parameters.take(name, shape)
    }

    pub fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Linear {
        let bias = self.tensor(&format!("{name}.bias"), &[outputs]);
        Linear::new(self.tensor(&format!("{name}.weight"), &[outputs, inputs]), Some(bias))
    }

    pub fn linear_without_bias(&mut self, name: &str, inputs: usize, outputs: usize) -> Linear {
        Linear::new(self.tensor(&format!("{name}.weight"), &[outputs, inputs]), None)
    }

    pub fn affine(&mut self, name: &str, channels: usize) -> Affine {
        let weight = self.tensor(&format!("{name}.weight"), &[channels]);
        Affine::new(weight, self.tensor(&format!("{name}.bias"), &[channels]))
    }

    pub fn layer_norm(&mut self, name: &str, channels: usize) -> LayerNorm {
        LayerNorm::new(self.affine(name, channels))
    }

    pub fn group_norm(&mut self, name: &str, channels: usize, groups: usize) -> GroupNorm {
        GroupNorm { affine: self.affine(name, channels), groups }
    }

    /// `shape` is [outputs, channels, kernel, kernel].
    pub fn convolution(
        &mut self,
        name: &str,
        shape: [usize; 4],
        has_bias: bool,
        (stride, padding): (usize, usize),
    ) -> Convolution {
        let bias = has_bias.then(|| self.tensor(&format!("{name}.bias"), &[shape[0]]));
        Convolution::new(self.tensor(&format!("{name}.weight"), &shape), bias, stride, padding)
    }

    /// A convolution without a bias and the batch norm behind it; `shape` is [outputs, channels, kernel, kernel].
    pub fn normed_convolution(
        &mut self,
        name: &str,
        norm: &str,
        shape: [usize; 4],
        (stride, padding): (usize, usize),
    ) -> NormedConvolution {
        let mut of_norm = |part: &str| self.tensor(&format!("{norm}.{part}"), &shape[..1]);
        let norm = BatchNorm {
            weight: of_norm("weight"),
            bias: of_norm("bias"),
            running_mean: of_norm("running_mean"),
            running_variance: of_norm("running_var"),
        };
        NormedConvolution::new(self.tensor(&format!("{name}.weight"), &shape), norm, stride, padding)
    }
}
