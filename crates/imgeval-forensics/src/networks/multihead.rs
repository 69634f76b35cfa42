//! PyTorch's `MultiheadAttention`, and the small network that follows it, each added to its input and normalized after that.

use candle_core::{Result, Tensor};
use imgeval_vision::ops::{Activation, attention::attend, layers::Layers, linear::Linear, norm::LayerNorm};

/// Attention of some tokens to others, or to themselves, added to its input and normalized.
pub struct Attention {
    query: Linear,
    /// Keys and values side by side.
    context: Linear,
    output: Linear,
    norm: LayerNorm,
    heads: usize,
}

/// Two linear layers with ReLU between them, added to their input and normalized.
pub struct FeedForward {
    expand: Linear,
    contract: Linear,
    norm: LayerNorm,
}

impl Attention {
    /// Of an attention layer `name` and the norm `norm`, over `width` channels.
    pub fn take(layers: &mut Layers<'_>, name: &str, norm: &str, width: usize, heads: usize) -> Self {
        layers.require_parts("attention heads", width, heads);
        let weight = layers.tensor(&format!("{name}.in_proj_weight"), &[3 * width, width]);
        let bias = layers.tensor(&format!("{name}.in_proj_bias"), &[3 * width]);
        Self {
            query: Linear::new(weight.clone(), Some(bias.clone())).with_rows(0..width),
            context: Linear::new(weight, Some(bias)).with_rows(width..3 * width),
            output: layers.linear(&format!("{name}.out_proj"), width, width),
            norm: layers.layer_norm(norm, width),
            heads,
        }
    }

    /// Attention of `x` [batch, tokens, width] over `context` [batch, other tokens, width].
    ///
    /// # Errors
    /// If the network fails.
    pub fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let width = x.dim(2)?;
        let query = self.query.forward(x)?;
        let context = self.context.forward(context)?;
        let (key, value) = (context.narrow(2, 0, width)?, context.narrow(2, width, width)?);
        let mixed = attend(&query, &key, &value, self.heads, None)?;
        self.norm.forward(&self.output.forward_with(&mixed, Activation::None, Some(x))?)
    }
}

impl FeedForward {
    /// Of `{prefix}linear1` and `{prefix}linear2` and the norm `norm`, over `width` channels.
    pub fn take(layers: &mut Layers<'_>, prefix: &str, norm: &str, width: usize) -> Self {
        let hidden = layers.dimension(&format!("{prefix}linear1.weight"), 0);
        Self {
            expand: layers.linear(&format!("{prefix}linear1"), width, hidden),
            contract: layers.linear(&format!("{prefix}linear2"), hidden, width),
            norm: layers.layer_norm(norm, width),
        }
    }

    /// `x` is [.., width], as is the result.
    ///
    /// # Errors
    /// If the network fails.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let hidden = self.expand.forward_with(x, Activation::Relu, None)?;
        self.norm.forward(&self.contract.forward_with(&hidden, Activation::None, Some(x))?)
    }
}
