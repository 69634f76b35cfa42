//! CLIP: embeddings of images and texts, GenEval's color step and CLIPScore over them.

mod canary;
mod color;
mod configuration;
mod keys;
mod model;
mod preprocess;
mod score;
pub mod tokenizer;

pub use configuration::{Configuration, Heads};
pub use keys::{Family, canonical_name, canonical_parameters};
pub use preprocess::{MEAN, STANDARD_DEVIATION, middle_of, middle_square, normalized};

pub use color::ClipColorNamer;
pub use model::{Clip, ClipDimensions, TextEmbedding};
pub use preprocess::Preparation;

#[cfg(test)]
mod tests;
