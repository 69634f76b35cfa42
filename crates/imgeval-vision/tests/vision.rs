//! Golden values from other implementations; how they were made stands in `scripts/reference/`.

#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

// `cfg(test)` tells Clippy that helpers here are test code too.
#[cfg(test)]
#[path = "vision/checkpoints.rs"]
mod checkpoints;
#[cfg(test)]
#[path = "vision/clip_tokenizer.rs"]
mod clip_tokenizer;
#[cfg(test)]
#[path = "vision/hostile_checkpoints.rs"]
mod hostile_checkpoints;
#[cfg(test)]
#[path = "vision/images.rs"]
mod images;
#[cfg(test)]
#[path = "vision/network.rs"]
mod network;
#[cfg(test)]
#[path = "vision/preprocessing.rs"]
mod preprocessing;
#[cfg(test)]
#[path = "vision/random_weights.rs"]
mod random_weights;
#[cfg(test)]
#[path = "vision/resample.rs"]
mod resample;
#[cfg(test)]
#[path = "vision/saved_checkpoints.rs"]
mod saved_checkpoints;
