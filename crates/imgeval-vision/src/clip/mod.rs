//! CLIP: embeddings of images and texts, and GenEval's colour step over them.

mod canary;
mod color;
mod configuration;
mod keys;
mod model;
mod preprocess;
pub mod tokenizer;

pub use color::ClipColorNamer;
pub use model::{Clip, ClipDimensions, TextEmbedding};

#[cfg(test)]
mod tests;
