//! `imgeval run` for judged suites: generate or import, judge and score in one go.

use anyhow::Result;

use super::{
    generate::Job,
    holder,
    import_judged::import_judged,
    judge::{Coming, JudgeStage},
    score_judged,
};
use crate::{
    args::{RunArgs, Suite},
    cases::CaseSet,
    consent,
    exit_code::Exit,
    failure::CommandError,
    judged::{cases::case_of, measure::measure_edits, run::JudgedRun},
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
    let model = args.model.as_deref();
    let job = model.map(|model| {
        let max_pixels = args.read.limit.for_generated();
        Job::prepare(cases.clone(), model, args.run.as_deref(), &args.generation, max_pixels, printer)
    });
    let job = job.transpose()?;
    if let Some(job) = job.as_ref().filter(|_| args.generation.dry_run) {
        return job.dry_run(args.table.json, printer);
    }
    let directory = match (&job, &args.images, &args.run) {
        (Some(job), ..) => job.directory.clone(),
        (None, Some(_), Some(run)) => run.clone(),
        _ => return Err(CommandError::usage("name the images with --images and --run, or a --model").into()),
    };
    let stage = JudgeStage {
        run: &directory,
        args: &args.judge,
        files: &args.generation.provider.files,
        spending: &args.generation.provider.spending,
        suites: &args.suites,
        holder: &holder,
    };
    // A judge that cannot be asked is no reason to pay for images first.
    let panel = stage.panel(suite, printer)?;
    let generated = match (job, &args.images) {
        (Some(job), _) => {
            job.check_key()?;
            let mut expenses = Vec::from_iter(job.expense()?);
            expenses.extend(stage.expenses(&panel, suite, coming(&job)?.as_ref())?);
            consent::ask(&expenses, panel.ask_above, printer)?;
            let work = job.work(&holder, printer)?;
            printer.talk(work.table().render_text());
            match job.exit_of(work)? {
                Exit::Interrupted => return Ok(Exit::Interrupted),
                generated => generated,
            }
        }
        (None, images) => {
            let images = images.as_deref().unwrap_or_default();
            import_judged(suite, images, &cases, &directory, &args.read, &holder, printer)?;
            consent::ask(&stage.expenses(&panel, suite, None)?, panel.ask_above, printer)?;
            Exit::Ok
        }
    };
    let judged = stage.work(&panel, suite, printer)?;
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

/// What the job will have made before its images are judged; `None` if it has no cases.
fn coming(job: &Job<'_>) -> Result<Option<Coming>> {
    let Some(case) = job.first_case() else { return Ok(None) };
    let case = case_of(case).map_err(CommandError::usage)?;
    let estimate = job.estimate_left()?;
    Ok(Some(Coming { images: estimate.calls, held: estimate.done, case }))
}
