//! A small residual network (He et al. 2015, arXiv 1512.03385) over what an image loses when it is halved.
//!
//! The input is that of NPR (Tan et al. 2023, arXiv 2312.10461): a crop less its nearest-neighbor reconstruction from half the size,
//! which keeps what the last upsampling did to neighboring pixels and drops nearly all content. In each square of 2 x 2 pixels the
//! first is its own reconstruction, so its difference is always zero; the other three differences of three colors become nine
//! channels at half the size, and nothing is lost. They are counted in units of [`UNIT`] levels.
//!
//! The stem is a convolution with bias and a rectifier, without a norm: how strong a residual is tells much, and a norm would take it
//! away. Two convolutions make a block, each followed by a group norm with a group for every four channels; nothing depends on the other
//! images of a batch. The first block keeps size and channels, the second halves the size and doubles the channels, the others keep both.
//! Of each channel the mean over all places is taken. These means lie close together, so they are scaled and shifted, at first to mean
//! 0 and variance 1 over some training images (after Mishkin and Matas 2015, arXiv 1511.06422): without that, training hardly moves. The
//! head reads the result and starts at zero.

use candle_core::{Result, Tensor};

use super::{
    description::{ResidualShape, Shapes},
    layers::{convolution, group_norm, mean_over_places},
    parameters::{NamedTensor, Numbers, Placed, random_tensor},
};

/// Differences of neighbors, for three colors.
pub(super) const CHANNELS: usize = 9;
const UNIT: f32 = 16.0;
const CHANNELS_PER_GROUP: usize = 4;
const FEATURE_SCALE: &str = "standardise.weight";
const FEATURE_SHIFT: &str = "standardise.bias";
/// Keeps the scale of a feature that does not vary within bounds.
const LEAST_SPREAD: f64 = 1e-3;

/// Everything but the head.
pub(super) fn parameters(shape: &ResidualShape) -> Shapes {
    let mut shapes = Shapes::new();
    let mut put = |name: String, shape: &[usize]| shapes.insert(name, shape.to_vec());
    put("stem.weight".to_owned(), &[shape.width, CHANNELS, 3, 3]);
    put("stem.bias".to_owned(), &[shape.width]);
    put(FEATURE_SCALE.to_owned(), &[2 * shape.width]);
    put(FEATURE_SHIFT.to_owned(), &[2 * shape.width]);
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

/// Scale and shift that bring these features, none of which was scaled, to mean 0 and variance 1.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "there are few rows; back to the precision of the network"
)]
pub(super) fn standardise(numbers: &mut Numbers, features: &[Vec<f32>]) {
    let count = features.len().max(1) as f64;
    let width = features.first().map_or(0, Vec::len);
    let column = |index: usize| features.iter().map(move |row| f64::from(row[index]));
    let scale_and_shift = (0..width).map(|index| {
        let mean = column(index).sum::<f64>() / count;
        let variance = column(index).map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let scale = 1.0 / (variance.sqrt() + LEAST_SPREAD);
        (scale as f32, (-mean * scale) as f32)
    });
    let (scale, shift) = scale_and_shift.unzip();
    for (name, column) in [(FEATURE_SCALE, scale), (FEATURE_SHIFT, shift)] {
        numbers.insert(name.to_owned(), NamedTensor { shape: vec![width], numbers: column });
    }
}

/// Weights evenly spread as He et al. 2015 (arXiv 1502.01852) propose for rectifiers.
pub(super) fn initial(shape: &ResidualShape, seed: u64) -> Numbers {
    let start = |(name, shape): (String, Vec<usize>)| {
        let constant = |value| NamedTensor { shape: shape.clone(), numbers: vec![value; shape[0]] };
        let tensor = match name.as_str() {
            name if name.ends_with(".bias") => constant(0.0),
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
    let bias = parameters.get("stem.bias")?.reshape((1, shape.width, 1, 1))?;
    let mut x = convolved(crops, "stem", 1, 1)?.broadcast_add(&bias)?.relu()?;
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
    mean_over_places(&x)?
        .broadcast_mul(&parameters.get(FEATURE_SCALE)?)?
        .broadcast_add(&parameters.get(FEATURE_SHIFT)?)
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
