//! What programs measured on the samples.

use imgeval_core::{ContentHash, Outcome, SampleId};

use crate::Measurement;

/// Numbers that a program measured on a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurementRecord {
    /// Who measured, versions and weights included.
    pub meter: String,
    pub id: SampleId,
    pub image: ContentHash,
    /// The numbers, or why there are none.
    pub outcome: Outcome<Measurement>,
}
