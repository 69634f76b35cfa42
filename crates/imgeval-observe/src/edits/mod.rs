//! Edited images against their sources.

#[cfg(test)]
mod golden_tests;
mod mask;
mod measure;
mod meter;

pub use mask::{MaskError, MaskThreshold, mask_of};
pub use measure::{MeasureError, MeasureSummary, measure_edits};
pub use meter::{
    EditMeter, EditMeterError, EditMeterFacts, EditMetrics, EditWeights, MissingMetric, SIDE, Scaled,
};
