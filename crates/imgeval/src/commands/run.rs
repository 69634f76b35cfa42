//! `imgeval run`: generate or import, observe and score in one go.

use std::fs;

use anyhow::{Context as _, Result};
use imgeval_runner::ColorsThere;

use super::{
    export::write_results,
    generate::Job,
    holder,
    import::{Destination, import_stage},
    observe::{AskedColors, ColorWork, limits_for, observe_stage},
    score::{exit_of, print_scored},
};
use crate::{
    args::{RunArgs, Suite},
    cases::CaseSet,
    exit_code::Exit,
    failure::CommandError,
    judged::protocols::no_judge,
    observers::load_observer,
    printer::Printer,
    scored_run::{ScoredRun, ScoredSummary},
    verdict_lines::VerdictLines,
};

/// With at most so many images, every verdict is printed.
const MAX_PRINTED_VERDICTS: usize = 40;

pub(super) fn run(args: &RunArgs, printer: Printer) -> Result<Exit> {
    if args.suite != Suite::Geneval {
        return super::run_judged::run_judged(args, printer);
    }
    if !args.judge.judges.is_empty() {
        return Err(no_judge().into());
    }
    args.verdict.check()?;
    // Before any other work: without weights nothing else is worth starting.
    let loaded = load_observer(&args.detector)?;
    let holder = holder("run");
    let (directory, generated) = match (&args.model, &args.images, &args.run) {
        (Some(model), _, run) => {
            let cases = CaseSet::of_geneval(args.generator.config())?;
            let max_pixels = args.read.limit.for_generated();
            let job = Job::prepare(cases, model, run.as_deref(), &args.generation, max_pixels, printer)?;
            if args.generation.dry_run {
                return job.dry_run(args.table.json, printer);
            }
            let work = job.work(&holder, printer)?;
            printer.talk(work.table().render_text());
            let summary = &work.summary;
            let has_images = summary.made + summary.done_before + summary.accepted_from_store > 0;
            let is_broken = work.error.is_some() || !has_images;
            match job.exit_of(work) {
                Ok(Exit::Interrupted) => return Ok(Exit::Interrupted),
                Err(error) if is_broken => return Err(error),
                generated => (job.directory, generated),
            }
        }
        (None, Some(images), Some(run)) => {
            let into = Destination { run, config: args.generator.config(), read: &args.read };
            import_stage(images, into, &holder, printer)?;
            (run.clone(), Ok(Exit::Ok))
        }
        _ => return Err(CommandError::usage("name the images with --images and --run, or a --model").into()),
    };
    let options = args.verdict.options();
    let colors =
        ColorWork { asked: AskedColors::ByCases, limits: limits_for(&options), there: ColorsThere::Keep };
    observe_stage(&directory, &loaded, colors, &holder, printer)?;

    let observer_id = loaded.observer.meta().observer_id();
    let run = ScoredRun::open(&directory, Some(observer_id.as_str()), options)?;
    let results = directory.join("geneval-results.jsonl");
    let mut lines = VerdictLines::default();
    let (builder, coverage, n_rows) = write_results(&run, &results, |verdict| {
        if lines.len() <= MAX_PRINTED_VERDICTS {
            lines.add(verdict);
        }
    })?;
    if !args.table.json && !args.table.csv && (1..=MAX_PRINTED_VERDICTS).contains(&n_rows) {
        printer.data(format_args!("{}\n", lines.render()))?;
    }
    if n_rows == 0 && results.exists() {
        // Rows of an earlier call, of images that are no longer usable.
        fs::remove_file(&results).with_context(|| format!("could not remove `{}`", results.display()))?;
    }
    let scored = ScoredSummary { summary: builder.summarise(args.table.settings()), coverage };
    print_scored(&run, &scored, &args.table, None, printer)?;
    printer.talk(format_args!("run: {}", directory.display()));
    if n_rows > 0 {
        printer.talk(format_args!("verdicts, one a line in the official format: {}", results.display()));
    }
    // What kept images from being made weighs more than what came of those that were.
    match generated? {
        Exit::Ok => exit_of(&scored, &args.table, printer),
        // Also where the run holds no sample of what is lacking, such as of a prompt that could not be rewritten.
        Exit::Partial => match exit_of(&scored, &args.table, printer)? {
            Exit::Ok => Ok(Exit::Partial),
            scored => Ok(scored),
        },
        stopped => Ok(stopped),
    }
}
