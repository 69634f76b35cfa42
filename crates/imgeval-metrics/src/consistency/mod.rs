//! Whether an edit kept what it was not asked to change, by what a network sees.
//!
//! Pure formulas on features that the caller has from a network, one pass an image:
//!
//! - [`cosine`] of two embeddings: CLIP-I, CLIP-T and DINO of MagicBrush (OSU-NLP-Group/MagicBrush, `evaluation/image_eval.py`).
//! - [`SelfSimilarity`]: the distance of structure of ECHO (arXiv 2510.15021, para-lost/ECHO).
//! - [`object_similarity`], [`background_similarity`], [`FrameBox`] and [`Background`]: the consistency of objects and background of
//!   EdiVal (arXiv 2509.13399, TianyuCodings/EdiVal), at boxes that the caller found.
//!
//! EdiVal cuts the same box out of both images, so any reframing reads as a changed object: register the images first and give the
//! aligned pair.

mod background;
mod boxes;
mod structure;
#[cfg(test)]
mod tests;
mod tokens;

pub use background::Background;
pub use boxes::{FrameBox, PixelBox, box_l1};
pub use structure::SelfSimilarity;
pub use tokens::{Tokens, background_similarity, cosine, object_similarity, patch_grid};

/// Why a pair has no such number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMeasurable {
    #[error("the features have {0} and {1} numbers, so they come from different networks")]
    OtherLength(usize, usize),
    #[error("a feature is zero or not finite, so it has no direction")]
    NoDirection,
    #[error("the images are of different sizes")]
    OtherSize,
    #[error("the box contains no pixels")]
    EmptyBox,
    #[error("the boxes cover the whole image")]
    NoBackground,
}
