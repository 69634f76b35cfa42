//! Networks that are trained here: classifiers that tell images of one generator from those of another.
//!
//! [`train_network`] drives both kinds, CLIP's vision tower fine-tuned end to end (`clip_network`) and a small residual network from
//! scratch (`residual_network`), with AdamW, warm-up and cosine, early stopping, and a checkpoint after each epoch (`state`). What
//! comes out is a [`TrainedNetwork`]: a description and plain tensors, which callers keep as they like.
//!
//! `layers`, `normalise` and `convolution` are the differentiable operations; the kernels of `ops` are for inference alone and have
//! no gradients. Gradients and steps are tested against PyTorch.
//!
//! **On the CPU the same input gives the same bytes**: every random number is drawn by its address (`draws`), never from a running
//! stream, and every sum has a fixed order, whichever thread is faster.

mod clip_network;
mod convolution;
mod description;
mod draws;
mod embedder;
mod error;
mod input;
mod kind;
mod layers;
mod network;
mod normalise;
mod optimizer;
mod parameters;
mod residual_network;
mod settings;
mod state;
mod training;

#[cfg(test)]
mod tests;

pub use description::{ClipActivation, ClipShape, NetworkDescription, NetworkShape, ResidualShape};
pub use embedder::{ClipEmbedder, embedding_from_bytes, embedding_to_bytes};
pub use error::TrainError;
pub use kind::{ClipClassifier, Framing, NetworkKind, ResidualClassifier};
pub use network::{NetworkOutput, TrainedNetwork};
pub use parameters::NamedTensor;
pub use settings::TrainingSettings;
pub use state::EpochRecord;
pub use training::{Training, TrainingEvent, TrainingImages, train_network};
