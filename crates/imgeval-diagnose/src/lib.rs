//! What can be found out about a generator beside its scores.
//!
//! - [`collect`]: the images of a question, and what their files say.
//! - [`alike`]: one size and one compression for all of them, and degradations.
//! - [`architecture`]: which kind of decoder drew these images, with the controls that keep the answer honest.
//! - [`artefacts`]: which traces a generator's images carry, beside those of a reference.
//! - [`forensics`]: whether detectors tell them from real images, under which codecs, and why.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod alike;
pub mod architecture;
pub mod artefacts;
pub mod collect;
mod events;
pub mod forensics;
mod measured;
mod random;
#[cfg(test)]
mod textures;

pub use events::Event;
pub use measured::Measured;
