//! A trained network, ready to be applied.

use candle_core::{DType, Result as CandleResult, Tensor};
use imgeval_core::Pixels;

use super::{
    clip_network,
    description::{NetworkDescription, NetworkShape},
    error::TrainError,
    input::{Prepared, prepare_all, stack},
    layers::linear,
    parameters::{Numbers, Placed, check_tensors},
    residual_network,
};
use crate::{
    compute::{Backend, ComputeOptions},
    model_error::ModelError,
};

/// Crops that go through the network together.
const BATCH: usize = 16;

/// A network with its numbers on a device.
pub struct TrainedNetwork {
    description: NetworkDescription,
    numbers: Numbers,
    placed: Placed,
    backend: Backend,
}

impl std::fmt::Debug for TrainedNetwork {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TrainedNetwork")
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

/// What the network says of an image, the mean over its crops.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkOutput {
    /// One for each class, before softmax.
    pub logits: Vec<f32>,
    /// What the head reads.
    pub features: Vec<f32>,
}

impl TrainedNetwork {
    /// Builds a network again from what [`Self::describe`] and [`Self::tensors`] gave.
    ///
    /// # Errors
    /// If no network can be so, the tensors are not its own or not finite, or the device is not there.
    pub fn from_tensors(
        description: &NetworkDescription,
        tensors: &Numbers,
        compute: &ComputeOptions,
    ) -> Result<Self, TrainError> {
        description.check()?;
        check_tensors(description, tensors)?;
        Self::new(description.clone(), tensors.clone(), Backend::open(compute)?)
    }

    pub(super) fn new(
        description: NetworkDescription,
        numbers: Numbers,
        backend: Backend,
    ) -> Result<Self, TrainError> {
        let placed = Placed::constants(&numbers, &backend)?;
        Ok(Self { description, numbers, placed, backend })
    }

    /// Kind, sizes and preparation: with the tensors, all there is to know.
    #[must_use]
    pub fn describe(&self) -> &NetworkDescription {
        &self.description
    }

    /// Every number of the network.
    #[must_use]
    pub fn tensors(&self) -> &Numbers {
        &self.numbers
    }

    /// One output for each image, which must be as large as [`NetworkShape::side`] unless CLIP resizes.
    ///
    /// # Errors
    /// If an image is too small, or the network fails or gives numbers that are not finite.
    pub fn apply(&self, images: &[Pixels]) -> Result<Vec<NetworkOutput>, TrainError> {
        self.apply_numbered(images, 0)
    }

    /// The same for images that are counted from `first` in errors.
    pub(super) fn apply_numbered(
        &self,
        images: &[Pixels],
        first: usize,
    ) -> Result<Vec<NetworkOutput>, TrainError> {
        let NetworkDescription { network, crops_per_side, .. } = &self.description;
        let mut outputs = Vec::with_capacity(images.len());
        let (mut waiting, mut counts) = (Vec::new(), Vec::new());
        for (index, pixels) in images.iter().enumerate() {
            let crops = prepare_all(network, *crops_per_side, pixels, first + index)?;
            counts.push(crops.len());
            waiting.extend(crops);
            if waiting.len() >= BATCH || index + 1 == images.len() {
                outputs.extend(self.means_of(&waiting, &counts)?);
                waiting.clear();
                counts.clear();
            }
        }
        Ok(outputs)
    }

    /// Runs the crops of several images, `counts` of each.
    fn means_of(&self, crops: &[Prepared], counts: &[usize]) -> Result<Vec<NetworkOutput>, TrainError> {
        let NetworkDescription { network, .. } = &self.description;
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        for crops in crops.chunks(BATCH) {
            let found = forward(network, &self.placed, &stack(network, crops, &self.backend)?)?;
            features.extend(rows_of(&found.features)?);
            logits.extend(rows_of(&found.logits)?);
        }
        let (mut features, mut logits) = (features.into_iter(), logits.into_iter());
        let outputs = counts.iter().map(|&count| NetworkOutput {
            logits: mean_of(logits.by_ref().take(count).collect()),
            features: mean_of(features.by_ref().take(count).collect()),
        });
        Ok(outputs.collect())
    }

    /// `[image][class]`, before softmax.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn logits(&self, images: &[Pixels]) -> Result<Vec<Vec<f32>>, TrainError> {
        Ok(self.apply(images)?.into_iter().map(|output| output.logits).collect())
    }

    /// `[image][feature]`, what the head reads: for scores of what is unlike the training images.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn features(&self, images: &[Pixels]) -> Result<Vec<Vec<f32>>, TrainError> {
        Ok(self.apply(images)?.into_iter().map(|output| output.features).collect())
    }
}

/// The rows of a batch.
pub(super) struct Forward {
    /// [batch, features]
    pub(super) features: Tensor,
    /// [batch, classes], 32 bits.
    pub(super) logits: Tensor,
}

pub(super) fn forward(shape: &NetworkShape, parameters: &Placed, batch: &Tensor) -> CandleResult<Forward> {
    let features = match shape {
        NetworkShape::Clip(shape) => clip_network::forward(shape, parameters, batch)?,
        NetworkShape::Residual(shape) => residual_network::forward(shape, parameters, batch)?,
    };
    let weight = parameters.wide("head.weight")?;
    let wide = features.to_dtype(DType::F32)?;
    let logits = linear(&wide, &weight, Some(&parameters.wide("head.bias")?))?;
    Ok(Forward { features: wide, logits })
}

fn rows_of(x: &Tensor) -> Result<Vec<Vec<f32>>, TrainError> {
    let rows: Vec<Vec<f32>> = x.to_vec2()?;
    if rows.iter().flatten().all(|x| x.is_finite()) {
        return Ok(rows);
    }
    Err(ModelError::NotFinite.into())
}

/// Of one row the row itself.
#[expect(clippy::cast_precision_loss, reason = "there are at most 256 crops")]
fn mean_of(rows: Vec<Vec<f32>>) -> Vec<f32> {
    let count = rows.len().max(1) as f32;
    let mut rows = rows.into_iter();
    let mut sum = rows.next().unwrap_or_default();
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    sum.iter_mut().for_each(|sum| *sum /= count);
    sum
}
