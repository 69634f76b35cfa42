//! The Swin transformer (Liu et al. 2021, arXiv 2103.14030) as a backbone: four maps at 1/4, 1/8, 1/16 and 1/32.

use std::sync::{Arc, OnceLock};

use candle_core::{Result, Tensor};

use super::keys::Family;
use crate::ops::{
    Activation,
    convolution::{Convolution, channels_last_order},
    layers::Layers,
    linear::Linear,
    norm::LayerNorm,
    window::WindowAttention,
};

/// A map of pixels: the tensor is [height x width, channels].
#[derive(Debug, Clone)]
pub(super) struct Map {
    pub(super) pixels: Tensor,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Map {
    pub(super) fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }
}

/// Pixels on a side of a patch.
const PATCH: usize = 4;
/// Published ones have 7 or 12; the biases of a window grow with the fourth power.
const LARGEST_WINDOW: usize = 16;
/// Far beyond any published network.
pub(super) const LARGEST_HIDDEN: usize = 1 << 16;

pub(super) struct Swin {
    patch_embedding: Convolution,
    patch_norm: LayerNorm,
    stages: Vec<Stage>,
}

struct Stage {
    blocks: Vec<Block>,
    output_norm: LayerNorm,
    merging: Option<Merging>,
}

struct Block {
    attention_norm: LayerNorm,
    attention: WindowAttention,
    mlp_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
}

/// Joins squares of four pixels: half the height and width, twice the channels.
struct Merging {
    norm: LayerNorm,
    reduction: Linear,
}

impl Swin {
    /// Dimensions come from the tensors.
    pub(super) fn load(layers: &mut Layers<'_>, family: Family) -> Self {
        let shape = |layers: &Layers<'_>, name: &str| layers.parameters.shape(name).unwrap_or_default();
        let embedding = "backbone.patch_embed.projection";
        let width = shape(layers, &format!("{embedding}.weight")).first().copied().unwrap_or(96);
        layers.require_size("channels of the backbone", width, 1..=1024);
        let patch_embedding = layers.convolution(embedding, [width, 3, PATCH, PATCH], true, (PATCH, 0));
        let patch_norm = layers.layer_norm("backbone.patch_embed.norm", width);
        let stages = (0..4)
            .map(|index| {
                let channels = width << index;
                let name = format!("backbone.stages.{index}");
                let depth = (0..)
                    .take_while(|block| {
                        layers.parameters.contains(&format!("{name}.blocks.{block}.norm1.weight"))
                    })
                    .count();
                let blocks = (0..depth.max(1))
                    .map(|block| {
                        Block::load(layers, &format!("{name}.blocks.{block}"), channels, block % 2 == 1)
                    })
                    .collect();
                let output_norm = layers.layer_norm(&format!("backbone.norm{index}"), channels);
                let merging = (index < 3).then(|| Merging::load(layers, &name, channels, family));
                Stage { blocks, output_norm, merging }
            })
            .collect();
        Self { patch_embedding, patch_norm, stages }
    }

    /// Channels of the largest map; each further one has twice as many.
    pub(super) fn channels(&self) -> usize {
        self.patch_embedding.outputs()
    }

    /// The normalized output of each stage, largest map first. Height and width are multiples of 32.
    pub(super) fn forward(&self, image: &Map) -> Result<Vec<Map>> {
        let (height, width) = self.patch_embedding.output_size(image.size());
        let embedded = self.patch_embedding.forward(&image.pixels, image.size())?;
        let mut map = Map { pixels: self.patch_norm.forward(&embedded)?, height, width };
        let mut outputs = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            for block in &stage.blocks {
                map.pixels = block.forward(&map)?;
            }
            outputs.push(Map { pixels: stage.output_norm.forward(&map.pixels)?, ..map });
            if let Some(merging) = &stage.merging {
                map = merging.forward(&map)?;
            }
        }
        Ok(outputs)
    }
}

impl Block {
    fn load(layers: &mut Layers<'_>, name: &str, channels: usize, is_shifted: bool) -> Self {
        let attention = format!("{name}.attn.w_msa");
        let table_name = format!("{attention}.relative_position_bias_table");
        let table = layers.parameters.shape(&table_name).unwrap_or_else(|| vec![169, 3]);
        let (places, heads) = (table.first().copied().unwrap_or(1), table.get(1).copied().unwrap_or(1));
        // (2 window - 1)^2 places
        let window = places.isqrt().div_ceil(2).max(1);
        let hidden_name = format!("{name}.ffn.layers.0.0");
        let hidden = layers.parameters.shape(&format!("{hidden_name}.weight"));
        let hidden = hidden.and_then(|shape| shape.first().copied()).unwrap_or(4 * channels);
        layers.require_size("tokens on a window's side", window, 1..=LARGEST_WINDOW);
        layers.require_parts("heads of window attention", channels, heads);
        layers.require_size("hidden channels of the backbone", hidden, 1..=LARGEST_HIDDEN);
        let side = 2 * window - 1;
        Self {
            attention_norm: layers.layer_norm(&format!("{name}.norm1"), channels),
            attention: WindowAttention {
                qkv: layers.linear(&format!("{attention}.qkv"), channels, 3 * channels),
                projection: layers.linear(&format!("{attention}.proj"), channels, channels),
                bias_table: layers.tensor(&table_name, &[side * side, heads]),
                window,
                shift: if is_shifted { window / 2 } else { 0 },
                heads,
                added: OnceLock::new(),
            },
            mlp_norm: layers.layer_norm(&format!("{name}.norm2"), channels),
            expand: layers.linear(&hidden_name, channels, hidden),
            contract: layers.linear(&format!("{name}.ffn.layers.1"), hidden, channels),
        }
    }

    fn forward(&self, map: &Map) -> Result<Tensor> {
        let x = &map.pixels;
        let x = self.attention.forward(&self.attention_norm.forward(x)?, x, map.height, map.width)?;
        let hidden = self.expand.forward_with(&self.mlp_norm.forward(&x)?, Activation::Gelu, None)?;
        self.contract.forward_with(&hidden, Activation::None, Some(&x))
    }
}

impl Merging {
    fn load(layers: &mut Layers<'_>, stage: &str, channels: usize, family: Family) -> Self {
        // Our order is the four pixels in reading order, each with its channels. mmdetection keeps the four pixels of
        // each channel together, transformers goes down the columns.
        let order: Arc<[usize]> = match family {
            Family::Mmdetection => channels_last_order(channels, 4),
            Family::HuggingFace => {
                [0, 2, 1, 3].iter().flat_map(|pixel| pixel * channels..(pixel + 1) * channels).collect()
            }
        };
        let norm = LayerNorm::new(
            layers.affine(&format!("{stage}.downsample.norm"), 4 * channels).with_order(order.clone()),
        );
        let name = format!("{stage}.downsample.reduction");
        let reduction = layers.linear_without_bias(&name, 4 * channels, 2 * channels);
        Self { norm, reduction: reduction.with_column_order(order) }
    }

    fn forward(&self, map: &Map) -> Result<Map> {
        let channels = map.pixels.dim(1)?;
        let (height, width) = (map.height / 2, map.width / 2);
        let squares = map.pixels.reshape((height, 2, width, 2 * channels))?.transpose(1, 2)?;
        let squares = squares.reshape((height * width, 4 * channels))?;
        let pixels = self.reduction.forward(&self.norm.forward(&squares)?)?;
        Ok(Map { pixels, height, width })
    }
}
