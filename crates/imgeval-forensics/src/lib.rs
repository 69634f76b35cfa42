//! Published detectors of generated images: the same preparation, network and threshold as their authors' code.
//!
//! - [`port`]: what a detector is and what it says of an image.
//! - [`registry`]: every detector; a new one is a file in [`detectors`] and a line there.
//! - [`source`]: an image as each of the two libraries reads it; [`preparation`]: crops and scalings before a network.
//! - [`networks`]: what several detectors are made of; [`trunks`]: those that run once for all of them.
//! - [`trace`]: the numbers in the middle of a network, for tests.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod detectors;
pub mod networks;
pub mod port;
pub mod preparation;
pub mod registry;
pub mod source;
pub mod trace;
pub mod trace_map;
pub mod trunks;

pub use port::{
    Canary, Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, WeightsLicense,
};
pub use registry::{DETECTORS, description};
pub use source::{Reader, SourceImage};
pub use trace_map::{TraceMap, trace_map};
pub use trunks::Trunks;

#[cfg(test)]
mod convolutional_golden;
#[cfg(test)]
mod convolutional_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transformer_golden;
