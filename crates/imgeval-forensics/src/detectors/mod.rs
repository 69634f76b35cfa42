//! One file for each detector.

pub mod aide;
pub mod cnnspot;
pub mod drct;
pub mod npr;
pub mod safe;
