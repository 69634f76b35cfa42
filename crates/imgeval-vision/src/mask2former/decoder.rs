//! The transformer decoder with masked attention (Cheng et al. 2022, arXiv 2112.01527, section 3.2.1).

use candle_core::{Result, Tensor};

use super::{
    pixel_decoder::Memory,
    swin::{LARGEST_HIDDEN, Map},
};
use crate::{
    checkpoint::Parameter,
    ops::{
        Activation,
        attention::attend,
        layers::Layers,
        linear::Linear,
        norm::LayerNorm,
        resize::resize_bilinear,
        tensor::{from_numbers, is_fast, with_numbers},
    },
};

/// Heads of the attention; the tensors do not tell.
const HEADS: usize = 8;

/// What the network says of an image.
pub(super) struct Prediction {
    /// [queries, classes + 1]
    pub(super) class_logits: Tensor,
    /// [height x width, queries] at a quarter of the padded image.
    pub(super) mask_logits: Map,
}

pub(super) struct TransformerDecoder {
    layers: Vec<DecoderLayer>,
    output_norm: LayerNorm,
    /// Learned position and content of each query, [queries, channels].
    query_positions: Parameter,
    query_features: Parameter,
    level_encoding: Parameter,
    classes: Linear,
    mask_embedding: [Linear; 3],
    channels: usize,
    n_queries: usize,
}

struct DecoderLayer {
    cross: MultiHeadAttention,
    cross_norm: LayerNorm,
    own: MultiHeadAttention,
    own_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    output_norm: LayerNorm,
}

struct MultiHeadAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
}

impl TransformerDecoder {
    pub(super) fn load(layers: &mut Layers<'_>, channels: usize) -> Self {
        let prefix = "panoptic_head";
        let first_of = |layers: &Layers<'_>, name: &str| {
            layers.parameters.shape(name).and_then(|shape| shape.first().copied())
        };
        let n_queries = first_of(layers, &format!("{prefix}.query_embed.weight")).unwrap_or(100);
        layers.require_size("queries", n_queries, 1..=1000);
        layers.require_parts("attention heads", channels, HEADS);
        let n_classes = first_of(layers, &format!("{prefix}.cls_embed.weight")).unwrap_or(81);
        let decoder = format!("{prefix}.transformer_decoder");
        let depth = (0..)
            .take_while(|layer| {
                layers.parameters.contains(&format!("{decoder}.layers.{layer}.norms.0.weight"))
            })
            .count();
        let mask_embedding =
            [0, 2, 4].map(|index| layers.linear(&format!("{prefix}.mask_embed.{index}"), channels, channels));
        Self {
            layers: (0..depth.max(1))
                .map(|layer| DecoderLayer::load(layers, &format!("{decoder}.layers.{layer}"), channels))
                .collect(),
            output_norm: layers.layer_norm(&format!("{decoder}.post_norm"), channels),
            query_positions: layers.tensor(&format!("{prefix}.query_embed.weight"), &[n_queries, channels]),
            query_features: layers.tensor(&format!("{prefix}.query_feat.weight"), &[n_queries, channels]),
            level_encoding: layers.tensor(&format!("{prefix}.level_embed.weight"), &[3, channels]),
            classes: layers.linear(&format!("{prefix}.cls_embed"), channels, n_classes),
            mask_embedding,
            channels,
            n_queries,
        }
    }

    pub(super) fn n_classes(&self) -> usize {
        self.classes.outputs().saturating_sub(1)
    }

    pub(super) fn forward(&self, memory: &Memory) -> Result<Prediction> {
        let like = &memory.mask_features.pixels;
        let place = |parameter: &Parameter, rows: usize| -> Result<Tensor> {
            let numbers = parameter.read().map_err(candle_core::Error::wrap)?;
            from_numbers(numbers, &[rows, self.channels])?.to_device(like.device())?.to_dtype(like.dtype())
        };
        let positions = place(&self.query_positions, self.n_queries)?;
        let mut queries = place(&self.query_features, self.n_queries)?;
        let level_encoding = place(&self.level_encoding, memory.levels.len())?;
        let mut levels = Vec::with_capacity(memory.levels.len());
        for (index, (map, position)) in memory.levels.iter().enumerate() {
            let values = map.pixels.broadcast_add(&level_encoding.narrow(0, index, 1)?)?;
            let keys = (&values + position)?;
            // Resizing and multiplying commute, so the masks are made at the size at which they are needed.
            let mask_features = resize_bilinear(like, memory.mask_features.size(), map.size())?;
            levels.push(Level { values, keys, mask_features });
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let level = &levels[index % levels.len()];
            let embeddings = self.embed_masks(&self.output_norm.forward(&queries)?)?;
            let allowed = attention_mask(&level.mask_features, &embeddings)?;
            queries = layer.forward(&queries, &positions, level, &allowed)?;
        }
        let normalised = self.output_norm.forward(&queries)?;
        let embeddings = self.embed_masks(&normalised)?;
        let mask_logits = multiply_transposed(like, &embeddings)?;
        Ok(Prediction {
            class_logits: self.classes.forward(&normalised)?,
            mask_logits: Map { pixels: mask_logits, ..memory.mask_features },
        })
    }

    fn embed_masks(&self, queries: &Tensor) -> Result<Tensor> {
        let [first, second, third] = &self.mask_embedding;
        let hidden = first.forward_with(queries, Activation::Relu, None)?;
        third.forward(&second.forward_with(&hidden, Activation::Relu, None)?)
    }
}

/// One level of the memory, as the cross attention needs it: [pixels, channels] each.
struct Level {
    values: Tensor,
    keys: Tensor,
    mask_features: Tensor,
}

/// [pixels, channels] times [queries, channels] transposed: [pixels, queries].
fn multiply_transposed(pixels: &Tensor, queries: &Tensor) -> Result<Tensor> {
    if !is_fast(pixels) {
        return pixels.matmul(&queries.t()?);
    }
    crate::ops::linear::multiply_transposed(pixels, queries)
}

/// What is added to the attention's scores, [queries, pixels]: minus infinity where a query's mask has probability
/// below a half, but nothing for a query that would see no pixel at all.
fn attention_mask(mask_features: &Tensor, embeddings: &Tensor) -> Result<Tensor> {
    let logits = multiply_transposed(mask_features, embeddings)?;
    let (n_pixels, n_queries) = logits.dims2()?;
    let logits = logits.to_dtype(candle_core::DType::F32)?.to_device(&candle_core::Device::Cpu)?;
    let mask = with_numbers(&logits.t()?.contiguous()?, |logits| {
        let mut mask = vec![0.0; n_queries * n_pixels];
        for (mask, logits) in mask.chunks_exact_mut(n_pixels).zip(logits.chunks_exact(n_pixels)) {
            if !logits.iter().all(|&logit| is_below_half(logit)) {
                for (mask, &logit) in mask.iter_mut().zip(logits) {
                    *mask = if is_below_half(logit) { f32::NEG_INFINITY } else { 0.0 };
                }
            }
        }
        from_numbers(mask, &[n_queries, n_pixels])
    })?;
    mask.to_device(mask_features.device())?.to_dtype(mask_features.dtype())
}

/// Whether the probability, in 32 bits as the reference computes it, is below a half: it rounds to a half for logits just
/// below zero.
fn is_below_half(logit: f32) -> bool {
    logit < 0.0 && (logit < -1e-6 || 1.0 / (1.0 + (-logit).exp()) < 0.5)
}

impl DecoderLayer {
    fn load(layers: &mut Layers<'_>, name: &str, channels: usize) -> Self {
        let expand = format!("{name}.ffns.0.layers.0.0");
        let hidden = layers.parameters.shape(&format!("{expand}.weight"));
        let hidden = hidden.and_then(|shape| shape.first().copied()).unwrap_or(2048);
        layers.require_size("hidden channels of the decoder", hidden, 1..=LARGEST_HIDDEN);
        Self {
            cross: MultiHeadAttention::load(layers, &format!("{name}.attentions.0.attn"), channels),
            cross_norm: layers.layer_norm(&format!("{name}.norms.0"), channels),
            own: MultiHeadAttention::load(layers, &format!("{name}.attentions.1.attn"), channels),
            own_norm: layers.layer_norm(&format!("{name}.norms.1"), channels),
            expand: layers.linear(&expand, channels, hidden),
            contract: layers.linear(&format!("{name}.ffns.0.layers.1"), hidden, channels),
            output_norm: layers.layer_norm(&format!("{name}.norms.2"), channels),
        }
    }

    fn forward(&self, x: &Tensor, positions: &Tensor, level: &Level, mask: &Tensor) -> Result<Tensor> {
        let query = (x + positions)?;
        let x = self.cross.forward(&query, &level.keys, &level.values, Some(mask), x)?;
        let x = self.cross_norm.forward(&x)?;
        let query = (&x + positions)?;
        let x = self.own_norm.forward(&self.own.forward(&query, &query, &x, None, &x)?)?;
        let hidden = self.expand.forward_with(&x, Activation::Relu, None)?;
        self.output_norm.forward(&self.contract.forward_with(&hidden, Activation::None, Some(&x))?)
    }
}

impl MultiHeadAttention {
    /// Query, key and value share one weight [3 channels, channels].
    fn load(layers: &mut Layers<'_>, name: &str, channels: usize) -> Self {
        let weight = layers.tensor(&format!("{name}.in_proj_weight"), &[3 * channels, channels]);
        let bias = layers.tensor(&format!("{name}.in_proj_bias"), &[3 * channels]);
        let part = |index: usize| {
            let rows = index * channels..(index + 1) * channels;
            Linear::new(weight.clone(), Some(bias.clone())).with_rows(rows)
        };
        Self {
            query: part(0),
            key: part(1),
            value: part(2),
            output: layers.linear(&format!("{name}.out_proj"), channels, channels),
        }
    }

    fn forward(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        mask: Option<&Tensor>,
        residual: &Tensor,
    ) -> Result<Tensor> {
        let query = self.query.forward(query)?.unsqueeze(0)?;
        let key = self.key.forward(key)?.unsqueeze(0)?;
        let value = self.value.forward(value)?.unsqueeze(0)?;
        let mixed = attend(&query, &key, &value, HEADS, mask)?.squeeze(0)?;
        self.output.forward_with(&mixed, Activation::None, Some(residual))
    }
}
