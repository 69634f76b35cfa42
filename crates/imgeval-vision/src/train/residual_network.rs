//! A small residual network (He et al. 2015, arXiv 1512.03385) over what an image loses when it is halved.
//!
//! The input is that of NPR (Tan et al. 2023, arXiv 2312.10461): a crop less its nearest-neighbour reconstruction from half the size,
//! which keeps what the last upsampling did to neighbouring pixels and drops nearly all content. In each square of 2 x 2 pixels the
//! first is its own reconstruction, so its difference is always zero; the other three differences of three colours become nine
//! channels at half the size, and nothing is lost. They are counted in units of [`UNIT`] levels.
//!
//! Convolutions are 3 x 3 without bias, each followed by a group norm with a group for every four channels; nothing depends on the
//! other images of a batch. After the stem the first block keeps size and channels, the second halves the size and doubles the
//! channels, the others keep both; the second norm of each block starts at zero, so that blocks begin as the identity. The mean over all
//! places is what the head reads.

use candle_core::{Result, Tensor};

use super::{
    description::{ResidualShape, Shapes},
    layers::{convolution, group_norm, mean_over_places},
    parameters::{NamedTensor, Numbers, Placed, random_tensor},
};

/// Differences of neighbours, for three colours.
pub(super) const CHANNELS: usize = 9;
const UNIT: f32 = 16.0;
const CHANNELS_PER_GROUP: usize = 4;

/// Everything but the head.
pub(super) fn parameters(shape: &ResidualShape) -> Shapes {
    let mut shapes = Shapes::new();
    let mut put = |name: String, shape: &[usize]| shapes.insert(name, shape.to_vec());
    put("stem.conv.weight".to_owned(), &[shape.width, CHANNELS, 3, 3]);
    put("stem.norm.weight".to_owned(), &[shape.width]);
    put("stem.norm.bias".to_owned(), &[shape.width]);
    for block in 0..shape.blocks {
        let (inputs, outputs) = (channels_before(shape, block), channels_before(shape, block + 1));
        for (part, inputs) in [(1, inputs), (2, outputs)] {
            put(format!("blocks.{block}.conv{part}.weight"), &[outputs, inputs, 3, 3]);
            put(format!("blocks.{block}.norm{part}.weight"), &[outputs]);
            put(format!("blocks.{block}.norm{part}.bias"), &[outputs]);
        }
        if inputs != outputs {
            put(format!("blocks.{block}.shortcut.weight"), &[outputs, inputs, 1, 1]);
        }
    }
    shapes
}

fn channels_before(shape: &ResidualShape, block: usize) -> usize {
    if block <= 1 { shape.width } else { 2 * shape.width }
}

/// Weights evenly spread as He et al. 2015 (arXiv 1502.01852) propose for rectifiers.
pub(super) fn initial(shape: &ResidualShape, seed: u64) -> Numbers {
    let start = |(name, shape): (String, Vec<usize>)| {
        let constant = |value| NamedTensor { shape: shape.clone(), numbers: vec![value; shape[0]] };
        let tensor = match name.as_str() {
            name if name.ends_with(".bias") || name.ends_with("norm2.weight") => constant(0.0),
            name if shape.len() == 1 && name.ends_with(".weight") => constant(1.0),
            name => {
                let inputs: usize = shape[1..].iter().product();
                #[expect(clippy::cast_precision_loss, reason = "widths are small")]
                let bound = (6.0 / inputs as f32).sqrt();
                random_tensor(seed, name, &shape, bound)
            }
        };
        (name, tensor)
    };
    parameters(shape).into_iter().map(start).collect()
}

/// From crops, [`CHANNELS`] planes each, to features: [batch, 9, side / 2, side / 2] to [batch, 2 width].
pub(super) fn forward(shape: &ResidualShape, parameters: &Placed, crops: &Tensor) -> Result<Tensor> {
    let normed = |x: &Tensor, name: &str| {
        let weight = parameters.wide(&format!("{name}.weight"))?;
        let groups = weight.elem_count() / CHANNELS_PER_GROUP;
        group_norm(x, &weight, &parameters.wide(&format!("{name}.bias"))?, groups)
    };
    let convolved = |x: &Tensor, name: &str, stride: usize, padding: usize| {
        convolution(x, &parameters.get(&format!("{name}.weight"))?, stride, padding)
    };
    let mut x = normed(&convolved(crops, "stem.conv", 1, 1)?, "stem.norm")?.relu()?;
    for block in 0..shape.blocks {
        let name = format!("blocks.{block}");
        let is_larger = channels_before(shape, block + 1) != channels_before(shape, block);
        let stride = if is_larger { 2 } else { 1 };
        let inner = convolved(&x, &format!("{name}.conv1"), stride, 1)?;
        let inner = normed(&inner, &format!("{name}.norm1"))?.relu()?;
        let inner = normed(&convolved(&inner, &format!("{name}.conv2"), 1, 1)?, &format!("{name}.norm2"))?;
        let kept = if is_larger { convolved(&x, &format!("{name}.shortcut"), stride, 0)? } else { x };
        x = (inner + kept)?.relu()?;
    }
    mean_over_places(&x)
}

/// The planes of a crop, an even number of pixels on each side.
pub(super) fn planes(rgb: &[u8], side: usize) -> Vec<f32> {
    let half = side / 2;
    let at = |y: usize, x: usize, channel: usize| f32::from(rgb[(y * side + x) * 3 + channel]);
    let mut planes = Vec::with_capacity(CHANNELS * half * half);
    for (down, right) in [(0, 1), (1, 0), (1, 1)] {
        for channel in 0..3 {
            for y in (0..side).step_by(2) {
                let row = (0..side).step_by(2);
                planes.extend(row.map(|x| (at(y + down, x + right, channel) - at(y, x, channel)) / UNIT));
            }
        }
    }
    planes
}
