//! CLIP's vision tower as `clip` has it, over differentiable operations, and its weights out of any checkpoint that `clip` takes.
//!
//! Names are OpenAI's. `visual.proj` is kept as [embedding, width], a layer's weight like all others.

use std::path::Path;

use candle_core::{Result as CandleResult, Tensor};

use super::{
    description::{ClipActivation, ClipShape, Shapes},
    error::TrainError,
    kind::Framing,
    layers::{activate, layer_norm, linear},
    parameters::{NamedTensor, Numbers, Placed},
};
use crate::{
    checkpoint::{Checkpoint, Parameters},
    clip::{Configuration, Family, MEAN, STANDARD_DEVIATION, canonical_parameters},
    model_error::ModelError,
    ops::{Activation, attention::attend_composed},
};

const PATCHES: &str = "visual.conv1.weight";
const CLASS: &str = "visual.class_embedding";
const POSITIONS: &str = "visual.positional_embedding";
const PROJECTION: &str = "visual.proj";

/// Everything but the head.
pub(super) fn parameters(shape: &ClipShape) -> Shapes {
    let ClipShape { patch, width, hidden, embedding, .. } = *shape;
    let mut shapes = Shapes::new();
    let mut put = |name: String, shape: &[usize]| shapes.insert(name, shape.to_vec());
    put(PATCHES.to_owned(), &[width, 3, patch, patch]);
    put(CLASS.to_owned(), &[width]);
    put(POSITIONS.to_owned(), &[places(shape) + 1, width]);
    put(PROJECTION.to_owned(), &[embedding, width]);
    for norm in ["ln_pre", "ln_post"] {
        put(format!("visual.{norm}.weight"), &[width]);
        put(format!("visual.{norm}.bias"), &[width]);
    }
    for layer in 0..shape.layers {
        let block = block_name(layer);
        for norm in ["ln_1", "ln_2"] {
            put(format!("{block}.{norm}.weight"), &[width]);
            put(format!("{block}.{norm}.bias"), &[width]);
        }
        put(format!("{block}.attn.in_proj_weight"), &[3 * width, width]);
        put(format!("{block}.attn.in_proj_bias"), &[3 * width]);
        for (name, outputs, inputs) in
            [("attn.out_proj", width, width), ("mlp.c_fc", hidden, width), ("mlp.c_proj", width, hidden)]
        {
            put(format!("{block}.{name}.weight"), &[outputs, inputs]);
            put(format!("{block}.{name}.bias"), &[outputs]);
        }
    }
    shapes
}

fn block_name(layer: usize) -> String {
    format!("visual.transformer.resblocks.{layer}")
}

/// Patches of an image.
fn places(shape: &ClipShape) -> usize {
    (shape.image_size / shape.patch.max(1)).pow(2)
}

/// The vision tower out of a checkpoint in transformers' or OpenAI's layout; a text tower beside it is passed over.
pub(super) fn load(path: &Path, framing: Framing) -> Result<(ClipShape, Numbers), TrainError> {
    let configuration = Configuration::load(path)?;
    let checkpoint = Checkpoint::open(path).map_err(ModelError::from)?;
    let (family, mut found) = canonical_parameters(checkpoint)?;
    found.ignore(|stored| !stored.starts_with("vis"));
    let shape = shape_of(&found, family, &configuration, framing);
    let mut taken = Vec::new();
    for (name, shape) in parameters(&shape) {
        let stored = match (name.as_str(), family) {
            (PROJECTION, Family::OpenAi) => vec![shape[1], shape[0]],
            _ => shape.clone(),
        };
        taken.push((found.take(&name, &stored), name, shape));
    }
    found.finish().map_err(ModelError::from)?;
    let mut tensors = Numbers::new();
    for (parameter, name, shape) in taken {
        let mut numbers = parameter.read()?;
        if name == PROJECTION && family == Family::OpenAi {
            let (embedding, width) = (shape[0], shape[1]);
            numbers = (0..embedding * width)
                .map(|place| numbers[place % width * embedding + place / width])
                .collect();
        }
        tensors.insert(name, NamedTensor { shape, numbers });
    }
    Ok((shape, tensors))
}

/// What the tensors' shapes and the configuration tell; what is missing is 1 here and refused by the caller.
fn shape_of(
    found: &Parameters,
    family: Family,
    configuration: &Configuration,
    framing: Framing,
) -> ClipShape {
    let dimension =
        |name: &str, axis: usize| found.shape(name).and_then(|shape| shape.get(axis).copied()).unwrap_or(1);
    let (width, patch) = (dimension(PATCHES, 0), dimension(PATCHES, 2));
    let side = dimension(POSITIONS, 0).saturating_sub(1).isqrt();
    let has_layer = |layer: &usize| found.contains(&format!("{}.ln_1.weight", block_name(*layer)));
    ClipShape {
        framing,
        image_size: side.saturating_mul(patch),
        patch,
        width,
        layers: (0..).take_while(has_layer).count().max(1),
        hidden: dimension(&format!("{}.mlp.c_fc.weight", block_name(0)), 0),
        heads: configuration.vision_heads.of(width),
        embedding: dimension(PROJECTION, usize::from(family == Family::OpenAi)),
        activation: match configuration.vision_activation {
            Activation::Gelu => ClipActivation::Gelu,
            Activation::QuickGelu | Activation::Relu | Activation::Leaky | Activation::None => {
                ClipActivation::QuickGelu
            }
        },
    }
}

/// From patches [batch, places, 3 patch patch] to projected embeddings [batch, embedding].
pub(super) fn forward(shape: &ClipShape, parameters: &Placed, patches: &Tensor) -> CandleResult<Tensor> {
    let (batch, width) = (patches.dim(0)?, shape.width);
    let normed = |x: &Tensor, name: &str| {
        let weight = parameters.wide(&format!("{name}.weight"))?;
        layer_norm(x, &weight, &parameters.wide(&format!("{name}.bias"))?)
    };
    let layer = |x: &Tensor, name: &str| {
        let weight = parameters.get(&format!("{name}.weight"))?;
        linear(x, &weight, Some(&parameters.get(&format!("{name}.bias"))?))
    };
    let embedded = linear(patches, &parameters.get(PATCHES)?.flatten_from(1)?, None)?;
    let class = parameters.get(CLASS)?.reshape((1, 1, width))?.broadcast_as((batch, 1, width))?;
    let tokens = Tensor::cat(&[&class.contiguous()?, &embedded], 1)?;
    let mut x = normed(&tokens.broadcast_add(&parameters.get(POSITIONS)?)?, "visual.ln_pre")?;
    for index in 0..shape.layers {
        let name = block_name(index);
        let inner = normed(&x, &format!("{name}.ln_1"))?;
        let weight = parameters.get(&format!("{name}.attn.in_proj_weight"))?;
        let bias = parameters.get(&format!("{name}.attn.in_proj_bias"))?;
        let qkv = linear(&inner, &weight, Some(&bias))?;
        let part = |index: usize| qkv.narrow(2, index * width, width);
        let mixed = attend_composed(&part(0)?, &part(1)?, &part(2)?, shape.heads, None)?;
        x = (x + layer(&mixed, &format!("{name}.attn.out_proj"))?)?;
        let inner = layer(&normed(&x, &format!("{name}.ln_2"))?, &format!("{name}.mlp.c_fc"))?;
        let inner = activate(&inner, shape.activation.operation())?;
        x = (x + layer(&inner, &format!("{name}.mlp.c_proj"))?)?;
    }
    let class = x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
    linear(&normed(&class, "visual.ln_post")?, &parameters.get(PROJECTION)?, None)
}

/// The normalized pixels of a square image, patch by patch, each in the order of the first layer's weight.
pub(super) fn patches(rgb: &[u8], side: usize, patch: usize) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(rgb.len());
    for top in (0..side).step_by(patch) {
        for left in (0..side).step_by(patch) {
            for channel in 0..3 {
                for y in top..top + patch {
                    numbers.extend((left..left + patch).map(|x| {
                        let level = f32::from(rgb[(y * side + x) * 3 + channel]);
                        (level / 255.0 - MEAN[channel]) / STANDARD_DEVIATION[channel]
                    }));
                }
            }
        }
    }
    numbers
}
