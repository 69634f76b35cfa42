//! The pixel decoder: deformable attention over three levels, then one finer map for the masks
//! (Cheng et al. 2022, arXiv 2112.01527, section 3.2; mmdet `MSDeformAttnPixelDecoder`).

use candle_core::{Result, Tensor};

use super::{
    position::sine_encoding,
    swin::{LARGEST_HIDDEN, Map},
};
use crate::{
    checkpoint::Parameter,
    ops::{
        Activation,
        convolution::Convolution,
        deformable::Sampling,
        layers::Layers,
        linear::Linear,
        norm::{GroupNorm, LayerNorm},
        resize::resize_bilinear,
        tensor::from_numbers,
    },
};

/// Sampling points for each head and level; the tensors tell only their product with the heads.
const POINTS: usize = 4;
const LEVELS: usize = 3;

/// What goes on to the transformer decoder.
pub(super) struct Memory {
    /// Coarsest first, each with the encoding of its pixels' positions.
    pub(super) levels: Vec<(Map, Tensor)>,
    /// At a quarter of the image.
    pub(super) mask_features: Map,
}

pub(super) struct PixelDecoder {
    inputs: Vec<Projection>,
    level_encoding: Parameter,
    encoder: Vec<EncoderLayer>,
    lateral: Projection,
    output: Convolution,
    output_norm: GroupNorm,
    mask_projection: Linear,
    channels: usize,
}

/// A 1x1 convolution and a group norm.
struct Projection {
    linear: Linear,
    norm: GroupNorm,
}

impl Projection {
    fn forward(&self, map: &Map) -> Result<Map> {
        let pixels = self.norm.forward(&self.linear.forward(&map.pixels)?, Activation::None)?;
        Ok(Map { pixels, ..*map })
    }
}

struct EncoderLayer {
    offsets: Linear,
    weights: Linear,
    values: Linear,
    output: Linear,
    attention_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    output_norm: LayerNorm,
    heads: usize,
}

impl PixelDecoder {
    pub(super) fn load(
        layers: &mut Layers<'_>,
        backbone_channels: usize,
        groups: impl Fn(usize) -> usize,
    ) -> Self {
        let prefix = "panoptic_head.pixel_decoder";
        let level_name = format!("{prefix}.level_encoding.weight");
        let channels =
            layers.parameters.shape(&level_name).and_then(|shape| shape.get(1).copied()).unwrap_or(256);
        let norm_groups = groups(channels);
        layers.require_size("channels of the decoders", channels, 4..=4096);
        // Half of the position encoding for each axis, half of that sines.
        layers.require_parts("parts of the position encoding", channels, 4);
        layers.require_parts("groups of the group norms", channels, norm_groups);
        let inputs = (0..LEVELS)
            .map(|level| {
                let name = format!("{prefix}.input_convs.{level}");
                let inputs = backbone_channels << (3 - level);
                let weight = layers.tensor(&format!("{name}.conv.weight"), &[channels, inputs, 1, 1]);
                let bias = layers.tensor(&format!("{name}.conv.bias"), &[channels]);
                let norm = layers.group_norm(&format!("{name}.gn"), channels, norm_groups);
                Projection { linear: Linear::new(weight, Some(bias)), norm }
            })
            .collect();
        let encoder_name = format!("{prefix}.encoder.layers");
        let depth = (0..)
            .take_while(|layer| layers.parameters.contains(&format!("{encoder_name}.{layer}.norms.0.weight")))
            .count();
        let encoder = (0..depth.max(1))
            .map(|layer| EncoderLayer::load(layers, &format!("{encoder_name}.{layer}"), channels))
            .collect();
        let lateral = format!("{prefix}.lateral_convs.0");
        let lateral_weight =
            layers.tensor(&format!("{lateral}.conv.weight"), &[channels, backbone_channels, 1, 1]);
        let output = format!("{prefix}.output_convs.0");
        let mask_weight =
            layers.tensor(&format!("{prefix}.mask_feature.weight"), &[channels, channels, 1, 1]);
        let mask_bias = layers.tensor(&format!("{prefix}.mask_feature.bias"), &[channels]);
        Self {
            inputs,
            level_encoding: layers.tensor(&level_name, &[LEVELS, channels]),
            encoder,
            lateral: Projection {
                linear: Linear::new(lateral_weight, None),
                norm: layers.group_norm(&format!("{lateral}.gn"), channels, norm_groups),
            },
            output: layers.convolution(&format!("{output}.conv"), [channels, channels, 3, 3], false, (1, 1)),
            output_norm: layers.group_norm(&format!("{output}.gn"), channels, norm_groups),
            mask_projection: Linear::new(mask_weight, Some(mask_bias)),
            channels,
        }
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// `maps` are the backbone's, largest first.
    pub(super) fn forward(&self, maps: &[Map]) -> Result<Memory> {
        let [finest, encoded @ ..] = maps else { candle_core::bail!("a backbone without maps") };
        let level_encoding = self.level_encoding.read().map_err(candle_core::Error::wrap)?;
        let mut sources = Vec::with_capacity(LEVELS);
        let mut positions = Vec::with_capacity(LEVELS);
        let mut level_positions = Vec::with_capacity(LEVELS);
        let mut levels = Vec::with_capacity(LEVELS);
        let mut references = Vec::new();
        for ((projection, map), encoding) in
            self.inputs.iter().zip(encoded.iter().rev()).zip(level_encoding.chunks_exact(self.channels))
        {
            sources.push(projection.forward(map)?.pixels);
            let position = sine_encoding(map.height, map.width, self.channels, map)?;
            let encoding = from_numbers(encoding.to_vec(), &[self.channels])?;
            let encoding = encoding.to_device(position.device())?.to_dtype(position.dtype())?;
            level_positions.push(position.broadcast_add(&encoding)?);
            positions.push(position);
            levels.push(map.size());
            references.extend(centres(map));
        }
        let level_positions = Tensor::cat(&level_positions, 0)?;
        let mut memory = Tensor::cat(&sources, 0)?;
        for layer in &self.encoder {
            memory = layer.forward(&memory, &level_positions, &levels, &references)?;
        }
        let mut start = 0;
        let mut outputs = Vec::with_capacity(LEVELS);
        for ((height, width), position) in levels.into_iter().zip(positions) {
            let pixels = memory.narrow(0, start, height * width)?;
            outputs.push((Map { pixels, height, width }, position));
            start += height * width;
        }
        let Some((last, _)) = outputs.last() else { candle_core::bail!("a backbone without coarse maps") };
        let lateral = self.lateral.forward(finest)?;
        let upsampled = resize_bilinear(&last.pixels, last.size(), finest.size())?;
        let fine = self.output.forward(&(lateral.pixels + upsampled)?, finest.size())?;
        let fine = self.output_norm.forward(&fine, Activation::Relu)?;
        let mask_features = Map { pixels: self.mask_projection.forward(&fine)?, ..*finest };
        Ok(Memory { levels: outputs, mask_features })
    }
}

/// The centers of a map's pixels, (x, y) in [0, 1].
#[expect(clippy::cast_precision_loss, reason = "sizes of maps")]
fn centres(map: &Map) -> impl Iterator<Item = [f32; 2]> {
    let (height, width) = map.size();
    (0..height * width).map(move |pixel| {
        [((pixel % width) as f32 + 0.5) / width as f32, ((pixel / width) as f32 + 0.5) / height as f32]
    })
}

impl EncoderLayer {
    fn load(layers: &mut Layers<'_>, name: &str, channels: usize) -> Self {
        let attention = format!("{name}.attentions.0");
        let first_of = |layers: &Layers<'_>, name: &str| {
            layers.parameters.shape(name).and_then(|shape| shape.first().copied())
        };
        let offsets_name = format!("{attention}.sampling_offsets");
        let n_offsets =
            first_of(layers, &format!("{offsets_name}.weight")).unwrap_or(8 * LEVELS * POINTS * 2);
        let heads = (n_offsets / (LEVELS * POINTS * 2)).max(1);
        let samples = heads * LEVELS * POINTS;
        layers.require_parts("heads of deformable attention", channels, heads);
        let expand = format!("{name}.ffns.0.layers.0.0");
        let hidden = first_of(layers, &format!("{expand}.weight")).unwrap_or(1024);
        layers.require_size("hidden channels of the pixel decoder", hidden, 1..=LARGEST_HIDDEN);
        Self {
            offsets: layers.linear(&offsets_name, channels, 2 * samples),
            weights: layers.linear(&format!("{attention}.attention_weights"), channels, samples),
            values: layers.linear(&format!("{attention}.value_proj"), channels, channels),
            output: layers.linear(&format!("{attention}.output_proj"), channels, channels),
            attention_norm: layers.layer_norm(&format!("{name}.norms.0"), channels),
            expand: layers.linear(&expand, channels, hidden),
            contract: layers.linear(&format!("{name}.ffns.0.layers.1"), hidden, channels),
            output_norm: layers.layer_norm(&format!("{name}.norms.1"), channels),
            heads,
        }
    }

    fn forward(
        &self,
        x: &Tensor,
        positions: &Tensor,
        levels: &[(usize, usize)],
        references: &[[f32; 2]],
    ) -> Result<Tensor> {
        let query = (x + positions)?;
        let sampling = Sampling { levels, heads: self.heads, points: POINTS, references };
        let values = self.values.forward(x)?;
        let sampled =
            sampling.attend(&values, &self.offsets.forward(&query)?, &self.weights.forward(&query)?)?;
        let x =
            self.attention_norm.forward(&self.output.forward_with(&sampled, Activation::None, Some(x))?)?;
        let hidden = self.expand.forward_with(&x, Activation::Relu, None)?;
        self.output_norm.forward(&self.contract.forward_with(&hidden, Activation::None, Some(&x))?)
    }
}
