//! What a network is, apart from its numbers: enough to build it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{clip_network, error::TrainError, kind::Framing, residual_network};
use crate::ops::Activation;

/// Changes whenever the same tensors would give other answers: preparation, layers, averaging.
const VERSION: u32 = 1;

/// Names and shapes.
pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

/// Stands beside the tensors of a trained network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDescription {
    version: u32,
    pub network: NetworkShape,
    pub n_classes: usize,
    /// The answer is the mean over this many crops along each side, evenly spaced; 1 means the center.
    pub crops_per_side: usize,
    /// Of the numbers that training began with, lower-case hexadecimal: the identity of the CLIP, or of the random start.
    pub initial_sha256: String,
}

/// Kind and sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkShape {
    Clip(ClipShape),
    Residual(ResidualShape),
}

/// CLIP's vision tower. The input is `image_size` x `image_size` pixels, divided by 255, less CLIP's mean and divided by its standard
/// deviation, channel by channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipShape {
    pub framing: Framing,
    pub image_size: usize,
    pub patch: usize,
    pub width: usize,
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub embedding: usize,
    pub activation: ClipActivation,
}

/// What stands between the two layers of a block's perceptron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipActivation {
    QuickGelu,
    Gelu,
}

/// The residual network. The input is a crop of `crop` x `crop` pixels, less its nearest-neighbor reconstruction from half the size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualShape {
    pub crop: usize,
    pub width: usize,
    pub blocks: usize,
}

impl ClipActivation {
    pub(super) fn operation(self) -> Activation {
        match self {
            Self::QuickGelu => Activation::QuickGelu,
            Self::Gelu => Activation::Gelu,
        }
    }
}

impl NetworkShape {
    /// Pixels on the side of what the network takes.
    #[must_use]
    pub fn side(&self) -> usize {
        match self {
            Self::Clip(shape) => shape.image_size,
            Self::Residual(shape) => shape.crop,
        }
    }

    /// Numbers that the head reads.
    #[must_use]
    pub fn features(&self) -> usize {
        match self {
            Self::Clip(shape) => shape.embedding,
            Self::Residual(shape) => 2 * shape.width,
        }
    }

    /// `clip` or `residual`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clip(_) => "clip",
            Self::Residual(_) => "residual",
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        let within = |what: &str, size: usize, range: std::ops::RangeInclusive<usize>| {
            if range.contains(&size) {
                return Ok(());
            }
            let (least, most) = (range.start(), range.end());
            Err(TrainError::Description(format!("{what} is {size}, expected {least} to {most}")))
        };
        match self {
            Self::Clip(shape) => {
                within("the patch", shape.patch, 1..=128)?;
                within("the image size", shape.image_size, 1..=4096)?;
                within("the width", shape.width, 1..=8192)?;
                within("the number of layers", shape.layers, 1..=128)?;
                within("the hidden width", shape.hidden, 1..=65_536)?;
                within("the embedding", shape.embedding, 1..=8192)?;
                let divides = |part: usize, whole: usize| part > 0 && whole.is_multiple_of(part);
                if !divides(shape.heads, shape.width) || !divides(shape.patch, shape.image_size) {
                    return Err(TrainError::Description(format!(
                        "{} heads of {} channels, patches of {} pixels on {}",
                        shape.heads, shape.width, shape.patch, shape.image_size
                    )));
                }
            }
            Self::Residual(shape) => {
                within("the crop", shape.crop, 32..=1024)?;
                within("the width", shape.width, 4..=256)?;
                within("the number of blocks", shape.blocks, 2..=8)?;
                if !shape.crop.is_multiple_of(2) || !shape.width.is_multiple_of(4) {
                    return Err(TrainError::Description(format!(
                        "a crop of {} is odd, or a width of {} is not a multiple of 4",
                        shape.crop, shape.width
                    )));
                }
            }
        }
        Ok(())
    }
}

pub(super) fn check_classes(n_classes: usize) -> Result<(), TrainError> {
    if (2..=1000).contains(&n_classes) {
        return Ok(());
    }
    Err(TrainError::Description(format!("there are {n_classes} classes, expected 2 to 1000")))
}

impl NetworkDescription {
    pub(super) fn new(
        network: NetworkShape,
        n_classes: usize,
        crops_per_side: usize,
        initial_sha256: String,
    ) -> Result<Self, TrainError> {
        let description = Self { version: VERSION, network, n_classes, crops_per_side, initial_sha256 };
        description.check()?;
        Ok(description)
    }

    /// Whether a network can be like this; a description may come from a file.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let refuse = |detail: String| Err(TrainError::Description(detail));
        if self.version != VERSION {
            return refuse(format!("its version is {}, but this program knows {VERSION}", self.version));
        }
        check_classes(self.n_classes)?;
        if !(1..=16).contains(&self.crops_per_side) {
            return refuse(format!("there are {} crops on a side, expected 1 to 16", self.crops_per_side));
        }
        self.network.check()
    }

    /// Every tensor of the network.
    pub(super) fn parameters(&self) -> Shapes {
        let mut shapes = match &self.network {
            NetworkShape::Clip(shape) => clip_network::parameters(shape),
            NetworkShape::Residual(shape) => residual_network::parameters(shape),
        };
        shapes.insert("head.weight".to_owned(), vec![self.n_classes, self.network.features()]);
        shapes.insert("head.bias".to_owned(), vec![self.n_classes]);
        shapes
    }
}
