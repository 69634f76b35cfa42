//! Linear layers of weights that files keep in parts, put together once when a network is loaded.

use imgeval_vision::{
    ModelError,
    checkpoint::Parameter,
    ops::{
        Activation,
        layers::Layers,
        linear::Linear,
        norm::LayerNorm,
        transformer::{Block, BlockParts, LARGEST_WIDTH},
    },
};

use super::clip_trunk::heads_of;
use crate::port::ForensicsError;

/// A layer whose results are multiplied channel by channel: the rows of its weight [outputs, inputs] and its bias times `scale`.
///
/// # Errors
/// If a tensor cannot be read.
pub fn scaled(weight: &Parameter, bias: &Parameter, scale: &Parameter) -> Result<Linear, ForensicsError> {
    let [mut weight, mut bias, scale] = [read(weight)?, read(bias)?, read(scale)?];
    let inputs = weight.len() / bias.len().max(1);
    for ((row, bias), scale) in weight.chunks_exact_mut(inputs.max(1)).zip(&mut bias).zip(&scale) {
        row.iter_mut().for_each(|number| *number *= scale);
        *bias *= scale;
    }
    Ok(layer(&weight, bias))
}

/// Numbers [outputs, inputs] as a layer.
#[must_use]
pub fn layer(weight: &[f32], bias: Vec<f32>) -> Linear {
    let inputs = weight.len() / bias.len().max(1);
    let order: Vec<usize> = (0..inputs).collect();
    Linear::of_numbers(weight, bias, &order)
}

/// A parameter's numbers.
///
/// # Errors
/// If they cannot be read.
pub fn read(parameter: &Parameter) -> Result<Vec<f32>, ForensicsError> {
    Ok(parameter.read().map_err(ModelError::from)?)
}

/// A block of CLIP whose attention weights are stored as Effort stores them.
pub struct ResidualBlock {
    attention_norm: LayerNorm,
    /// Query, key and value.
    qkv: [Residual; 3],
    output: Residual,
    mlp_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    width: usize,
}

/// The weight `main` (width x width) plus `left` (width x rank) times the diagonal of `scales` (rank) times `right` (rank x width).
struct Residual {
    main: Parameter,
    left: Parameter,
    scales: Parameter,
    right: Parameter,
    bias: Parameter,
}

impl ResidualBlock {
    /// The blocks `{prefix}.0`, `{prefix}.1` and so on that the checkpoint has.
    pub fn take_all(layers: &mut Layers<'_>, prefix: &str, width: usize) -> Vec<Self> {
        let is_there = |index: &usize| layers.parameters.contains(&format!("{prefix}.{index}.ln_1.weight"));
        let depth = (0..).take_while(is_there).count();
        (0..depth.max(1)).map(|index| Self::take(layers, &format!("{prefix}.{index}"), width)).collect()
    }

    fn take(layers: &mut Layers<'_>, place: &str, width: usize) -> Self {
        let name = |part: &str| format!("{place}.{part}");
        let hidden = layers.dimension(&name("mlp.c_fc.weight"), 0);
        layers.require_size("hidden channels", hidden, 1..=16 * LARGEST_WIDTH);
        let mut residual = |part: &str| Residual::take(layers, &name(&format!("attn.{part}")), width);
        let qkv = ["q_proj", "k_proj", "v_proj"].map(&mut residual);
        let output = residual("out_proj");
        Self {
            attention_norm: layers.layer_norm(&name("ln_1"), width),
            qkv,
            output,
            mlp_norm: layers.layer_norm(&name("ln_2"), width),
            expand: layers.linear(&name("mlp.c_fc"), width, hidden),
            contract: layers.linear(&name("mlp.c_proj"), hidden, width),
            width,
        }
    }

    /// The block with whole weights. Call it once the parameters were found to fit.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn fold(self) -> Result<Block, ForensicsError> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for part in &self.qkv {
            weight.extend(part.weight(self.width)?);
            bias.extend(read(&part.bias)?);
        }
        let output = layer(&self.output.weight(self.width)?, read(&self.output.bias)?);
        let parts = BlockParts {
            attention_norm: self.attention_norm,
            qkv: layer(&weight, bias),
            output,
            mlp_norm: self.mlp_norm,
            expand: self.expand,
            contract: self.contract,
        };
        Ok(Block::of_parts(parts, heads_of(self.width), Activation::QuickGelu))
    }
}

impl Residual {
    fn take(layers: &mut Layers<'_>, name: &str, width: usize) -> Self {
        let rank = layers.dimension(&format!("{name}.S_residual"), 0);
        let mut tensor = |part: &str, shape: &[usize]| layers.tensor(&format!("{name}.{part}"), shape);
        Self {
            main: tensor("weight_main", &[width, width]),
            left: tensor("U_residual", &[width, rank]),
            scales: tensor("S_residual", &[rank]),
            right: tensor("V_residual", &[rank, width]),
            bias: tensor("bias", &[width]),
        }
    }

    /// [width, width].
    fn weight(&self, width: usize) -> Result<Vec<f32>, ForensicsError> {
        let mut weight = read(&self.main)?;
        let [left, scales, right] = [read(&self.left)?, read(&self.scales)?, read(&self.right)?];
        let rank = scales.len().max(1);
        for (row, left) in weight.chunks_exact_mut(width).zip(left.chunks_exact(rank)) {
            for ((left, scale), right) in left.iter().zip(&scales).zip(right.chunks_exact(width)) {
                let factor = left * scale;
                row.iter_mut().zip(right).for_each(|(number, right)| *number += factor * right);
            }
        }
        Ok(weight)
    }
}
