//! `imgeval export`: a run's verdicts in the official result format.

use std::{io::Write, path::Path};

use anyhow::{Context as _, Result};
use imgeval_suites::geneval::SummaryBuilder;

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
    args.verdict.check()?;
    let run = ScoredRun::open(&args.run, args.observer.as_deref(), args.verdict.options())?;
    let (_, coverage, n_rows) = write_results(&run, &args.geneval_results, |_| {})?;
    if n_rows == 0 {
        run.tell_missing_colors(&coverage, printer);
        let hint = "run `imgeval observe` first";
        return Err(CommandError::nothing("no image of the run has evidence to score")
            .with_hint(hint)
            .into());
    }
    printer.talk(format_args!("export: {n_rows} rows in {}", args.geneval_results.display()));
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
