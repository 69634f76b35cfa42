//! Which kind of decoder drew these pictures?
//!
//! A classifier is trained on pictures of known generators and asked about unknown ones, as in GPT-ImgEval (arXiv 2504.02782, section 3),
//! with the controls whose absence made that answer attackable. The flow:
//!
//!     items -> examine -> groups -> profile -> plan -> split -> model -> evaluation, controls -> probe -> file
//!     file -> probe -> apply -> verdict, evidence
//!
//! - [`items`], [`examine`], [`file_facts`], [`block_grid`]: which images, and what their files and an earlier compression tell.
//! - [`perceptual_hash`], [`groups`]: what must never be divided between training and testing.
//! - [`profile`]: what tells the classes apart before any picture is looked at.
//! - [`harmonise`], [`jpeg`]: one size and one compression for all.
//! - [`split`], [`features`], [`model`]: who is learnt from, what is learnt.
//! - [`evaluation`], [`controls`], [`degrade`], [`signatures`]: what it is worth.
//! - [`verdict`], [`evidence`]: what may be said.
//! - [`probe`], [`probe_file`], [`train`](mod@train), [`apply`]: a trained probe, its file, making and asking it.

pub mod apply;
pub mod block_grid;
pub mod controls;
pub mod dataset;
pub mod degrade;
pub mod embeddings;
pub mod error;
pub mod evaluation;
pub mod events;
pub mod evidence;
pub mod examine;
pub mod features;
pub mod file_facts;
pub mod groups;
pub mod harmonise;
pub mod images;
pub mod items;
pub mod jpeg;
pub mod model;
pub mod perceptual_hash;
pub mod probe;
pub mod probe_file;
pub mod profile;
pub mod record;
pub mod signatures;
pub mod split;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod textures;
pub mod train;
pub mod verdict;
mod workbench;

pub use workbench::WorkbenchSettings;
