//! How local an edit was: what changed outside the region that was to change.
//!
//! Works on pairs that were aligned first ([`AlignedPair`](crate::registration::AlignedPair)), and means nothing unless the
//! registration is `ok`.
//!
//! - [`measure_registered`] does all of it from two images. [`measure_outside_mask`] splits what changed outside a mask into one global change of tone and the rest, content.
//! - [`EditedRegion`] finds what was edited without a mask. Content that moved elsewhere then counts as edited: leakage can only be
//!   measured with the mask that was given to the generator.

mod bits;
mod colors;
mod measure;
mod region;
mod registered;
mod tone;

pub use bits::Bits;
pub use measure::{Locality, mask_on, measure_outside_mask, with_margin};
pub use region::{EditedRegion, SeparatedEdit};
pub use registered::{RegisteredEdit, measure_registered};
pub use tone::ToneMap;

use crate::registration::Status;

/// Why a pair has no locality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMeasurable {
    #[error("registration is {}, so nothing outside the edit is compared", .0.name())]
    NotRegistered(Status),
    #[error("the images do not overlap")]
    NoOverlap,
    #[error("the region covers the whole overlap: nothing is left outside it")]
    NothingOutside,
}
