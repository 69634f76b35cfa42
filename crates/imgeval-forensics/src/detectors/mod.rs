//! One file for each detector; `clip` is what those over CLIP's shared encoder have in common.

pub mod aide;
pub mod bfree;
pub mod c2p_clip;
mod clip;
pub mod clipdet;
pub mod cnnspot;
pub mod community_forensics;
pub mod drct;
mod drct_clip;
pub mod effort;
pub mod fatformer;
pub mod npr;
pub mod rine;
pub mod safe;
pub mod univfd;
