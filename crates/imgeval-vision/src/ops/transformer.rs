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
    parts: BlockParts,
    heads: usize,
    activation: Activation,
}

/// The layers of a block.
pub struct BlockParts {
    pub attention_norm: LayerNorm,
    /// From `width` channels to query, key and value side by side.
    pub qkv: Linear,
    pub output: Linear,
    pub mlp_norm: LayerNorm,
    pub expand: Linear,
    pub contract: Linear,
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
        let parts = BlockParts {
            attention_norm: layers.layer_norm(&name(names.attention_norm), width).with_epsilon(epsilon),
            qkv: Linear::new(qkv_weight, Some(qkv_bias)),
            output: layers.linear(&name(names.output), width, width),
            mlp_norm: layers.layer_norm(&name(names.mlp_norm), width).with_epsilon(epsilon),
            expand: layers.linear(&name(names.expand), width, hidden),
            contract: layers.linear(&name(names.contract), hidden, width),
        };
        Self::of_parts(parts, heads, activation)
    }

    /// A block of layers that were made elsewhere, such as of weights that are folded together.
    pub fn of_parts(parts: BlockParts, heads: usize, activation: Activation) -> Self {
        Self { parts, heads, activation }
    }

    pub fn heads(&self) -> usize {
        self.heads
    }

    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// `x` is [batch, tokens, width]; `mask` [tokens, tokens] is added to the scores of every head.
    pub fn forward(&self, x: &Tensor, mask: Option<&Tensor>, needed: Needed) -> Result<Tensor> {
        self.contracted(&self.attended(x, mask, needed)?)
    }

    /// The first half of the block: attention added to its input [batch, tokens, width].
    pub fn attended(&self, x: &Tensor, mask: Option<&Tensor>, needed: Needed) -> Result<Tensor> {
        self.mix(x, &self.project(x)?, mask, needed)
    }

    /// What the small network of the second half is given: the first half's result after the second norm.
    pub fn mlp_input(&self, attended: &Tensor) -> Result<Tensor> {
        self.parts.mlp_norm.forward(attended)
    }

    /// The second half of the block: the small network's result added to `residual`, which is the first half's result unless something
    /// else was added to it.
    pub fn finished(&self, mlp_input: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let hidden = self.parts.expand.forward_with(mlp_input, self.activation, None)?;
        self.parts.contract.forward_with(&hidden, Activation::None, Some(residual))
    }

    fn contracted(&self, attended: &Tensor) -> Result<Tensor> {
        self.finished(&self.mlp_input(attended)?, attended)
    }

    /// Queries, keys and values side by side.
    fn project(&self, x: &Tensor) -> Result<Tensor> {
        self.parts.qkv.forward(&self.parts.attention_norm.forward(x)?)
    }

    /// The block's result for all tokens, and its keys [batch, tokens, width], the heads side by side.
    pub fn forward_with_keys(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let qkv = self.project(x)?;
        let width = x.dim(2)?;
        let attended = self.mix(x, &qkv, None, Needed::All)?;
        Ok((self.contracted(&attended)?, qkv.narrow(2, width, width)?.contiguous()?))
    }

    /// Attention of queries, keys and values, added to `x`.
    fn mix(&self, x: &Tensor, qkv: &Tensor, mask: Option<&Tensor>, needed: Needed) -> Result<Tensor> {
        let width = x.dim(2)?;
        let part = |index: usize| qkv.narrow(2, index * width, width);
        let (mut query, mut x) = (part(0)?, x.clone());
        if needed == Needed::First {
            query = query.narrow(1, 0, 1)?;
            x = x.narrow(1, 0, 1)?;
        }
        let mixed = attend(&query, &part(1)?, &part(2)?, self.heads, mask)?;
        self.parts.output.forward_with(&mixed, Activation::None, Some(&x))
    }
}
