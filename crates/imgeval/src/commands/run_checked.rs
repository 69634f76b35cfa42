//! `imgeval run` for suites whose cases have checks: generates the images, runs the evaluators that the checks need,
//! and scores.

use std::collections::BTreeMap;

use anyhow::Result;
use imgeval_core::{CaseId, counted};
use imgeval_generation::CaseSet;
use imgeval_observe::load_observer;
use imgeval_runner::ColorsThere;
use imgeval_scoring::Run;
use imgeval_suites::suite::{Parameters, SuiteCase};
use serde_json::Map;

use super::{
    generate::Job,
    holder,
    judge::{JudgeStage, Panel},
    measure::measure_for_checks,
    observe::{AskedColors, ColorWork, limits_for, observe_stage},
    run::{Filling, fill_for_judges, first_not_ok},
    score::{Asked, Scores},
};
use crate::{
    advice::judging::{needs_judge, no_questions, no_rules},
    args::RunArgs,
    consent,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn run_checked(args: &RunArgs, printer: Printer) -> Result<Exit> {
    args.verdict.check()?;
    let mut set = match &args.cases {
        Some(file) => CaseSet::of_file(file)?,
        None => CaseSet::of_suite(args.suite(), &args.suites.files(), &Parameters::new())?,
    }
    .with_label(args.label.as_ref())
    .with_shard(args.part.shard);
    let suite = set.suite;
    let Some(model) = &args.model else {
        return Err(CommandError::usage("choose a model: --model PROVIDER:MODEL").into());
    };
    let generation = &args.generation;
    let mut selected = set.clone();
    selected.select(&generation.ids, &generation.tags, generation.limit)?;
    let needs_mask = |case: &SuiteCase| case.rounds.iter().any(|round| round.mask.is_some());
    let masked: Vec<&SuiteCase> = selected.cases.iter().filter(|case| needs_mask(case)).collect();
    if let Some(first) = masked.first().filter(|_| args.cases.is_none())
        && !Job::takes_masks(model, generation)?
    {
        if !generation.ids.is_empty() {
            let message = format!("case {} needs a mask, and {model} accepts none", first.id);
            return Err(CommandError::usage(message).with_hint("leave out its id").into());
        }
        let cases = counted(masked.len(), "case");
        printer.warn(format_args!("run: {cases} without a mask, because {model} accepts none"));
        set.cases.retain(|case| !needs_mask(case));
        selected.cases.retain(|case| !needs_mask(case));
    }
    let cases: BTreeMap<CaseId, SuiteCase> =
        selected.cases.iter().map(|case| (case.id.clone(), case.clone())).collect();
    let is_asked = !suite.asked_for(&cases).is_empty();
    match (suite.has_rules(&cases), is_asked, args.judge.judges.is_empty()) {
        (false, ..) => return Err(no_rules().into()),
        (_, true, true) if args.cases.is_some() => return Err(needs_judge(suite).into()),
        (_, true, true) => printer.warn(
            "run: no judge was given, so cases that need one have no score; add --judge PROVIDER:MODEL",
        ),
        (_, false, false) => return Err(no_questions().into()),
        _ => {}
    }
    let is_asked = is_asked && !args.judge.judges.is_empty();
    // Without weights or a judge nothing else is worth paying for.
    let has_objects = cases.values().any(|case| case.objects.is_some());
    let loaded = has_objects.then(|| load_observer(&args.detector.settings())).transpose()?;
    let max_pixels = args.read.limit.for_generated();
    let job = Job::prepare(set.clone(), model, args.run.as_deref(), generation, max_pixels, printer)?;
    if generation.dry_run {
        return job.dry_run(args.table.json, printer);
    }
    let (directory, holder) = (job.directory.clone(), holder("run"));
    let stage = JudgeStage::of_run(args, &directory, &holder);
    let panel = is_asked.then(|| stage.panel_for(suite, &cases, printer)).transpose()?;
    let generated = match &panel {
        Some(panel) => {
            let filling = Filling { cases: set, images: None, run: Some(directory.clone()), job: Some(job) };
            fill_for_judges(filling, args, &stage, panel, printer)?
        }
        None => generate_alone(job, &holder, printer)?,
    };
    if generated == Exit::Interrupted {
        return Ok(generated);
    }
    if let Some(loaded) = &loaded {
        let limits = limits_for(&args.verdict.options());
        let colors = ColorWork { asked: AskedColors::ByCases, limits, there: ColorsThere::Keep };
        observe_stage(&directory, loaded, colors, &holder, printer)?;
    }
    let measured = match args.meter.no_metrics || !Run::open(&directory)?.takes_measures() {
        true => Exit::Ok,
        false => measure_for_checks(&directory, &args.detector.models.places(), &holder, printer)?,
    };
    let judged = panel.as_ref().map_or(Ok(Exit::Ok), |panel: &Panel| stage.work(panel, suite, printer))?;
    if judged == Exit::Interrupted || args.judge.dry_run {
        return Ok(judged);
    }
    let run = Run::open_with(&directory, args.verdict.options())?;
    let scored = Scores::of(&run, Asked::default(), &args.table)?.print(&args.table, Map::new(), printer)?;
    printer.talk(format_args!("run: {}", directory.display()));
    // What kept images from being made or judged weighs more than what came of those that were.
    Ok(first_not_ok([generated, judged, measured, scored]))
}

/// Generates the images of cases that need no judge, after the user has confirmed the cost.
pub(super) fn generate_alone(job: Job<'_>, holder: &str, printer: Printer) -> Result<Exit> {
    job.check_key()?;
    consent::ask(&Vec::from_iter(job.expense()?), job.ask_above, printer)?;
    job.work_to_end(holder, printer)
}
