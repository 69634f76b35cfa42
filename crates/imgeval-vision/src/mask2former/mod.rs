//! Mask2Former (Cheng et al. 2022, arXiv 2112.01527) with a Swin backbone: GenEval's object detector.
//!
//! An image goes through `preprocess`, `swin`, `pixel_decoder`, `decoder` and `postprocess`; `keys` knows the names
//! that mmdetection and transformers give to the tensors, `detector` ties it together.

mod canary;
mod decoder;
mod detector;
mod keys;
mod network;
mod pixel_decoder;
mod position;
mod postprocess;
mod preprocess;
mod swin;

pub use detector::{Logits, Mask2FormerDetector};

#[cfg(test)]
mod tests;
