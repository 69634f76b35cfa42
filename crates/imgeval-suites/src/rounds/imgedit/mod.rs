//! The multi-turn part of ImgEdit: 30 sessions of 2 or 3 rounds in three parts. It has no scorer; its authors judge by hand.
//!
//! What must hold after a round follows from the instructions: a rule that an earlier round gave, the object of an earlier round, or an earlier
//! version to go back to. [`Reading`] has it for the published sessions, by our own reading and without their text.

mod annotation;
mod layout;
mod reading;
#[cfg(test)]
mod tests;

pub use annotation::{Part, parse_annotation, read_part};
pub use layout::round_name;
pub use reading::{Reading, parse_reading, published_reading};
