//! Measurements of images for checks, weaknesses and artifacts: each image by itself, against its source, and against
//! unedited controls.

mod pair;
mod run;
mod single;

pub(crate) use pair::at_one_size;
pub use pair::{Pair, mean_lab, measure_pair};
pub use run::{MeasuringSummary, measure_images};
pub(crate) use run::{Subject, needed, subject_of};
pub use single::measure_single;

/// Who measures, with the version of the definitions; raised when a number may change.
pub const METER: &str = "measures@1";
