//! Where an edited image lies on its source: crop, scale, stretch and shift.
//!
//! - [`register`] finds the [`Alignment`] and how far it can be trusted ([`Status`]): edge directions are correlated at every scale
//!   and offset, then four numbers are refined on locally normalized images.
//! - [`Framing`] is what an alignment means: what was cut off, what is new, zoom and stretch.
//!
//! Nothing outside of an edit may be measured on pixels unless the status is [`Status::Ok`].

mod correlation;
mod estimate;
mod frame;
mod orientation;
mod refine;
mod search;
mod sums;

pub use estimate::{
    COARSE_SCORE, LEAST_SIDE, MOST_ELONGATED, NotRegistrable, OK_CORRELATION, OK_OVERLAP, Registration, Status,
    register,
};
pub use frame::{Alignment, Framing};
