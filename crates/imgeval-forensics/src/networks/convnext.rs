//! ConvNeXt (Liu et al. 2022, arXiv 2201.03545) in timm's layout and under its names. Depths and widths come from the names and shapes of
//! the tensors.

use std::sync::OnceLock;

use candle_core::{Result as CandleResult, Tensor};
use imgeval_vision::{
    checkpoint::{CheckpointError, Parameter},
    ops::{
        Activation, convolution::Convolution, depthwise::DepthwiseConvolution, layers::Layers,
        linear::Linear, norm::LayerNorm,
    },
};

use super::map::Map;
use crate::trace::Trace;

const N_STAGES: usize = 4;
const STEM_SIDE: usize = 4;
const HALVING_SIDE: usize = 2;
/// Side of the depthwise kernels.
const KERNEL_SIDE: usize = 7;
const EXPANSION: usize = 4;
/// The network divides the image's sides by this.
pub const REDUCTION: usize = STEM_SIDE * HALVING_SIDE.pow(3);
/// Far beyond the published 3072 channels and 30 blocks.
const MOST_CHANNELS: usize = 16_384;
const MOST_BLOCKS: usize = 256;
/// Published depths by the channels of the first stage, so that a file whose last blocks are missing is not taken for a shallower
/// network: `convnext_base` and `convnext_xxlarge` in timm.
const KNOWN_DEPTHS: [(usize, [usize; N_STAGES]); 2] = [(128, [3, 3, 27, 3]), (384, [3, 4, 30, 3])];

/// The network up to its last map.
pub struct ConvNext {
    stem: Convolution,
    stem_norm: LayerNorm,
    stages: Vec<Stage>,
    /// Of the last map.
    pub channels: usize,
}

struct Stage {
    halving: Option<(LayerNorm, Convolution)>,
    blocks: Vec<Block>,
}

struct Block {
    parameters: BlockParameters,
    /// Made at the first use.
    folded: OnceLock<Folded>,
    norm: LayerNorm,
    expand: Linear,
}

struct BlockParameters {
    depthwise: [Parameter; 2],
    contract: [Parameter; 2],
    gamma: Parameter,
}

struct Folded {
    depthwise: DepthwiseConvolution,
    /// With the scale of each channel, `gamma`.
    contract: Linear,
}

impl ConvNext {
    /// Takes it out of parameters whose names start with `prefix`; all layer norms add `epsilon` to the variance.
    pub fn take(layers: &mut Layers<'_>, prefix: &str, epsilon: f32) -> Self {
        let mut channels = layers.dimension(&format!("{prefix}stem.0.weight"), 0);
        let stem_shape = [channels, 3, STEM_SIDE, STEM_SIDE];
        let stem = layers.convolution(&format!("{prefix}stem.0"), stem_shape, true, (STEM_SIDE, 0));
        let stem_norm = layers.layer_norm(&format!("{prefix}stem.1"), channels).with_epsilon(epsilon);
        let known = KNOWN_DEPTHS.into_iter().find(|(width, _)| *width == channels).map(|(_, depths)| depths);
        let mut stages = Vec::with_capacity(N_STAGES);
        for place in 0..N_STAGES {
            let name = format!("{prefix}stages.{place}");
            let halving = (place > 0).then(|| {
                let norm = layers.layer_norm(&format!("{name}.downsample.0"), channels);
                let outputs = layers.dimension(&format!("{name}.downsample.1.weight"), 0);
                let shape = [outputs, channels, HALVING_SIDE, HALVING_SIDE];
                channels = outputs;
                let halve =
                    layers.convolution(&format!("{name}.downsample.1"), shape, true, (HALVING_SIDE, 0));
                (norm.with_epsilon(epsilon), halve)
            });
            layers.require_size(&format!("channels of `{name}`"), channels, 1..=MOST_CHANNELS);
            let has_block =
                |block: &usize| layers.parameters.contains(&format!("{name}.blocks.{block}.conv_dw.weight"));
            let counted = (0..MOST_BLOCKS).take_while(has_block).count().max(1);
            let depth = known.map_or(counted, |depths| depths[place]);
            let blocks = (0..depth)
                .map(|block| Block::take(layers, &format!("{name}.blocks.{block}"), channels, epsilon));
            let blocks = blocks.collect();
            stages.push(Stage { halving, blocks });
        }
        Self { stem, stem_norm, stages, channels }
    }

    /// The last map, of an image [height x width, 3] whose sides are at least [`REDUCTION`].
    ///
    /// # Errors
    /// If the weights cannot be read, memory is short or the image too small.
    pub fn forward(&self, map: Map, trace: &mut Trace) -> CandleResult<Map> {
        let x = self.stem_norm.forward(&self.stem.forward(&map.x, map.size)?)?;
        let mut map = Map { x, size: self.stem.output_size(map.size) };
        trace.keep("stem", &map.x);
        for (place, stage) in self.stages.iter().enumerate() {
            if let Some((norm, halve)) = &stage.halving {
                let x = halve.forward(&norm.forward(&map.x)?, map.size)?;
                map = Map { x, size: halve.output_size(map.size) };
            }
            for (block_place, block) in stage.blocks.iter().enumerate() {
                map.x = block.forward(&map)?;
                trace.keep(format!("stage{place}_block{block_place}"), &map.x);
            }
            trace.keep(format!("stage{place}"), &map.x);
        }
        Ok(map)
    }
}

impl Block {
    fn take(layers: &mut Layers<'_>, name: &str, channels: usize, epsilon: f32) -> Self {
        let inner = EXPANSION * channels;
        let weight_and_bias = |layers: &mut Layers<'_>, part: &str, shape: &[usize]| {
            let weight = layers.tensor(&format!("{name}.{part}.weight"), shape);
            [weight, layers.tensor(&format!("{name}.{part}.bias"), &[channels])]
        };
        let parameters = BlockParameters {
            depthwise: weight_and_bias(layers, "conv_dw", &[channels, 1, KERNEL_SIDE, KERNEL_SIDE]),
            contract: weight_and_bias(layers, "mlp.fc2", &[channels, inner]),
            gamma: layers.tensor(&format!("{name}.gamma"), &[channels]),
        };
        let norm = layers.layer_norm(&format!("{name}.norm"), channels).with_epsilon(epsilon);
        let expand = layers.linear(&format!("{name}.mlp.fc1"), channels, inner);
        Self { parameters, folded: OnceLock::new(), norm, expand }
    }

    /// The map behind it, of the same size.
    fn forward(&self, map: &Map) -> CandleResult<Tensor> {
        let folded = self.folded()?;
        let x = self.norm.forward(&folded.depthwise.forward(&map.x, map.size)?)?;
        let hidden = self.expand.forward_with(&x, Activation::Gelu, None)?;
        folded.contract.forward_with(&hidden, Activation::None, Some(&map.x))
    }

    fn folded(&self) -> CandleResult<&Folded> {
        if self.folded.get().is_none() {
            // Another thread may have been faster; then this copy is dropped.
            self.folded.set(self.parameters.fold().map_err(candle_core::Error::wrap)?).ok();
        }
        self.folded.get().ok_or_else(|| candle_core::Error::msg("a weight could not be kept"))
    }
}

impl BlockParameters {
    fn fold(&self) -> Result<Folded, CheckpointError> {
        let [weight, bias] = &self.depthwise;
        let depthwise = DepthwiseConvolution::of_numbers(&weight.read()?, bias.read()?, KERNEL_SIDE);
        let gamma = self.gamma.read()?;
        let [weight, bias] = &self.contract;
        let (mut numbers, mut bias) = (weight.read()?, bias.read()?);
        weight.release();
        let inputs = (numbers.len() / gamma.len().max(1)).max(1);
        for (row, gamma) in numbers.chunks_exact_mut(inputs).zip(&gamma) {
            row.iter_mut().for_each(|number| *number *= gamma);
        }
        bias.iter_mut().zip(&gamma).for_each(|(bias, gamma)| *bias *= gamma);
        let order: Vec<usize> = (0..inputs).collect();
        Ok(Folded { depthwise, contract: Linear::of_numbers(&numbers, bias, &order) })
    }
}
