//! What stages over the images of a run share: their events, and what was measured before.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{Failure, ImageRecord, SampleId};
use imgeval_runner::Progress;
use imgeval_store::MeasurementRecord;

/// What happens while a stage goes through the images of a run.
#[derive(Debug, Clone)]
pub enum StageEvent<'a> {
    Progress(Progress),
    Failed { sample: &'a SampleId, failure: &'a Failure },
}

/// What was measured on the images as they are now: each meter with each sample.
pub(crate) fn measured_before<'a>(
    known: &'a [MeasurementRecord],
    images: &BTreeMap<SampleId, ImageRecord>,
) -> BTreeSet<(&'a str, &'a SampleId)> {
    let is_current = |record: &&MeasurementRecord| {
        let is_same = images.get(&record.id).is_some_and(|image| image.hash == record.image);
        is_same && record.outcome.done().is_some()
    };
    known.iter().filter(is_current).map(|record| (record.meter.as_str(), &record.id)).collect()
}
