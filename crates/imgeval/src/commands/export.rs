//! `imgeval export`: a run's verdicts in the official result format, and its calls to providers.

use std::{io::Write, path::Path};

use anyhow::{Context as _, Result};
use imgeval_core::Outcome;
use imgeval_store::{AttemptRecord, RunReader};
use imgeval_suites::geneval::SummaryBuilder;
use serde_json::{Value, json};

use crate::{
    args::ExportArgs,
    coverage::Coverage,
    exit_code::Exit,
    failure::CommandError,
    output_file::OutputFile,
    printer::Printer,
    scored_run::{ScoredRun, VerdictOnSample},
};

pub(super) fn export(args: &ExportArgs, printer: Printer) -> Result<Exit> {
    if let Some(path) = &args.calls {
        export_calls(&args.run, path, printer)?;
    }
    match &args.geneval_results {
        Some(path) => export_results(args, path, printer),
        None => Ok(Exit::Ok),
    }
}

/// In the order in which the calls ended.
fn export_calls(run: &Path, path: &Path, printer: Printer) -> Result<()> {
    let run = RunReader::open(run)?;
    let mut file = OutputFile::create(path)?;
    let mut n_calls = 0;
    let mut result = Ok(());
    run.for_each_attempt(|attempt| {
        if result.is_ok() {
            n_calls += 1;
            result = writeln!(file, "{}", call_json(&attempt));
        }
    })?;
    result.with_context(|| format!("could not write `{}`", path.display()))?;
    if n_calls == 0 {
        let hint = "its images were imported, or nothing was generated yet";
        return Err(CommandError::nothing("the run has made no call to a provider").with_hint(hint).into());
    }
    file.publish()?;
    printer.talk(format_args!("export: {n_calls} calls in {}", path.display()));
    Ok(())
}

fn call_json(attempt: &AttemptRecord) -> Value {
    let (outcome, detail) = match &attempt.outcome {
        Outcome::Done(_) => ("done", ""),
        Outcome::Failed(failure) => (failure.kind.code(), failure.detail.as_str()),
    };
    let done = attempt.outcome.done().map(|record| (&record.hash, record.format));
    let kept = attempt.kept_image.as_ref().map(|(hash, format)| (hash, *format));
    let image = done.or(kept).map(|(hash, format)| format!("{hash}.{}", format.extension()));
    let (usage, charge) = (&attempt.usage, &attempt.charge);
    json!({
        "case": attempt.id.case.as_str(),
        "sample": attempt.id.ordinal,
        "round": attempt.id.round,
        "prompt": attempt.prompt,
        "revised_prompt": attempt.revised_prompt,
        "seed": attempt.seed,
        "began_ms": attempt.began_ms,
        "duration_ms": attempt.duration_ms,
        "outcome": outcome,
        "detail": detail,
        "image": image,
        "usd": charge.cost.as_ref().map(|cost| cost.amount.dollars()),
        "usd_basis": charge.cost.as_ref().map(|cost| cost.basis.as_str()),
        "perhaps_more_usd": charge.possible.dollars(),
        "requests": charge.tries,
        "requests_without_answer": charge.lost_tries,
        "tokens": {
            "text_input": usage.text_input,
            "image_input": usage.image_input,
            "cached_input": usage.cached_input,
            "text_output": usage.text_output,
            "image_output": usage.image_output,
        },
        "reply": attempt.raw,
    })
}

fn export_results(args: &ExportArgs, path: &Path, printer: Printer) -> Result<Exit> {
    args.verdict.check()?;
    let run = ScoredRun::open(&args.run, args.observer.as_deref(), args.verdict.options())?;
    let (_, coverage, n_rows) = write_results(&run, path, |_| {})?;
    if n_rows == 0 {
        run.tell_missing_colors(&coverage, printer);
        let hint = "run `imgeval observe` first";
        return Err(CommandError::nothing("no image of the run has evidence to score")
            .with_hint(hint)
            .into());
    }
    printer.talk(format_args!("export: {n_rows} rows in {}", path.display()));
    run.tell_missing_colors(&coverage, printer);
    let n_left_out = coverage.n_unscored();
    if n_left_out > 0 {
        printer.insist(format_args!("export: {n_left_out} images have no verdict and no row"));
        return Ok(Exit::Partial);
    }
    Ok(Exit::Ok)
}

/// Judges the run, writing one row a verdict, which `also` gets to see; without a row nothing is written.
pub(super) fn write_results(
    run: &ScoredRun,
    path: &Path,
    mut also: impl FnMut(&VerdictOnSample<'_>),
) -> Result<(SummaryBuilder, Coverage, usize)> {
    let mut file = OutputFile::create(path)?;
    let mut n_rows = 0;
    let (builder, coverage) = run.judge(|verdict| {
        n_rows += 1;
        also(&verdict);
        writeln!(file, "{}", run.result_row(&verdict)?)
            .with_context(|| format!("could not write `{}`", path.display()))
    })?;
    if n_rows > 0 {
        file.publish()?;
    }
    Ok((builder, coverage, n_rows))
}
