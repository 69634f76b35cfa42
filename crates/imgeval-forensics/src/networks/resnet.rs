//! ResNet-50 (He et al. 2016, arXiv 1512.03385) in torchvision's layout and under its names, whole or cut off after some of its layers,
//! with its batch norms folded into the convolutions. All widths come from the tensors' shapes.

use std::{path::Path, sync::Arc};

use candle_core::{Result as CandleResult, Tensor};
use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, Parameters},
    ops::{
        Activation,
        layers::Layers,
        linear::Linear,
        normed_convolution::NormedConvolution,
        pooling::{Window, max_pool_padded, mean},
    },
};

use super::map::Map;
use crate::trace::Trace;

/// Bottlenecks of each of the four layers.
const DEPTHS: [usize; 4] = [3, 4, 6, 3];
/// Far beyond the published 2048.
const MOST_CHANNELS: usize = 16_384;
const POOL: Window = Window { side: 3, stride: 2 };
const POOL_PADDING: usize = 1;
/// Channels of maps of a sixteenth of the image's size that lie in memory at once in the first layer, the largest: of the published
/// width its input, two inner maps, the result and the residual.
const LAYER_CHANNELS: u64 = 64 + 64 + 64 + 256 + 256;
/// Channels of the map of a quarter of the image's size behind the first convolution.
const STEM_CHANNELS: u64 = 64;

/// What the published widths take in memory at most, for each pixel of the image: its colors three times over, and these maps.
pub const BYTES_PER_PIXEL: u64 = 4 * (3 * 3 + STEM_CHANNELS / 4 + LAYER_CHANNELS / 16);

/// Which part of the network a detector has.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The network in words, for errors.
    pub network: &'static str,
    /// Side of the first convolution's kernel.
    pub stem_side: usize,
    /// How many of the four layers there are.
    pub n_layers: usize,
    /// Name of the linear layer behind the mean over the map.
    pub head: &'static str,
    pub outputs: usize,
}

/// The network with a linear layer on the mean of its last map.
pub struct Classifier {
    trunk: ResNet,
    head: Linear,
}

impl Classifier {
    /// From a checkpoint that holds nothing else, whose names may have the prefixes of training frameworks.
    ///
    /// # Errors
    /// If the file cannot be read, or a tensor is missing, unexpected or of another shape.
    pub fn load(path: &Path, layout: &Layout) -> Result<Self, ModelError> {
        Self::of_checkpoint(Checkpoint::open(path)?, layout)
    }

    /// The same from a checkpoint that is open.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of_checkpoint(checkpoint: Checkpoint, layout: &Layout) -> Result<Self, ModelError> {
        let path = checkpoint.path().to_owned();
        let checkpoint = checkpoint.unwrapped(&["conv1.weight"])?;
        let head = format!("{}.weight", layout.head);
        if ["conv1.weight", &head].iter().any(|name| checkpoint.info(name).is_none()) {
            return Err(ModelError::not_this_network(&checkpoint, layout.network));
        }
        let mut parameters = Parameters::new(Arc::new(checkpoint));
        let mut layers = Layers::new(&mut parameters);
        let trunk = ResNet::take(&mut layers, "", (3, layout.stem_side), layout.n_layers);
        let head = layers.linear(layout.head, trunk.channels, layout.outputs);
        let impossible = layers.impossible;
        parameters.ignore(is_counter);
        parameters.finish()?;
        match impossible {
            Some(detail) => Err(ModelError::Configuration { path, detail }),
            None => Ok(Self { trunk, head }),
        }
    }

    /// The logits of a map [height x width, 3].
    ///
    /// # Errors
    /// If the weights cannot be read, or memory is short.
    pub fn logits(&self, map: Map, trace: &mut Trace) -> Result<Vec<f32>, ModelError> {
        let pooled = self.trunk.forward(map, trace)?;
        Ok(self.head.forward(&pooled)?.flatten_all()?.to_vec1()?)
    }
}

/// Whether it is what batch norms count while they are trained.
pub fn is_counter(name: &str) -> bool {
    name.ends_with(".num_batches_tracked")
}

/// The network without its last linear layer.
pub struct ResNet {
    stem: NormedConvolution,
    layers: Vec<Vec<Bottleneck>>,
    /// Of the last map.
    pub channels: usize,
}

struct Bottleneck {
    reduce: NormedConvolution,
    spatial: NormedConvolution,
    expand: NormedConvolution,
    /// Where the residual changes its size or channels.
    shortcut: Option<NormedConvolution>,
}

impl ResNet {
    /// Takes it out of parameters whose names start with `prefix`. The stem's kernel is given by its channels and side.
    pub fn take(
        layers: &mut Layers<'_>,
        prefix: &str,
        (inputs, stem_side): (usize, usize),
        n_layers: usize,
    ) -> Self {
        let name = |name: &str| format!("{prefix}{name}");
        let mut channels = outputs_of(layers, &name("conv1"));
        let shape = [channels, inputs, stem_side, stem_side];
        let stem = layers.normed_convolution(&name("conv1"), &name("bn1"), shape, (2, stem_side / 2));
        let mut taken = Vec::with_capacity(n_layers);
        for (layer, depth) in DEPTHS.into_iter().enumerate().take(n_layers) {
            let mut bottlenecks = Vec::with_capacity(depth);
            for place in 0..depth {
                let name = name(&format!("layer{}.{place}", layer + 1));
                // The first bottleneck of all layers but the first halves the map.
                let stride = if place == 0 && layer > 0 { 2 } else { 1 };
                let (bottleneck, outputs) = Bottleneck::take(layers, &name, channels, stride, place == 0);
                bottlenecks.push(bottleneck);
                channels = outputs;
            }
            taken.push(bottlenecks);
        }
        Self { stem, layers: taken, channels }
    }

    /// The mean of the last map, [1, channels], of a map of any size with the stem's channels.
    ///
    /// # Errors
    /// If the weights cannot be read, or memory is short.
    pub fn forward(&self, map: Map, trace: &mut Trace) -> CandleResult<Tensor> {
        let Map { x, size } = map;
        let stem = self.stem.forward(&x, size, None, Activation::Relu)?;
        drop(x);
        let (x, size) = max_pool_padded(&stem, self.stem.output_size(size), POOL, POOL_PADDING)?;
        drop(stem);
        let mut map = Map { x, size };
        trace.keep("maxpool", &map.x);
        for (layer, bottlenecks) in self.layers.iter().enumerate() {
            for bottleneck in bottlenecks {
                map = bottleneck.forward(map)?;
            }
            trace.keep(format!("layer{}", layer + 1), &map.x);
        }
        let pooled = mean(&map.x)?;
        trace.keep("avgpool", &pooled);
        Ok(pooled)
    }
}

fn outputs_of(layers: &mut Layers<'_>, name: &str) -> usize {
    let outputs = layers.dimension(&format!("{name}.weight"), 0);
    layers.require_size(&format!("outputs of `{name}`"), outputs, 1..=MOST_CHANNELS);
    outputs
}

impl Bottleneck {
    /// With the channels of its result, which are those of its input where it has no shortcut.
    fn take(
        layers: &mut Layers<'_>,
        name: &str,
        inputs: usize,
        stride: usize,
        has_shortcut: bool,
    ) -> (Self, usize) {
        let inner = outputs_of(layers, &format!("{name}.conv1"));
        let outputs = if has_shortcut { outputs_of(layers, &format!("{name}.conv3")) } else { inputs };
        let mut take = |place: u8, shape: [usize; 4], stride: usize| {
            let (convolution, norm) = (format!("{name}.conv{place}"), format!("{name}.bn{place}"));
            layers.normed_convolution(&convolution, &norm, shape, (stride, shape[2] / 2))
        };
        let reduce = take(1, [inner, inputs, 1, 1], 1);
        let spatial = take(2, [inner, inner, 3, 3], stride);
        let expand = take(3, [outputs, inner, 1, 1], 1);
        let shortcut = has_shortcut.then(|| {
            let (convolution, norm) = (format!("{name}.downsample.0"), format!("{name}.downsample.1"));
            layers.normed_convolution(&convolution, &norm, [outputs, inputs, 1, 1], (stride, 0))
        });
        (Self { reduce, spatial, expand, shortcut }, outputs)
    }

    fn forward(&self, map: Map) -> CandleResult<Map> {
        let Map { x, size } = map;
        let reduced = self.reduce.forward(&x, size, None, Activation::Relu)?;
        let spatial = self.spatial.forward(&reduced, size, None, Activation::Relu)?;
        drop(reduced);
        let residual = match &self.shortcut {
            Some(shortcut) => shortcut.forward(&x, size, None, Activation::None)?,
            None => x,
        };
        let size = self.spatial.output_size(size);
        Ok(Map { x: self.expand.forward(&spatial, size, Some(&residual), Activation::Relu)?, size })
    }
}
