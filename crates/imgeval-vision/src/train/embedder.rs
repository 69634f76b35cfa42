//! Frozen CLIP features of many images, by the inference path, and how callers can keep them.

use std::path::Path;

use imgeval_core::Pixels;

use super::{
    error::TrainError,
    input::{check_size, square_of},
    kind::Framing,
    state::from_bytes,
};
use crate::{clip::Clip, compute::ComputeOptions, model_error::ModelError};

/// Changes whenever the same image and weights would give another embedding.
const VERSION: u32 = 1;
/// Images that go through the network together.
const BATCH: usize = 8;

/// CLIP's projected image embeddings, for a linear probe.
pub struct ClipEmbedder {
    clip: Clip,
    framing: Framing,
    identity: String,
}

impl ClipEmbedder {
    /// `weights_sha256` tells which weights these are, as the record of checksums gives it.
    ///
    /// # Errors
    /// As [`Clip::load`].
    pub fn load(
        path: &Path,
        weights_sha256: &str,
        framing: Framing,
        compute: &ComputeOptions,
    ) -> Result<Self, TrainError> {
        let clip = Clip::load(path, compute)?;
        let dimensions = clip.dimensions();
        let framed = match framing {
            Framing::NativeCrop => "native-centre-crop",
            Framing::Resized => "resized",
        };
        let identity = format!(
            "clip-embedding;version={VERSION};weights={weights_sha256};width={};layers={};heads={};patch={};size={};\
             embedding={};activation={:?};framing={framed};device={};precision={}",
            dimensions.vision_width,
            dimensions.vision_layers,
            dimensions.vision_heads,
            dimensions.patch,
            dimensions.image_size,
            dimensions.embedding,
            dimensions.vision_activation,
            compute.device.name(),
            compute.precision.name(),
        );
        Ok(Self { clip, framing, identity })
    }

    /// One line of everything but the image that can change an embedding. With the image's own hash it is the key to keep one under.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Numbers of an embedding.
    #[must_use]
    pub fn width(&self) -> usize {
        self.clip.dimensions().embedding
    }

    /// Projections, not normalized, one for each image: of its central square at native scale, or of the whole image as CLIP resizes
    /// it.
    ///
    /// # Errors
    /// If an image is smaller than a native crop, or the network fails.
    pub fn embed(&self, images: &[Pixels]) -> Result<Vec<Vec<f32>>, TrainError> {
        let mut embeddings = Vec::with_capacity(images.len());
        for (batch, images) in images.chunks(BATCH).enumerate() {
            match self.framing {
                Framing::Resized => embeddings.extend(self.clip.encode_images(images)?),
                Framing::NativeCrop => {
                    let crops = images.iter().enumerate();
                    let crops = crops.map(|(index, pixels)| self.crop(pixels, batch * BATCH + index));
                    embeddings.extend(self.clip.encode_images(&crops.collect::<Result<Vec<_>, _>>()?)?);
                }
            }
        }
        Ok(embeddings)
    }

    /// The central square, which CLIP's own resizing then leaves as it is.
    fn crop(&self, pixels: &Pixels, index: usize) -> Result<Pixels, TrainError> {
        let side = self.clip.dimensions().image_size;
        check_size(pixels, index, side)?;
        let left = (pixels.width() as usize - side) / 2;
        let top = (pixels.height() as usize - side) / 2;
        let rgb = square_of(pixels, left, top, side, false);
        let side = u32::try_from(side).unwrap_or(u32::MAX);
        Pixels::new(side, side, rgb).ok_or_else(|| ModelError::Square { side }.into())
    }
}

/// 32-bit numbers, little-endian.
#[must_use]
pub fn embedding_to_bytes(embedding: &[f32]) -> Vec<u8> {
    embedding.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The reverse; none unless there are `width` finite numbers.
#[must_use]
pub fn embedding_from_bytes(bytes: &[u8], width: usize) -> Option<Vec<f32>> {
    let embedding = from_bytes(bytes);
    let is_whole = bytes.len() == 4 * width && embedding.iter().all(|number| number.is_finite());
    is_whole.then_some(embedding)
}
