//! Where an edited image lies on its source: crop, scale, stretch and shift.
//!
//! - [`register`] finds the [`Alignment`] and how far it can be trusted ([`Status`]): edge directions are correlated at every scale
//!   and offset, then four numbers are refined on locally normalized images.
//! - [`Framing`] is what an alignment means: what was cut off, what is new, zoom and stretch.
//! - [`AlignedPair`] puts both images on the source's pixels. [`likeness_before`] and [`likeness_after`] compare them;
//!   [`tile_survival`] looks for the source's tiles in images that were drawn anew.
//!
//! Nothing outside an edit may be measured on pixels unless the status is [`Status::Ok`].

mod align;
mod correlation;
mod estimate;
mod frame;
mod identity;
mod orientation;
mod refine;
mod search;
mod spline;
mod sums;
#[cfg(test)]
mod tests;
mod tiles;

pub use align::AlignedPair;
pub use estimate::{
    COARSE_SCORE, LEAST_SIDE, MOST_ELONGATED, NotRegistrable, OK_CORRELATION, OK_OVERLAP, Registration,
    Status, register, register_near,
};
pub use frame::{Alignment, Framing};
pub use identity::{
    AlignedLikeness, EQUAL_PSNR, IDENTITY_SIDE, Likeness, NotComparable, likeness_after, likeness_at,
    likeness_before,
};
pub(crate) use sums::solve;
pub use tiles::{TileSurvival, tile_survival, tile_survival_at};
