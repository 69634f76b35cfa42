//! DRCT over CLIP: the form of the detector whose network is CLIP's vision encoder and two linear layers.
//!
//! Chen et al., "DRCT: Diffusion Reconstruction Contrastive Training toward Universal Detection of Diffusion Generated Images", ICML 2024.
//! Colors are normalized with ImageNet's statistics, not CLIP's. The text encoder lies in the file and is not used.

use imgeval_vision::{
    checkpoint::Checkpoint,
    compute::{Backend, ComputeOptions},
    ops::{Activation, layers::Layers, linear::Linear},
};

use super::drct::DRCT;
use crate::{
    networks::{
        clip_files::{clip_parameters, finish, has_encoder, is_text_encoders},
        clip_trunk::ClipTrunk,
        heads::{logit_pair, side_of},
    },
    port::{Description, Detector, ForensicsError, Judgment},
    preparation::{IMAGENET, albumentations_middle, sha256},
    source::{Reader, SourceImage},
    trace::Trace,
};

struct DrctClip {
    trunk: ClipTrunk,
    /// From the embedding to the one that was trained by contrast; nothing lies between it and the head.
    embedding: Linear,
    head: Linear,
    pipeline: &'static str,
    backend: Backend,
}

/// Whether a checkpoint of DRCT is of this form.
pub(super) fn is_of_this_form(checkpoint: &Checkpoint) -> bool {
    has_encoder(checkpoint)
}

/// The detector of a checkpoint of this form.
///
/// # Errors
/// If its tensors do not fit, cannot be read, or the device is unavailable.
pub(super) fn load(
    checkpoint: Checkpoint,
    pipeline: &'static str,
    compute: ComputeOptions,
) -> Result<Box<dyn Detector>, ForensicsError> {
    let (family, mut parameters) = clip_parameters(checkpoint)?;
    parameters.ignore(is_text_encoders);
    let mut layers = Layers::new(&mut parameters);
    let trunk = ClipTrunk::take(&mut layers, "visual.", family, Activation::QuickGelu);
    let inputs = trunk.embedding_width().unwrap_or_else(|| {
        // Noted as missing.
        layers.tensor("visual.proj", &[trunk.width(), trunk.width()]);
        trunk.width()
    });
    let width = layers.dimension("fc.weight", 1);
    let embedding = layers.linear("model.fc", inputs, width);
    let head = layers.linear("fc", width, 2);
    let impossible = layers.impossible;
    finish(parameters, impossible)?;
    let backend = Backend::open(&compute)?;
    Ok(Box::new(DrctClip { trunk, embedding, head, pipeline, backend }))
}

impl Detector for DrctClip {
    fn description(&self) -> &'static Description {
        &DRCT
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let crop = albumentations_middle(image.read_by(Reader::OpenCv), side_of(self.trunk.side())?);
        let features = self.trunk.features(&crop, IMAGENET, &self.backend, trace)?;
        trace.keep("ln_post", &features.class);
        let embedding = self.embedding.forward(features.embedding()?)?;
        trace.keep("embedding", &embedding);
        let logits = logit_pair(&self.head.forward(&embedding)?)?;
        Ok(Judgment::of_pair(logits, Some(sha256(&crop))))
    }
}
