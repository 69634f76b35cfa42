//! How well a classifier does on images that it has not seen, what its confidence is worth, and what it has never seen the like of.
//!
//! - [`evaluate`] gives accuracy, balanced accuracy and ROC AUC with intervals that resample groups (prompts, photographs); [`class_shares`]
//!   does the same for images whose class nobody knows.
//! - [`Temperature`] and [`Isotonic`] make confidence honest, on held-out data; [`expected_calibration_error`], [`brier_score`] and
//!   [`confidence_histogram`] tell how honest it is.
//! - [`ClassDistance`] and [`energy_score`] say how far an image is from everything the classifier was trained on;
//!   [`outside_threshold`] where "outside" begins.

mod calibration;
mod distance;
mod evaluation;
mod ranking;

#[cfg(test)]
mod tests;

pub use calibration::{
    CONFIDENCE_BINS, Isotonic, Temperature, brier_score, confidence_histogram, expected_calibration_error,
};
pub use distance::{ClassDistance, DistanceParts, energy_score, outside_threshold};
pub use evaluation::{
    Evaluation, MIN_BOOTSTRAP_GROUPS, MIN_TELLING_GROUPS, Prediction, class_shares, evaluate,
};
pub use ranking::{auc_interval, roc_auc};
