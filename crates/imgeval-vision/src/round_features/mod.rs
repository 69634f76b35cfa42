//! What the networks say of the images and captions of an editing session: MagicBrush's CLIP-I, CLIP-T and DINO, ECHO's distance of
//! structure and EdiVal's consistency are formulas on these features, in `imgeval_metrics::consistency`.
//!
//! An image costs one pass of each network, however many others it is compared with.

mod features;
#[cfg(test)]
mod golden;

pub use features::{ImageFeatures, RoundFeatures, RoundWeights};
