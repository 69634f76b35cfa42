//! Pixel metrics of all edits of a run.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{Failure, FailureKind, GrayPixels, ImageRef, Outcome, Pixels, SampleId};
use imgeval_metrics::edit::Psnr;
use imgeval_runner::Progress;
use imgeval_store::{Measurement, MeasurementRecord, RunWriter};
use imgeval_vision::image_file::{DecodeLimits, LITTLE_WORK, inspect_and_decode_for};

use imgeval_scoring::Run;
use imgeval_suites::suite::SuiteCase;

use super::question::load_image;
use crate::{
    args::metrics::EditWeightsArgs,
    edit_metrics::{EditMeter, EditMetrics, Scaled},
    exit_code::Exit,
    failure::sentence_of,
    printer::Printer,
};

/// Measures every edit that this meter has not measured yet.
pub(crate) fn measure_edits(
    run: &Path,
    weights: &EditWeightsArgs,
    holder: &str,
    printer: Printer,
) -> Result<Exit> {
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
    let mut progress = printer.progress("measure");
    progress
        .show(Progress::Planned { total: read.images().len(), finished: read.images().len() - to_do.len() });
    let (mut n_failed, mut missing) = (0, Vec::new());
    for sample in &to_do {
        let record = &read.images()[*sample];
        let image = record.image();
        let measured = match read.cases().get(&sample.case) {
            Some(case) => measure(run, &meter, case, &image),
            None => Err(unusable("it belongs to no case of the suite")),
        };
        let outcome = match measured {
            Ok(metrics) => {
                for (name, reason) in &metrics.missing {
                    let told = format!("{name} is missing: {reason}");
                    if !missing.contains(&told) {
                        missing.push(told);
                    }
                }
                Outcome::Done(measurement_of(&metrics))
            }
            Err(failure) => {
                n_failed += 1;
                printer.insist(format_args!("measure: {sample}: {}", imgeval_core::visible(&failure.detail)));
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
        progress.show(Progress::Advanced { has_failed });
    }
    progress.finish();
    printer.talk(format_args!("measure: {} edits measured, {n_failed} failed", to_do.len() - n_failed));
    for told in &missing {
        printer.insist(format_args!("measure: {}", imgeval_core::visible(told)));
    }
    Ok(if n_failed > 0 || !missing.is_empty() { Exit::Partial } else { Exit::Ok })
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
