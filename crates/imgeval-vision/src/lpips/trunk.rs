//! The features of SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360), in torchvision's layout and under its names.

use std::sync::Arc;

use candle_core::{Result as CandleResult, Tensor};

use crate::{
    checkpoint::{Checkpoint, Parameters},
    model_error::ModelError,
    ops::{
        convolution::Convolution,
        layers::Layers,
        pooling::{Window, max_pool},
    },
};

/// Far beyond the published network's 512.
const MOST_CHANNELS: usize = 4096;

/// Places of the fire modules in `features`; those of [`POOLED`] come after a pooling.
const FIRES: [usize; 8] = [3, 4, 6, 7, 9, 10, 11, 12];
const POOLED: [usize; 3] = [3, 6, 9];
/// The fire modules whose results LPIPS compares, beside the first convolution.
const COMPARED: [usize; 6] = [4, 7, 9, 10, 11, 12];

const POOL_SIDE: usize = 3;
const STRIDE: usize = 2;

/// A feature map: [height x width, channels].
pub(super) struct Features {
    pub(super) x: Tensor,
    size: (usize, usize),
}

struct Fire {
    squeeze: Convolution,
    expand_1: Convolution,
    expand_3: Convolution,
}

pub(super) struct Trunk {
    first: Convolution,
    fires: Vec<(usize, Fire)>,
    /// Of the compared maps.
    channels: Vec<usize>,
}

impl Trunk {
    pub(super) fn load(checkpoint: Checkpoint) -> Result<Self, ModelError> {
        let path = checkpoint.path().to_owned();
        let checkpoint = checkpoint.unwrapped(&["features.12.squeeze.weight"])?;
        if ["features.0.weight", "features.12.squeeze.weight"]
            .iter()
            .any(|name| checkpoint.info(name).is_none())
        {
            return Err(ModelError::not_this_network(&checkpoint, "SqueezeNet 1.1"));
        }
        let mut parameters = Parameters::new(Arc::new(checkpoint));
        parameters.ignore(|name| name.starts_with("classifier."));
        let mut layers = Layers::new(&mut parameters);
        let mut channels = outputs_of(&mut layers, "features.0");
        let first = layers.convolution("features.0", [channels, 3, 3, 3], true, (STRIDE, 0));
        let mut compared = vec![channels];
        let mut fires = Vec::with_capacity(FIRES.len());
        for place in FIRES {
            let fire = Fire::load(&mut layers, place, channels);
            channels = fire.expand_1.outputs() + fire.expand_3.outputs();
            if COMPARED.contains(&place) {
                compared.push(channels);
            }
            fires.push((place, fire));
        }
        let impossible = layers.impossible;
        parameters.finish()?;
        match impossible {
            Some(detail) => Err(ModelError::Configuration { path, detail }),
            None => Ok(Self { first, fires, channels: compared }),
        }
    }

    pub(super) fn channels(&self) -> &[usize] {
        &self.channels
    }

    /// The seven compared maps of an image [height x width, 3].
    pub(super) fn features(&self, picture: &Tensor, size: (usize, usize)) -> CandleResult<Vec<Features>> {
        let mut compared = Vec::with_capacity(self.channels.len());
        let x = self.first.forward(picture, size)?.relu()?;
        let mut current = Features { x, size: self.first.output_size(size) };
        for (place, fire) in &self.fires {
            let is_pooled = POOLED.contains(place);
            let input = if is_pooled { pooled(&current)? } else { current.clone() };
            // The first map is compared before it is pooled.
            if *place == FIRES[0] {
                compared.push(current);
            }
            current = fire.forward(&input)?;
            if COMPARED.contains(place) {
                compared.push(current.clone());
            }
        }
        Ok(compared)
    }
}

impl Clone for Features {
    /// Tensors share their numbers.
    fn clone(&self) -> Self {
        Self { x: self.x.clone(), size: self.size }
    }
}

fn outputs_of(layers: &mut Layers<'_>, name: &str) -> usize {
    let shape = layers.parameters.shape(&format!("{name}.weight"));
    let outputs = shape.and_then(|shape| shape.first().copied()).unwrap_or(1);
    layers.require_size(&format!("outputs of `{name}`"), outputs, 1..=MOST_CHANNELS);
    outputs
}

impl Fire {
    fn load(layers: &mut Layers<'_>, place: usize, channels: usize) -> Self {
        let mut convolution = |name: &str, inputs: usize, kernel: usize| {
            let name = format!("features.{place}.{name}");
            let outputs = outputs_of(layers, &name);
            layers.convolution(&name, [outputs, inputs, kernel, kernel], true, (1, kernel / 2))
        };
        let squeeze = convolution("squeeze", channels, 1);
        let inner = squeeze.outputs();
        Self {
            squeeze,
            expand_1: convolution("expand1x1", inner, 1),
            expand_3: convolution("expand3x3", inner, 3),
        }
    }

    fn forward(&self, input: &Features) -> CandleResult<Features> {
        let squeezed = self.squeeze.forward(&input.x, input.size)?.relu()?;
        let narrow = self.expand_1.forward(&squeezed, input.size)?;
        let wide = self.expand_3.forward(&squeezed, input.size)?;
        Ok(Features { x: Tensor::cat(&[narrow, wide], 1)?.relu()?, size: input.size })
    }
}

/// The largest number under 3x3 places, every second place; the last window may reach over the border (`ceil_mode`).
fn pooled(input: &Features) -> CandleResult<Features> {
    let (height, width) = input.size;
    let count = |side: usize| side.saturating_sub(POOL_SIDE).div_ceil(STRIDE) + 1;
    let (out_height, out_width) = (count(height), count(width));
    let window = Window { side: POOL_SIDE, stride: STRIDE };
    let x = max_pool(&input.x, input.size, window, (out_height, out_width))?;
    Ok(Features { x, size: (out_height, out_width) })
}
