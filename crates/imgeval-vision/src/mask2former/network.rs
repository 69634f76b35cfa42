//! The whole network, from a normalized image to class and mask logits.

use std::path::Path;

use candle_core::Result as CandleResult;

use super::{
    decoder::{Prediction, TransformerDecoder},
    keys::{Family, canonical_parameters},
    pixel_decoder::PixelDecoder,
    swin::{Map, Swin},
};
use crate::{checkpoint::Checkpoint, model_error::ModelError, ops::layers::Layers};

pub(super) struct Network {
    backbone: Swin,
    pixel_decoder: PixelDecoder,
    decoder: TransformerDecoder,
    family: Family,
}

impl Network {
    /// From any of the three families; dimensions come from the tensors. Nothing large is read yet.
    pub(super) fn load(path: &Path) -> Result<Self, ModelError> {
        Self::from_checkpoint(Checkpoint::open(path)?)
    }

    pub(super) fn from_checkpoint(checkpoint: Checkpoint) -> Result<Self, ModelError> {
        let path = checkpoint.path().to_owned();
        let (family, mut parameters) = canonical_parameters(checkpoint)?;
        let mut layers = Layers::new(&mut parameters);
        let backbone = Swin::load(&mut layers, family);
        let width = backbone.channels();
        let pixel_decoder = PixelDecoder::load(&mut layers, width, group_count);
        let decoder = TransformerDecoder::load(&mut layers, pixel_decoder.channels());
        let impossible = layers.impossible;
        parameters.finish()?;
        if let Some(detail) = impossible {
            return Err(ModelError::Configuration { path, detail });
        }
        Ok(Self { backbone, pixel_decoder, decoder, family })
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    pub(super) fn n_classes(&self) -> usize {
        self.decoder.n_classes()
    }

    /// The image is normalized, [height x width, 3], both multiples of 32.
    pub(super) fn forward(&self, image: &Map) -> CandleResult<Prediction> {
        let maps = self.backbone.forward(image)?;
        self.decoder.forward(&self.pixel_decoder.forward(&maps)?)
    }
}

/// Groups of the group norms; the tensors do not tell. 32 in every published checkpoint, which have 256 channels.
fn group_count(channels: usize) -> usize {
    (channels / 4).clamp(1, 32)
}
