//! Measures the images of a run, as a stage of `observe` and `run`.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{counted, visible};
use imgeval_fetch::weights::Places;
use imgeval_observe::{
    EditWeights, MeasureEvent, MeasureSummary, load_reader, measure_edits,
    measures::{MeasuringEvent, MeasuringSummary, measure_images},
};
use imgeval_scoring::Run;

use crate::{
    advice::missing_text,
    exit_code::Exit,
    failure::{CommandError, render_error},
    printer::{Printer, StageProgress},
};

pub(super) fn measure_stage(
    run: &Path,
    weights: &EditWeights,
    holder: &str,
    printer: Printer,
) -> Result<Exit> {
    let mut progress: Option<StageProgress> = None;
    let summary = measure_edits(run, weights, holder, &mut |event| match event {
        MeasureEvent::Progress(shown) => {
            progress.get_or_insert_with(|| printer.progress("measure")).show(shown);
        }
        MeasureEvent::Failed { sample, failure } => {
            printer.insist(format_args!("measure: {sample}: {}", visible(&failure.detail)));
        }
    });
    progress.into_iter().for_each(StageProgress::finish);
    let MeasureSummary { measured, failed, missing } = summary?;
    printer.talk(format_args!("measure: {measured} edits measured, {failed} failed"));
    for (name, reason) in &missing {
        printer.insist(format_args!(
            "measure: {}",
            visible(&format!("{name} is missing: {}", missing_text(reason)))
        ));
    }
    Ok(if failed > 0 || !missing.is_empty() { Exit::Partial } else { Exit::Ok })
}

/// Measures what the checks of a run ask for, and reads text where they ask for some.
pub(super) fn measure_for_checks(
    run: &Path,
    places: &Places,
    holder: &str,
    printer: Printer,
) -> Result<Exit> {
    let reader = match Run::open(run)?.takes_reader() {
        false => None,
        true => match load_reader(places) {
            Ok(reader) => Some(reader),
            // The other measures do not need it, and the next call reads what is left.
            Err(error) => {
                let told = render_error(&CommandError::from(error).into());
                printer.insist(format_args!("measure: text is not read: {}", told.text));
                None
            }
        },
    };
    let mut progress: Option<StageProgress> = None;
    let summary = measure_images(run, reader.as_deref(), holder, &mut |event| match event {
        MeasuringEvent::Progress(shown) => {
            progress.get_or_insert_with(|| printer.progress("measure")).show(shown);
        }
        MeasuringEvent::Failed { sample, failure } => {
            printer.insist(format_args!("measure: {sample}: {}", visible(&failure.detail)));
        }
    });
    progress.into_iter().for_each(StageProgress::finish);
    let MeasuringSummary { measured, read, failed, unread } = summary?;
    let images = counted(measured, "image");
    printer.talk(format_args!("measure: {images} measured, {read} read, {failed} failed"));
    Ok(if failed > 0 || unread > 0 { Exit::Partial } else { Exit::Ok })
}
