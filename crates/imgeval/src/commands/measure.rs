//! Measures the edits of a run, as a stage of `observe` and `run`.

use std::path::Path;

use anyhow::Result;
use imgeval_core::visible;
use imgeval_observe::{EditWeights, MeasureEvent, MeasureSummary, measure_edits};

use crate::{
    advice::missing_text,
    exit_code::Exit,
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
