//! Measures the images of a run, as a stage of `observe` and `run`.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{counted, visible};
use imgeval_fetch::weights::Places;
use imgeval_observe::{
    EditWeights, MeasureSummary, StageEvent, load_reader, measure_edits,
    measures::{MeasuringSummary, measure_images},
};
use imgeval_scoring::Run;

use crate::{
    advice::missing_text,
    exit_code::Exit,
    failure::{CommandError, render_error},
    printer::{Printer, StageProgress},
};

/// Shows a stage over the images of a run on stderr.
pub(super) struct ShownStage {
    name: &'static str,
    printer: Printer,
    progress: Option<StageProgress>,
}

impl ShownStage {
    pub(super) fn new(name: &'static str, printer: Printer) -> Self {
        Self { name, printer, progress: None }
    }

    pub(super) fn show(&mut self, event: StageEvent<'_>) {
        let Self { name, printer, progress } = self;
        match event {
            StageEvent::Progress(shown) => {
                progress.get_or_insert_with(|| printer.progress(name, "image")).show(shown);
            }
            StageEvent::Failed { sample, failure } => {
                printer.insist(format_args!("{name}: {sample}: {}", visible(&failure.detail)));
            }
        }
    }

    pub(super) fn finish(self) {
        self.progress.into_iter().for_each(StageProgress::finish);
    }
}

pub(super) fn measure_stage(
    run: &Path,
    weights: &EditWeights,
    holder: &str,
    printer: Printer,
) -> Result<Exit> {
    let mut shown = ShownStage::new("measure", printer);
    let summary = measure_edits(run, weights, holder, &mut |event| shown.show(event));
    shown.finish();
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
                printer.insist(format_args!("measure: text cannot be read: {}", told.text));
                None
            }
        },
    };
    let mut shown = ShownStage::new("measure", printer);
    let summary = measure_images(run, reader.as_deref(), holder, &mut |event| shown.show(event));
    shown.finish();
    let MeasuringSummary { measured, read, failed, unread } = summary?;
    let images = counted(measured, "image");
    printer.talk(format_args!("measure: {images} measured, {read} read, {failed} failed"));
    Ok(if failed > 0 || unread > 0 { Exit::Partial } else { Exit::Ok })
}
