//! `imgeval run` for judged suites: generate or import, judge and score in one go.

use std::path::PathBuf;

use anyhow::Result;

use super::{generate::Job, holder, import_judged::import_judged, judge::JudgeStage, score_judged};
use crate::{
    args::{RunArgs, Suite},
    cases::CaseSet,
    exit_code::Exit,
    failure::CommandError,
    judged::{measure::measure_edits, run::JudgedRun},
    printer::Printer,
};

pub(super) fn run_judged(args: &RunArgs, printer: Printer) -> Result<Exit> {
    let suite = args.suite;
    if args.judge.judges.is_empty() {
        let message = format!("the suite {} is scored by a judge", suite.name());
        let hint = "name one: --judge openai:MODEL, or --judge http://127.0.0.1:8000/v1#MODEL";
        return Err(CommandError::usage(message).with_hint(hint).into());
    }
    let holder = holder("run");
    let cases = CaseSet::of_suite(suite, &args.generator, &args.suites.data())?;
    let (directory, generated): (PathBuf, Exit) = match (&args.model, &args.images, &args.run) {
        (Some(model), _, run) => {
            let max_pixels = args.read.limit.for_generated();
            let job = Job::prepare(cases, model, run.as_deref(), &args.generation, max_pixels, printer)?;
            if args.generation.dry_run {
                return job.dry_run(args.table.json, printer);
            }
            let work = job.work(&holder, printer)?;
            printer.talk(work.table().render_text());
            match job.exit_of(work)? {
                Exit::Interrupted => return Ok(Exit::Interrupted),
                generated => (job.directory, generated),
            }
        }
        (None, Some(images), Some(run)) => {
            import_judged(suite, images, &cases, run, &args.read, &holder, printer)?;
            (run.clone(), Exit::Ok)
        }
        _ => return Err(CommandError::usage("name the images with --images and --run, or a --model").into()),
    };
    let stage = JudgeStage {
        run: &directory,
        args: &args.judge,
        files: &args.generation.provider.files,
        suites: &args.suites,
        holder: &holder,
    };
    let judged = stage.work(suite, printer)?;
    if judged == Exit::Interrupted || args.judge.dry_run {
        return Ok(judged);
    }
    if suite == Suite::ReasonEdit && !args.meter.no_metrics {
        measure_edits(&directory, &args.meter.weights(&args.detector), &holder, printer)?;
    }
    let scored = score_judged::print_scores(&JudgedRun::open(&directory)?, &args.table, None, printer)?;
    printer.talk(format_args!("run: {}", directory.display()));
    // What kept images from being made or judged weighs more than what came of those that were.
    Ok([generated, judged, scored].into_iter().find(|exit| *exit != Exit::Ok).unwrap_or(Exit::Ok))
}
