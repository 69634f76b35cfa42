//! Sessions of imgeval's own, as the suite `rounds` of the registry.

mod protocols;
mod suite;

pub(crate) use suite::Rounds;
pub use suite::{CONTROL, CONTROLS, ID, REPEAT, UNCHANGED};
