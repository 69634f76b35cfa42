//! imgeval's eyes: reading image files, and the networks that look at them. Weights are given by path: nothing here fetches.
//!
//! - [`image_file`]: untrusted PNG, JPEG and WebP files to upright 8-bit RGB, as the official evaluator reads them.
//! - [`mask2former`]: GenEval's detector. [`clip`]: embeddings, GenEval's color step and CLIPScore.
//! - [`dino`]: features of images without a text. [`round_features`]: both networks' features of the images of a session.
//! - [`lpips`]: the perceptual distance of two images.
//! - [`ocr`]: a reader of text.
//! - [`preview`]: a small detector and a color namer for machines that cannot have the official ones.
//! - [`ops`]: the operations that these networks are made of; [`compute`]: on which device and in which type they run.
//! - [`train`]: classifiers of images, trained here.
//! - [`resample`]: OpenCV's and Pillow's scaling, bit by bit; a crate of its own.
//! - [`checkpoint`]: trained parameters from safetensors and PyTorch files, without trusting them.
//! - [`machine_memory`]: how much memory there is for images.
//! - [`annotate`]: boxes and labels drawn on an image; [`canvas`]: an image to draw on.

// Denied, not forbidden: mapping weight files and the kernels in `ops` need it, each use with its reason.
#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod annotate;
mod canary;
pub mod canvas;
pub mod checkpoint;
pub mod clip;
pub mod compute;
pub mod dino;
pub mod image_file;
pub mod lpips;
pub mod machine_memory;
pub mod mask2former;
mod model_error;
pub mod ocr;
pub mod ops;
pub mod preview;
pub mod round_features;
pub mod train;

pub use clip::ClipColorNamer;
pub use dino::Dino;
pub use image_file::{
    DecodeLimits, DecodedImage, ImageFileError, LITTLE_WORK, inspect_and_decode, inspect_and_decode_for,
    load_image,
};
pub use imgeval_resample as resample;
pub use lpips::Lpips;
pub use mask2former::Mask2FormerDetector;
pub use model_error::{CanaryError, ModelError};
pub use ocr::PpOcrReader;
pub use preview::{PreviewColorNamer, PreviewDetector};
pub use round_features::RoundFeatures;

// Shared with the integration tests, which see this crate under its name.
#[cfg(test)]
extern crate self as imgeval_vision;

#[cfg(test)]
#[path = "../tests/vision/random_weights.rs"]
#[expect(dead_code, reason = "the unit tests need its pictures and stream only")]
mod random_weights;
