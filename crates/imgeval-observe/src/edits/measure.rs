//! Pixel metrics of all edits of a run.

use std::path::Path;

use imgeval_core::{Failure, FailureKind, GrayPixels, ImageRef, Outcome, Pixels, SampleId, sentence_of};
use imgeval_metrics::edit::Psnr;
use imgeval_runner::Progress;
use imgeval_scoring::{Run, ScoringError};
use imgeval_store::{Measurement, MeasurementRecord, RunWriter, StoreError};
use imgeval_suites::suite::SuiteCase;
use imgeval_vision::image_file::{DecodeLimits, LITTLE_WORK, inspect_and_decode_for};

use super::{EditMeter, EditMetrics, EditWeights, MissingMetric, Scaled};
use crate::{ObserverError, load_image};

/// What happens while edits are measured.
#[derive(Debug, Clone)]
pub enum MeasureEvent<'a> {
    Progress(Progress),
    Failed { sample: &'a SampleId, failure: &'a Failure },
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeasureSummary {
    pub measured: usize,
    pub failed: usize,
    /// Metrics that some edits lack, each reason once.
    pub missing: Vec<(&'static str, MissingMetric)>,
}

/// Why edits cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Run(#[from] ScoringError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Meter(#[from] ObserverError),
}

/// Measures every edit that this meter has not measured yet.
///
/// # Errors
/// If the run cannot be read or written, or weights that are named or here cannot be used.
pub fn measure_edits(
    run: &Path,
    weights: &EditWeights,
    holder: &str,
    tell: &mut dyn FnMut(MeasureEvent<'_>),
) -> Result<MeasureSummary, MeasureError> {
    let read = Run::open(run)?;
    let measured = read.reader().measurements()?;
    let meter = EditMeter::load(weights, true)?;
    let id = meter.facts().id();
    let is_done = |sample: &SampleId| {
        measured.iter().any(|known| {
            let is_current = read.images().get(sample).is_some_and(|record| record.hash == known.image);
            known.meter == id && known.id == *sample && is_current && known.outcome.done().is_some()
        })
    };
    let to_do: Vec<&SampleId> = read.images().keys().filter(|sample| !is_done(sample)).collect();
    let mut writer = RunWriter::open(run, holder)?;
    let (total, finished) = (read.images().len(), read.images().len() - to_do.len());
    tell(MeasureEvent::Progress(Progress::Planned { total, finished }));
    let mut summary = MeasureSummary::default();
    for sample in &to_do {
        let record = &read.images()[*sample];
        let image = record.image();
        let measured = match read.cases().get(&sample.case) {
            Some(case) => measure(run, &meter, case, &image),
            None => Err(unusable("it belongs to no case of the suite")),
        };
        let outcome = match measured {
            Ok(metrics) => {
                for missing in &metrics.missing {
                    if !summary.missing.contains(missing) {
                        summary.missing.push(missing.clone());
                    }
                }
                summary.measured += 1;
                Outcome::Done(measurement_of(&metrics))
            }
            Err(failure) => {
                summary.failed += 1;
                tell(MeasureEvent::Failed { sample, failure: &failure });
                Outcome::Failed(failure)
            }
        };
        let has_failed = outcome.done().is_none();
        let id = (*sample).clone();
        writer.record_measurements(&[MeasurementRecord {
            meter: meter.facts().id(),
            id,
            image: record.hash.clone(),
            outcome,
        }])?;
        tell(MeasureEvent::Progress(Progress::Advanced { has_failed }));
    }
    Ok(summary)
}

fn unusable(detail: &str) -> Failure {
    Failure { kind: FailureKind::NotAccessible, detail: detail.to_owned() }
}

fn measure(
    run: &Path,
    meter: &EditMeter,
    case: &SuiteCase,
    image: &ImageRef,
) -> Result<EditMetrics, Failure> {
    let pixels = |stored: &ImageRef| -> Result<Pixels, Failure> {
        let image = load_image(run, stored)?;
        let limits = DecodeLimits { max_pixels: u64::MAX };
        let decoded =
            inspect_and_decode_for(&image.bytes, &limits, LITTLE_WORK).map_err(|error| error.failure())?;
        Ok(decoded.pixels)
    };
    let source = case.source().ok_or_else(|| unusable("the case has no source image"))?;
    let mask = case.mask().ok_or_else(|| unusable("the case has no mask"))?;
    let source = Scaled::of(&pixels(source)?);
    let mask = GrayPixels::luma_of(&pixels(&mask)?);
    let edited = Scaled::of(&pixels(image)?);
    let text = Some(case.fact("target")).filter(|text| !text.is_empty());
    meter.measure(&source, &edited, &mask, text).map_err(|error| unusable(&sentence_of(&error)))
}

/// Numbers by their names; those that are missing are left out.
fn measurement_of(metrics: &EditMetrics) -> Measurement {
    let psnr = match metrics.psnr {
        Psnr::Decibels(decibels) => decibels,
        Psnr::Infinite => f64::INFINITY,
    };
    let measured =
        Measurement::default().with("psnr", psnr).with("ssim", metrics.ssim).with("mse", metrics.mse);
    let others = [("lpips", metrics.lpips), ("clip_score", metrics.clip_score)];
    others.into_iter().fold(measured, |measured, (name, metric)| match metric {
        Some(metric) => measured.with(name, metric),
        None => measured,
    })
}
