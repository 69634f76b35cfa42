//! The distance over the trunk's features.

use std::{path::Path, sync::Arc};

use candle_core::Tensor;

use super::{canary, trunk::Trunk};
use crate::{
    checkpoint::{Checkpoint, Parameters},
    model_error::ModelError,
    ops::tensor::{from_numbers, with_both},
};

/// Smaller images have nothing left after the third pooling.
pub const SMALLEST_SIDE: usize = 32;

/// What the package subtracts from and divides numbers in [-1, 1] by: ImageNet's statistics on that scale.
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];

/// Added to the length of a feature vector before dividing by it.
const EPSILON: f32 = 1e-10;

/// Trunk and heads. Weights are mapped; each is packed at its first use.
pub struct Lpips {
    trunk: Trunk,
    /// For each compared map one weight a channel.
    heads: Vec<Vec<f32>>,
}

/// What the trunk makes of one image: some 8 MB at 256 x 256 pixels.
pub struct LpipsFeatures {
    /// Rows and columns of the image.
    size: (usize, usize),
    /// The compared maps, each [height x width, channels].
    maps: Vec<Tensor>,
}

impl Lpips {
    /// From torchvision's SqueezeNet 1.1 and the linear heads that `lpips` and torchmetrics ship, in any checkpoint format.
    ///
    /// # Errors
    /// If one cannot be read, is of another network, or the two do not fit.
    pub fn load(trunk: &Path, heads: &Path) -> Result<Self, ModelError> {
        Self::from_checkpoints(Checkpoint::open(trunk)?, Checkpoint::open(heads)?)
    }

    pub(super) fn from_checkpoints(trunk: Checkpoint, heads: Checkpoint) -> Result<Self, ModelError> {
        let trunk = Trunk::load(trunk)?;
        let name_of = |index: usize| format!("lin{index}.model.1.weight");
        let heads = heads.unwrapped(&[&name_of(0)])?;
        if heads.info(&name_of(0)).is_none() {
            return Err(ModelError::not_this_network(&heads, "the linear heads of LPIPS"));
        }
        let mut parameters = Parameters::new(Arc::new(heads));
        let channels = trunk.channels().iter().enumerate();
        let heads: Vec<_> =
            channels.map(|(index, &count)| parameters.take(&name_of(index), &[1, count, 1, 1])).collect();
        parameters.finish()?;
        let heads = heads.iter().map(|head| head.read()).collect::<Result<_, _>>()?;
        Ok(Self { trunk, heads })
    }

    /// The distance of two images of `(width, height)` pixels, whose numbers in [0, 1] lie row by row, three a pixel: 0 for equal
    /// ones, below 1 for most.
    ///
    /// # Errors
    /// If a slice is not of that size, a side is shorter than [`SMALLEST_SIDE`], or the network fails.
    pub fn distance(&self, first: &[f32], second: &[f32], size: (u32, u32)) -> Result<f64, ModelError> {
        self.distance_between(&self.features(first, size)?, &self.features(second, size)?)
    }

    /// What the trunk makes of one image, for comparing it with several others; see [`Self::distance`].
    ///
    /// # Errors
    /// As [`Self::distance`].
    pub fn features(&self, rgb: &[f32], (width, height): (u32, u32)) -> Result<LpipsFeatures, ModelError> {
        let size = (height as usize, width as usize);
        if size.0.min(size.1) < SMALLEST_SIDE {
            return Err(ModelError::TooSmall { width, height });
        }
        let maps = self.trunk.features(&prepare(rgb, size)?, size)?;
        Ok(LpipsFeatures { size, maps: maps.into_iter().map(|map| map.x).collect() })
    }

    /// The distance of two images of the same size.
    ///
    /// # Errors
    /// If the sizes differ or a distance is not finite.
    pub fn distance_between(&self, first: &LpipsFeatures, second: &LpipsFeatures) -> Result<f64, ModelError> {
        if first.size != second.size {
            return Err(ModelError::OtherSize);
        }
        let mut total = 0.0;
        for ((first, second), head) in first.maps.iter().zip(&second.maps).zip(&self.heads) {
            total += layer_distance(first, second, head)?;
        }
        if total.is_finite() {
            return Ok(total);
        }
        Err(ModelError::NotFinite)
    }

    /// Runs a small built-in network whose answer is known.
    ///
    /// # Errors
    /// If it gives another answer: this build computes wrongly on this machine.
    pub fn canary() -> Result<(), ModelError> {
        canary::check()
    }
}

fn prepare(rgb: &[f32], (height, width): (usize, usize)) -> candle_core::Result<Tensor> {
    let scaled = rgb.as_chunks::<3>().0.iter().flat_map(|pixel| {
        [0, 1, 2].map(|channel| (2.0 * pixel[channel] - 1.0 - SHIFT[channel]) / SCALE[channel])
    });
    from_numbers(scaled.collect(), &[height * width, 3])
}

/// The mean over places of the weighted squared difference of feature vectors of length 1.
fn layer_distance(first: &Tensor, second: &Tensor, head: &[f32]) -> candle_core::Result<f64> {
    with_both(&first.contiguous()?, &second.contiguous()?, |first, second| {
        let length = |features: &[f32]| features.iter().map(|x| x * x).sum::<f32>().sqrt() + EPSILON;
        let places = first.chunks_exact(head.len()).zip(second.chunks_exact(head.len()));
        let distances = places.map(|(first, second)| {
            let (first_length, second_length) = (length(first), length(second));
            let channels = first.iter().zip(second).zip(head);
            let weighted = channels.map(|((x, y), weight)| {
                let difference = x / first_length - y / second_length;
                weight * (difference * difference)
            });
            f64::from(weighted.sum::<f32>())
        });
        Ok(distances.sum::<f64>() / (first.len() / head.len()) as f64)
    })
}
