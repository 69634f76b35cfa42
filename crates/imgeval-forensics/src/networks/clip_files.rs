//! CLIP's vision encoder in files: alone or with its text encoder, in either family of names, and told apart from heads by its keys.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, Parameters},
    clip::{Family, canonical_name},
    ops::{Activation, layers::Layers},
};

use super::clip_trunk::ClipTrunk;
use crate::port::{ForensicsError, LoadRequest};

/// The starts of names by which the encoder is known, in OpenAI's and Hugging Face's layout.
pub const OPENAI_ANCHOR: &str = "visual.class_embedding";
pub const HUGGING_FACE_ANCHOR: &str = "vision_model.embeddings.class_embedding";

/// A detector's two files, whatever order they were given in.
pub struct TrunkAndHead {
    pub trunk: PathBuf,
    pub head: Checkpoint,
}

impl TrunkAndHead {
    /// Distinguishes the files: the trunk is the one that contains CLIP's vision encoder.
    ///
    /// # Errors
    /// If there are not two files, they cannot be read, or not exactly one of them is a trunk.
    pub fn find(request: &LoadRequest<'_>, detector: &'static str) -> Result<Self, ForensicsError> {
        let [first, second] = request.files else {
            return Err(ForensicsError::FileCount { detector, needed: 2, found: request.files.len() });
        };
        let open = |path: &PathBuf| Checkpoint::open(path).map_err(ModelError::from);
        let (one, other) = (open(first)?, open(second)?);
        match (has_encoder(&one), has_encoder(&other)) {
            (true, false) => Ok(Self { trunk: first.clone(), head: other }),
            (false, true) => Ok(Self { trunk: second.clone(), head: one }),
            (true, true) => Err(ForensicsError::NoHead { detector }),
            (false, false) => Err(ForensicsError::NoTrunk { detector, found: one.describe() }),
        }
    }
}

/// Whether a checkpoint holds the vision encoder of CLIP, below whatever prefix.
#[must_use]
pub fn has_encoder(checkpoint: &Checkpoint) -> bool {
    let is_anchor = |name: &str| name.ends_with(OPENAI_ANCHOR) || name.ends_with(HUGGING_FACE_ANCHOR);
    checkpoint.tensors().any(|(name, _)| is_anchor(name))
}

/// The encoder of a file that may hold the whole of CLIP, text encoder included.
///
/// # Errors
/// If it cannot be read, or its tensors are not exactly CLIP's.
pub fn open_trunk(path: &Path, activation: Activation) -> Result<ClipTrunk, ForensicsError> {
    let (family, mut parameters) = clip_parameters(Checkpoint::open(path).map_err(ModelError::from)?)?;
    parameters.ignore(is_text_encoders);
    let mut layers = Layers::new(&mut parameters);
    let trunk = ClipTrunk::take(&mut layers, "visual.", family, activation);
    let impossible = layers.impossible;
    finish(parameters, impossible)?;
    Ok(trunk)
}

/// Parameters under OpenAI's names, without prefixes of wrappers; tensors that do not belong to the encoder keep
/// their names.
///
/// # Errors
/// If there is no CLIP vision encoder.
pub fn clip_parameters(checkpoint: Checkpoint) -> Result<(Family, Parameters), ForensicsError> {
    let checkpoint = checkpoint.unwrapped(&[OPENAI_ANCHOR, HUGGING_FACE_ANCHOR]).map_err(ModelError::from)?;
    let family = if checkpoint.info(OPENAI_ANCHOR).is_some() {
        Family::OpenAi
    } else if checkpoint.info(HUGGING_FACE_ANCHOR).is_some() {
        Family::HuggingFace
    } else {
        return Err(ModelError::not_this_network(&checkpoint, "the vision encoder of CLIP").into());
    };
    let parameters = Parameters::with_renamed(Arc::new(checkpoint), |stored| match family {
        Family::OpenAi => Some((stored.to_owned(), 0)),
        Family::HuggingFace => canonical_name(stored).or_else(|| Some((stored.to_owned(), 0))),
    });
    Ok((family, parameters))
}

/// Whether a stored tensor belongs to CLIP's text encoder, or follows from shapes, in either family's names.
#[must_use]
pub fn is_text_encoders(stored: &str) -> bool {
    const STARTS: [&str; 4] = ["text_model.", "transformer.resblocks.", "token_embedding.", "ln_final."];
    const WHOLE: [&str; 8] = [
        "text_projection",
        "text_projection.weight",
        "positional_embedding",
        "logit_scale",
        "input_resolution",
        "context_length",
        "vocab_size",
        "attn_mask",
    ];
    STARTS.iter().any(|start| stored.starts_with(start))
        || WHOLE.contains(&stored)
        || stored.ends_with("position_ids")
}

/// Complains about everything in a file that does not fit its network.
///
/// # Errors
/// If tensors are missing, misshaped or not expected, or `impossible` names a size that no such network has.
pub fn finish(parameters: Parameters, impossible: Option<String>) -> Result<(), ForensicsError> {
    let path = parameters.checkpoint().path().to_owned();
    parameters.finish().map_err(ModelError::from)?;
    match impossible {
        Some(detail) => Err(ModelError::Configuration { path, detail }.into()),
        None => Ok(()),
    }
}
