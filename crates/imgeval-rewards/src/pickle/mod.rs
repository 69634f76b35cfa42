//! Python's pickles as data: a reader that calls nothing, and a writer of plain values.
//!
//! A pickle is a program for a small stack machine, and Python's own reader lets it import and call anything. This reader knows exactly the
//! opcodes and the twelve names that clients of reward servers use (bytes of protocols 0 to 2, byte arrays, ordered dictionaries, NumPy's
//! arrays of objects and texts, NumPy's scalars, Pillow's images), builds values from them itself, and refuses everything else. Depth, number of values and
//! length of numbers are bounded, so that a small body cannot grow.

mod machine;
mod numpy;
mod opcodes;
mod pillow;
mod value;
mod write;

pub use machine::read;
pub use value::{PickleError, PillowImage, Problem, Value};
pub use write::{Answer, write};

#[cfg(test)]
mod tests;
