//! Pixel metrics of all edits of a run.

use std::path::Path;

use imgeval_core::{Failure, FailureKind, GrayPixels, ImageRef, Outcome, SampleId, sentence_of};
use imgeval_metrics::edit::Psnr;
use imgeval_runner::Progress;
use imgeval_scoring::{Run, ScoringError};
use imgeval_store::{Measurement, MeasurementRecord, RunWriter, StoreError};
use imgeval_suites::suite::SuiteCase;

use super::{EditMeter, EditMetrics, EditWeights, MissingMetric, Scaled};
use crate::{ObserverError, StageEvent, question::load_pixels, stage::measured_before};

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeasureSummary {
    pub measured: usize,
    pub failed: usize,
    /// Metrics that some edits lack, each reason once.
    pub missing: Vec<(&'static str, MissingMetric)>,
}

/// Why images cannot be measured.
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
    tell: &mut dyn FnMut(StageEvent<'_>),
) -> Result<MeasureSummary, MeasureError> {
    let read = Run::open(run)?;
    let measured = read.reader().measurements()?;
    let meter = EditMeter::load(weights, true)?;
    let id = meter.facts().id();
    let before = measured_before(&measured, read.images());
    let is_done = |sample: &SampleId| before.contains(&(id.as_str(), sample));
    let to_do: Vec<&SampleId> = read.images().keys().filter(|sample| !is_done(sample)).collect();
    let mut writer = RunWriter::open(run, holder)?;
    let (total, finished) = (read.images().len(), read.images().len() - to_do.len());
    tell(StageEvent::Progress(Progress::Planned { total, finished }));
    let mut summary = MeasureSummary::default();
    for sample in &to_do {
        let record = &read.images()[*sample];
        let image = record.image();
        let measured = match read.cases().get(&sample.case) {
            Some(case) => measure(run, &meter, case, &image),
            None => Err(unusable("it does not belong to any case of the suite")),
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
                tell(StageEvent::Failed { sample, failure: &failure });
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
        tell(StageEvent::Progress(Progress::Advanced { has_failed }));
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
    let source = case.source().ok_or_else(|| unusable("the case has no source image"))?;
    let mask = case.mask().ok_or_else(|| unusable("the case has no mask"))?;
    let source = Scaled::of(&load_pixels(run, source)?);
    let mask = GrayPixels::luma_of(&load_pixels(run, &mask)?);
    let edited = Scaled::of(&load_pixels(run, image)?);
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
