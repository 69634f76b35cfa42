//! What to train: a choice that callers make.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A network to train, before anything is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkKind {
    /// CLIP's vision tower, fine-tuned end to end, and a linear head.
    Clip(ClipClassifier),
    /// A small network from scratch, on what is left of the image without its smooth parts.
    Residual(ResidualClassifier),
}

/// The vision tower of any CLIP that [`Clip::load`](crate::clip::Clip::load) takes; its tensors tell the sizes. The head reads
/// the projected embedding, not normalized. There is no dropout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipClassifier {
    pub weights: PathBuf,
    pub framing: Framing,
    /// The logits are the mean over this many crops along each side, evenly spaced; 1 means the center.
    pub crops_per_side: usize,
}

/// How an image comes to the size that CLIP takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Cut out at multiples of 8 pixels, which keeps the phase of traces; pixels as they are. A smaller image is an error.
    #[default]
    NativeCrop,
    /// CLIP's own preparation: the short side is resized (bicubic, antialiased), the middle cut out. It erases fine traces.
    Resized,
}

/// A residual network of some 87,000 weights; see `residual_network` for its layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidualClassifier {
    /// Pixels on the side of a crop: even, 32 to 1024. A smaller image is an error.
    pub crop: usize,
    /// Channels of the first block, a multiple of 4 up to 256; the others have twice as many.
    pub width: usize,
    /// Residual blocks, 2 to 8.
    pub blocks: usize,
    /// As for CLIP.
    pub crops_per_side: usize,
}

impl Default for ResidualClassifier {
    fn default() -> Self {
        Self { crop: 128, width: 24, blocks: 3, crops_per_side: 2 }
    }
}

impl NetworkKind {
    #[must_use]
    pub fn residual() -> Self {
        Self::Residual(ResidualClassifier::default())
    }

    #[must_use]
    pub fn clip(weights: impl Into<PathBuf>) -> Self {
        Self::Clip(ClipClassifier {
            weights: weights.into(),
            framing: Framing::NativeCrop,
            crops_per_side: 1,
        })
    }
}
