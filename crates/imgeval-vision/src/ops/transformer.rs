//! The block that CLIP's encoders and DINO's share: attention and a small network, each after a norm, each added to its input.

use candle_core::{Result, Tensor};

use super::{
    activation::Activation, attention::attend, layers::Layers, linear::Linear, norm::LayerNorm,
    tensor::from_numbers,
};
use crate::{checkpoint::Parameter, compute::Backend};

/// Far beyond any published model.
pub const LARGEST_WIDTH: usize = 8192;

/// What a family of models calls the parts of a block.
pub struct BlockNames {
    pub attention_norm: &'static str,
    pub qkv_weight: &'static str,
    pub qkv_bias: &'static str,
    pub output: &'static str,
    pub mlp_norm: &'static str,
    pub expand: &'static str,
    pub contract: &'static str,
}

/// What the blocks of a tower have in common.
#[derive(Clone, Copy)]
pub struct BlockShape {
    pub width: usize,
    pub heads: usize,
    pub activation: Activation,
    /// Added to the variance in both norms.
    pub epsilon: f32,
}

pub struct Block {
    attention_norm: LayerNorm,
    qkv: Linear,
    output: Linear,
    mlp_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    heads: usize,
    activation: Activation,
}

/// Which tokens' results are needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    All,
    /// Only the class token's, as of the last block of a network whose other tokens nobody reads.
    First,
}

/// A parameter's numbers as a tensor.
pub fn place(parameter: &Parameter, backend: &Backend) -> Result<Tensor> {
    let numbers = parameter.read().map_err(candle_core::Error::wrap)?;
    from_numbers(numbers, parameter.shape())?.to_device(&backend.device)?.to_dtype(backend.dtype)
}

impl Block {
    /// All blocks `{prefix}.0`, `{prefix}.1` and so on that the checkpoint has.
    pub fn load_all(
        layers: &mut Layers<'_>,
        prefix: &str,
        names: &BlockNames,
        shape: BlockShape,
    ) -> Vec<Self> {
        let norm = names.attention_norm;
        let depth = (0..)
            .take_while(|layer| layers.parameters.contains(&format!("{prefix}.{layer}.{norm}.weight")))
            .count();
        (0..depth.max(1))
            .map(|layer| Self::load(layers, &format!("{prefix}.{layer}"), names, shape))
            .collect()
    }

    fn load(layers: &mut Layers<'_>, prefix: &str, names: &BlockNames, shape: BlockShape) -> Self {
        let BlockShape { width, heads, activation, epsilon } = shape;
        let name = |part: &str| format!("{prefix}.{part}");
        let qkv_weight = layers.tensor(&name(names.qkv_weight), &[3 * width, width]);
        let qkv_bias = layers.tensor(&name(names.qkv_bias), &[3 * width]);
        let hidden = layers.dimension(&name(&format!("{}.weight", names.expand)), 0);
        layers.require_size("hidden channels", hidden, 1..=16 * LARGEST_WIDTH);
        Self {
            attention_norm: layers.layer_norm(&name(names.attention_norm), width).with_epsilon(epsilon),
            qkv: Linear::new(qkv_weight, Some(qkv_bias)),
            output: layers.linear(&name(names.output), width, width),
            mlp_norm: layers.layer_norm(&name(names.mlp_norm), width).with_epsilon(epsilon),
            expand: layers.linear(&name(names.expand), width, hidden),
            contract: layers.linear(&name(names.contract), hidden, width),
            heads,
            activation,
        }
    }

    pub fn heads(&self) -> usize {
        self.heads
    }

    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// `x` is [batch, tokens, width]; `mask` [tokens, tokens] is added to the scores of every head.
    pub fn forward(&self, x: &Tensor, mask: Option<&Tensor>, needed: Needed) -> Result<Tensor> {
        self.mix(x, &self.qkv.forward(&self.attention_norm.forward(x)?)?, mask, needed)
    }

    /// The block's result for all tokens, and its keys [batch, tokens, width], the heads side by side.
    pub fn forward_with_keys(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let qkv = self.qkv.forward(&self.attention_norm.forward(x)?)?;
        let width = x.dim(2)?;
        Ok((self.mix(x, &qkv, None, Needed::All)?, qkv.narrow(2, width, width)?.contiguous()?))
    }

    fn mix(&self, x: &Tensor, qkv: &Tensor, mask: Option<&Tensor>, needed: Needed) -> Result<Tensor> {
        let width = x.dim(2)?;
        let part = |index: usize| qkv.narrow(2, index * width, width);
        let (mut query, mut x) = (part(0)?, x.clone());
        if needed == Needed::First {
            query = query.narrow(1, 0, 1)?;
            x = x.narrow(1, 0, 1)?;
        }
        let mixed = attend(&query, &part(1)?, &part(2)?, self.heads, mask)?;
        let x = self.output.forward_with(&mixed, Activation::None, Some(&x))?;
        let hidden = self.expand.forward_with(&self.mlp_norm.forward(&x)?, self.activation, None)?;
        self.contract.forward_with(&hidden, Activation::None, Some(&x))
    }
}
