//! Which kind of decoder drew these pictures?

pub mod degrade;
pub mod examine;
pub mod file_facts;
pub mod harmonise;
pub mod items;
pub mod jpeg;
pub mod perceptual_hash;
pub mod profile;
pub mod record;
pub mod split;
mod stream;
#[cfg(test)]
mod textures;
