//! Which traces do the images of a generator carry, and how do they differ from a reference?
//!
//! For images that exist already. No trace has an absolute zero: photographs have lattice peaks, casts and grids too. So every number
//! stands beside that of a reference, and what the files alone could explain is reported first. The flow:
//!
//!     items -> traces of each image -> place -> comparison with the reference -> findings
//!
//! - `traces`: what is measured on one image ([`imgeval_metrics::image`], [`imgeval_metrics::spectra`]), or why it is not.
//! - `number`: the numbers, their names and what each one is.
//! - `place`: all images of a generator, in parallel, each read once.
//! - `fingerprint`: what the residuals of a place have in common.
//! - `resampled`: medians and shares with 95 % intervals.
//! - `files`: what the files say, and which numbers that touches.
//! - `compare`: a place beside the reference.
//! - `say`: sentences that say no more than the comparison allows.

mod compare;
mod error;
mod files;
mod fingerprint;
mod number;
mod place;
mod resampled;
mod say;
#[cfg(test)]
mod tests;
mod traces;

pub use compare::{ColorShift, Comparison, Row, compare};
pub use error::ArtefactError;
pub use files::{FileFact, FileShares};
pub use fingerprint::PlaceFingerprint;
pub use number::{Kind, Number, Section};
pub use place::{CurvePoint, Place, PlaceRequest, measure_place};
pub use resampled::{Difference, MIN_GROUPS, Summary};
pub use say::Finding;
pub use traces::reason_code;
