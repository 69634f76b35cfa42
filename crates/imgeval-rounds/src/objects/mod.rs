//! Whether a round kept the objects and the background that no instruction speaks of.
//!
//! EdiVal's consistency (arXiv 2509.13399, TianyuCodings/EdiVal; `imgeval_metrics::consistency`) with a detector of ours and after
//! registration: [`ObjectFinder`] finds objects in both images, [`naming`] leaves out those that an instruction names, and [`kept_objects`]
//! compares the same places of both images in the frame that they share.

mod finder;
mod kept;
mod naming;
#[cfg(test)]
mod tests;

pub(crate) use finder::FoundObject;
pub use finder::ObjectFinder;
pub(crate) use kept::{KeptObjects, is_of_objects, kept_objects};
