//! CLIP: embeddings of images and texts, GenEval's colour step and CLIPScore over them.

mod canary;
mod color;
mod configuration;
mod keys;
mod model;
mod preprocess;
mod score;
pub mod tokenizer;

pub(crate) use configuration::{Configuration, Heads};
pub(crate) use keys::{Family, canonical_parameters};
pub(crate) use preprocess::{MEAN, STANDARD_DEVIATION, middle_of, middle_square, normalized};

pub use color::ClipColorNamer;
pub use model::{Clip, ClipDimensions, TextEmbedding};
pub use preprocess::Preparation;

#[cfg(test)]
mod tests;
