//! What programs measured on the images of a run, as checks read it.

use std::collections::BTreeMap;

use imgeval_core::{Failure, ImageRecord, Outcome, SampleId};
use imgeval_store::{Measurement, MeasurementRecord};
use imgeval_suites::checks::measures::Measures;

/// The kind of meter that measures for checks and weaknesses, as its name begins before the `@`.
pub const MEASURES: &str = "measures";
/// The kind of meter that reads text.
pub const READER: &str = "reader";

/// The kind of a meter, by its name.
pub(crate) fn kind_of(meter: &str) -> &str {
    meter.split('@').next().unwrap_or_default()
}

/// What was measured on each image as it is now, by all meters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    meters: Vec<String>,
    by_sample: BTreeMap<SampleId, Vec<Outcome<Measurement>>>,
}

/// Everything that was measured on one image.
#[derive(Debug, Clone, Copy)]
pub struct MeasuredImage<'a>(&'a [Outcome<Measurement>]);

impl Measured {
    /// What these records say of the images. Of meters whose version gave way to another only the later counts, which is the last by
    /// name.
    pub(crate) fn of_records(
        records: Vec<MeasurementRecord>,
        images: &BTreeMap<SampleId, ImageRecord>,
    ) -> Self {
        let mut latest: BTreeMap<(String, SampleId), (String, Outcome<Measurement>)> = BTreeMap::new();
        for record in records {
            if images.get(&record.id).is_some_and(|image| image.hash == record.image) {
                let kind = kind_of(&record.meter).to_owned();
                latest.insert((kind, record.id), (record.meter, record.outcome));
            }
        }
        let mut measured = Self::default();
        for ((_, id), (meter, outcome)) in latest {
            if !measured.meters.contains(&meter) {
                measured.meters.push(meter);
            }
            measured.by_sample.entry(id).or_default().push(outcome);
        }
        measured
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_sample.is_empty()
    }

    /// Whether checks and weaknesses find something here; other meters measure edits against the answer wanted.
    #[must_use]
    pub fn holds_measures(&self) -> bool {
        self.meters.iter().any(|meter| [MEASURES, READER].contains(&kind_of(meter)))
    }

    /// Who measured, versions and weights included.
    #[must_use]
    pub fn meters(&self) -> &[String] {
        &self.meters
    }

    /// `None` if nothing was measured on it.
    #[must_use]
    pub fn of(&self, id: &SampleId) -> Option<MeasuredImage<'_>> {
        self.by_sample.get(id).map(|all| MeasuredImage(all))
    }
}

impl MeasuredImage<'_> {
    /// Whether some meter has measured anything on it.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.0.iter().any(|outcome| outcome.done().is_some())
    }

    /// Why a meter could not look at the image.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.0.iter().find_map(|outcome| match outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Done(_) => None,
        })
    }
}

impl Measures for MeasuredImage<'_> {
    fn number(&self, name: &str) -> Option<f64> {
        self.0.iter().filter_map(Outcome::done).find_map(|measured| measured.number(name))
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.0.iter().filter_map(Outcome::done).find_map(|measured| measured.word(name))
    }
}
