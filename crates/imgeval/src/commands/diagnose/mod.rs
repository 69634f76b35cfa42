//! `imgeval diagnose`: what a generator's scores do not show.

mod apply;
mod artefacts;
mod figures;
mod forensics;
mod places;
mod report;
mod rounds;
mod show;
mod train;
mod weaknesses;

pub(super) use places::images_of;

use anyhow::Result;
use imgeval_core::visible;
use imgeval_diagnose::{
    Event,
    architecture::{DiagnoseError, MIN_GROUPS, ProbeFileError, SplitError},
    collect::Unused,
};
use imgeval_runner::Progress;
use imgeval_vision::train::TrainingEvent;

use crate::{
    advice::train_hint,
    args::diagnose::{ArchitectureCommand, DiagnoseCommand},
    exit_code::Exit,
    failure::{CommandError, sentence_of},
    printer::{Printer, StageProgress},
};

pub(super) fn diagnose(command: &DiagnoseCommand, printer: Printer) -> Result<Exit> {
    match command {
        DiagnoseCommand::Architecture(ArchitectureCommand::Train(args)) => train::train(args, printer),
        DiagnoseCommand::Architecture(ArchitectureCommand::Apply(args)) => apply::apply(args, printer),
        DiagnoseCommand::Rounds(args) => rounds::rounds(args, printer),
        DiagnoseCommand::Weaknesses(args) => weaknesses::weaknesses(args, printer),
        DiagnoseCommand::Forensics(args) => forensics::forensics(args, printer),
        DiagnoseCommand::Artefacts(args) => artefacts::artefacts(args, printer),
    }
}

/// Shows stages one after the other on stderr.
struct Stages {
    printer: Printer,
    current: Option<StageProgress>,
}

impl Stages {
    fn new(printer: Printer) -> Self {
        Self { printer, current: None }
    }

    fn show(&mut self, event: Event) {
        match event {
            Event::Stage { name, images } => {
                self.finish();
                self.printer.talk(format_args!("{}", visible(&name)));
                let mut progress = self.printer.progress("  images", "image");
                progress.show(Progress::Planned { total: images, finished: 0 });
                self.current = (images > 0).then_some(progress);
            }
            Event::Training(event) => self.show_training(&event),
            Event::Advanced { images } => {
                if let Some(progress) = &mut self.current {
                    (0..images).for_each(|_| progress.show(Progress::Advanced { has_failed: false }));
                }
            }
        }
    }

    fn show_training(&mut self, event: &TrainingEvent) {
        match event {
            TrainingEvent::Started { n_parameters, epochs, resumed_after, .. } => {
                let resumed =
                    resumed_after.map_or(String::new(), |epoch| format!(", resuming after epoch {epoch}"));
                self.printer.talk(format_args!(
                    "training a network with {n_parameters} parameters for up to {epochs} epochs{resumed}"
                ));
            }
            TrainingEvent::Step { .. } => {}
            TrainingEvent::Epoch(record) => self.printer.talk(format_args!(
                "  epoch {}: training loss {:.4}, validation loss {:.4}, validation accuracy {:.3}{}",
                record.epoch,
                record.training_loss,
                record.validation_loss,
                record.validation_accuracy,
                if record.is_best { ", best so far" } else { "" }
            )),
            TrainingEvent::StoppedEarly { epoch, best_epoch } => self
                .printer
                .talk(format_args!("  stopped after epoch {epoch}: no improvement since {best_epoch}")),
        }
    }

    fn finish(&mut self) {
        self.current.take().into_iter().for_each(StageProgress::finish);
    }
}

/// Names every image that cannot be used, and tells how the command ends.
fn tell_unused<'a>(unused: impl IntoIterator<Item = &'a Unused>, printer: Printer) -> Exit {
    let mut exit = Exit::Ok;
    for one in unused {
        exit = Exit::Partial;
        let (name, detail) = (visible(&one.path.to_string_lossy()), visible(&one.reason.detail()));
        printer.insist(format_args!("error: cannot use `{name}`: {}: {detail}", one.reason.code()));
    }
    exit
}

fn refused(error: &DiagnoseError) -> CommandError {
    let message = sentence_of(error);
    match error {
        DiagnoseError::TooFewClasses { .. } => CommandError::usage(message)
            .with_hint("pass --class NAME=PLACE for each of at least two classes"),
        DiagnoseError::EmptyClass { .. } => CommandError::nothing(message)
            .with_hint("see the errors above: files that cannot be read, or images smaller than --side"),
        DiagnoseError::Split(SplitError::TooFewGroups { .. } | SplitError::EmptyPart { .. }) => {
            CommandError::usage(message).with_hint(format!(
                "add images of other prompts or photographs until each class has {MIN_GROUPS} groups; images that look alike form one group unless groups.jsonl says otherwise"
            ))
        }
        DiagnoseError::Network(error) => CommandError::usage(message).with_hint(train_hint(error)),
        DiagnoseError::NoClip => CommandError::usage(message).with_hint("choose it with --clip"),
        DiagnoseError::Square(_)
        | DiagnoseError::Spectrum(_)
        | DiagnoseError::Learn(_)
        | DiagnoseError::Cache { .. }
        | DiagnoseError::NothingToEvaluate => {
            CommandError::mendable(message, "run the same command again once the images no longer change")
        }
    }
}

fn probe_refused(error: &ProbeFileError) -> CommandError {
    let message = sentence_of(error);
    match error {
        ProbeFileError::Read { .. } | ProbeFileError::NotAProbe { .. } => CommandError::usage(message)
            .with_hint("pass a file written by `imgeval diagnose architecture train --out`"),
        ProbeFileError::OtherClip { .. } => CommandError::usage(message)
            .with_hint("pass the CLIP model that the probe was trained on with --clip"),
        ProbeFileError::TooNew { .. } => CommandError::mismatch(message),
        ProbeFileError::Write { .. } | ProbeFileError::Serialise { .. } => {
            CommandError::mendable(message, "check the folder's permissions and the free disk space")
        }
    }
}
