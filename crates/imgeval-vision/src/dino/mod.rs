//! DINO's vision transformers (Caron et al. 2021, arXiv 2104.14294): what is in an image, without a text.
//!
//! The layout is that of the published `dino_deitsmall16_pretrain.pth` (facebookresearch/dino, Apache-2.0); width, depth, patch and
//! image size come from the tensors. DINO's networks have a head for every 64 channels; a file of another network is read with the
//! number that a JSON file of the same name beside it states: `{"num_attention_heads": 3}`.

mod canary;
mod heads;
mod model;

pub use model::{Dino, DinoDimensions, DinoTokens};

#[cfg(test)]
mod tests;
