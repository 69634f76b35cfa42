//! `imgeval export`: a run as a data set, its verdicts in the official result format, and its calls to providers.

use std::{io::Write, path::Path};

use anyhow::{Context as _, Result};
use imgeval_core::{counted, visible};
use imgeval_dataset::{ExportSettings, ExportSummary, export_run};
use imgeval_generation::{call_json, judgment_call_json};
use imgeval_metrics::BootstrapSettings;
use imgeval_report::schema::Schema;
use imgeval_scoring::{Evaluator, Run, SampleResult, Scored, official_row};
use imgeval_store::RunReader;
use imgeval_suites::suite::{OfficialFiles, ScoredReply};

use super::score::tell_missing_colors;
use crate::{
    advice::judging::nobody_judged, args::ExportArgs, exit_code::Exit, failure::CommandError,
    printer::Printer,
};
use imgeval_files::{OutputFile, output_folder};

pub(super) fn export(args: &ExportArgs, printer: Printer) -> Result<Exit> {
    if let Some(path) = &args.calls {
        export_calls(&args.run, path, printer)?;
    }
    if let Some(folder) = &args.dataset {
        return export_dataset(args, folder, printer);
    }
    if let Some(folder) = &args.wise_results {
        return export_judged(&args.run, folder, args.observer.as_deref(), args.sample, printer);
    }
    match &args.geneval_results {
        Some(path) => export_results(args, path, printer),
        None => Ok(Exit::Ok),
    }
}

fn export_dataset(args: &ExportArgs, folder: &Path, printer: Printer) -> Result<Exit> {
    let settings = ExportSettings { with_images: !args.no_images, bootstrap: BootstrapSettings::default() };
    let mut progress = printer.progress("export", "sample");
    let written = export_run(&args.run, folder, settings, &mut |event| progress.show(event));
    progress.finish();
    let ExportSummary { samples, scores, evidence } = written?;
    printer.talk(format_args!(
        "export: {} of samples, {scores} of scores and {evidence} of evidence in {}",
        counted(samples, "row"),
        folder.display()
    ));
    Ok(Exit::Ok)
}

/// In the order in which the calls ended.
fn export_calls(run: &Path, path: &Path, printer: Printer) -> Result<()> {
    let run = RunReader::open(run)?;
    let mut file = OutputFile::create(path)?;
    let mut n_calls = 0;
    let mut result = Ok(());
    run.for_each_attempt(|attempt| {
        if result.is_ok() {
            n_calls += usize::from(attempt.reread_of.is_none());
            result = writeln!(file, "{}", Schema::Call.stamp(call_json(&attempt)));
        }
    })?;
    run.for_each_judgment_call(|judgment| {
        // What people said, and what was copied from the anchors' run, was no call.
        if result.is_ok() && (judgment.charge.tries > 0 || judgment.reread_of.is_some()) {
            n_calls += usize::from(judgment.reread_of.is_none());
            result = writeln!(file, "{}", Schema::Call.stamp(judgment_call_json(&judgment)));
        }
    })?;
    result.with_context(|| format!("could not write `{}`", path.display()))?;
    if n_calls == 0 {
        let hint = "its images were imported, or nothing has been generated yet";
        return Err(CommandError::nothing("the run contains no call to a provider").with_hint(hint).into());
    }
    file.publish()?;
    printer.talk(format_args!("export: {} in {}", counted(n_calls, "call"), path.display()));
    Ok(())
}

/// The official files of one judge; what it gave no score has no row.
fn export_judged(
    directory: &Path,
    folder: &Path,
    judge: Option<&str>,
    ordinal: u32,
    printer: Printer,
) -> Result<Exit> {
    let run = Run::open(directory)?;
    let judge = run.choose(judge)?.and_then(Evaluator::judge).ok_or_else(nobody_judged)?;
    let images = run.images().iter().filter(|(id, _)| id.ordinal == ordinal);
    let (mut scored, mut n_left_out) = (Vec::new(), 0);
    for (id, record) in images {
        let Some(case) = run.cases().get(&id.case) else { continue };
        // The official files hold one judgment of each image.
        match judge.samples.get(id).and_then(|replies| replies.readings().next()) {
            Some(reading) => scored.push(ScoredReply {
                case,
                image: record.image().file_name(),
                scores: &reading.scores,
                reply: &reading.reply,
            }),
            None => n_left_out += 1,
        }
    }
    let Some(files) = run.suite().official_files(&scored) else {
        let message = format!("{} has no official score files", run.suite().id());
        return Err(CommandError::usage(message).into());
    };
    let OfficialFiles { files, n_rows } = files;
    if files.is_empty() {
        return Err(CommandError::nothing("the judge has scored no such image").into());
    }
    let own = output_folder(folder)?;
    for (name, text) in &files {
        own.write_whole(name, text.as_bytes())
            .with_context(|| format!("could not write `{}`", folder.join(name).display()))?;
    }
    printer.talk(format_args!(
        "export: {} of {} in {}",
        counted(n_rows, "row"),
        visible(&judge.title()),
        folder.display()
    ));
    if n_left_out > 0 {
        printer.insist(format_args!("export: no row for {} without a score", counted(n_left_out, "image")));
        return Ok(Exit::Partial);
    }
    Ok(Exit::Ok)
}

fn export_results(args: &ExportArgs, path: &Path, printer: Printer) -> Result<Exit> {
    args.verdict.check()?;
    let run = Run::open_with(&args.run, args.verdict.options())?;
    if !run.suite().is_detected() {
        let suite = run.suite().id().to_owned();
        return Err(imgeval_scoring::ScoringError::NotDetected { suite }.into());
    }
    let evaluator = run.choose(args.observer.as_deref())?;
    let (scored, n_rows) = write_results(&run, evaluator, path, |_| {})?;
    if n_rows == 0 {
        tell_missing_colors(&run, &scored.coverage, printer);
        let hint = "run `imgeval observe` first";
        return Err(CommandError::nothing("no image of the run has evidence to score")
            .with_hint(hint)
            .into());
    }
    printer.talk(format_args!("export: {} in {}", counted(n_rows, "row"), path.display()));
    tell_missing_colors(&run, &scored.coverage, printer);
    let n_left_out = scored.coverage.n_unscored();
    if n_left_out > 0 {
        printer.insist(format_args!("export: no row for {} without a verdict", counted(n_left_out, "image")));
        return Ok(Exit::Partial);
    }
    Ok(Exit::Ok)
}

/// Scores the run, writing one row a verdict, which `also` gets to see; without a row nothing is written.
pub(super) fn write_results(
    run: &Run,
    evaluator: Option<&Evaluator>,
    path: &Path,
    mut also: impl FnMut(&SampleResult<'_>),
) -> Result<(Scored, usize)> {
    let mut file = OutputFile::create(path)?;
    let note = evaluator.map(|evaluator| run.note(evaluator)).unwrap_or_default();
    let mut n_rows = 0;
    let scored = run.score(evaluator, |result| {
        let Some(row) = official_row(result, &note)? else { return Ok(()) };
        n_rows += 1;
        also(result);
        writeln!(file, "{row}").with_context(|| format!("could not write `{}`", path.display()))
    })?;
    if n_rows > 0 {
        file.publish()?;
    }
    Ok((scored, n_rows))
}
