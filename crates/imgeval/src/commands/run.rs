//! `imgeval run`: generates or imports, evaluates and scores images in one command, for any suite.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use imgeval_core::Usd;
use imgeval_files::OwnFolder;
use imgeval_observe::{DetectorSettings, LoadedObserver, check_weights, load_observer};
use imgeval_report::{
    tables::{calls_table, comparison_json, comparison_table, terminal::View, verdicts_table},
    verdicts::VerdictsView,
};
use imgeval_runner::ColorsThere;
use imgeval_scoring::{OpenedRun, Run, Scored, Side, add_verdict, compare_with_fresh};
use imgeval_suites::{
    geneval::{SuiteConfig, parameters_of},
    registry,
    suite::Parameters,
};
use serde_json::{Map, Value};

use super::measure::measure_stage;
use super::{
    export::write_results,
    generate::Job,
    holder,
    import::import_stage,
    judge::{Coming, JudgeStage, Panel},
    observe::{AskedColors, ColorWork, limits_for, observe_stage},
    run_checked::{generate_alone, run_checked},
    score::{Asked, Scores, Table},
    session_measures::print_run,
};
use crate::{
    advice::judging::{needs_judge, no_judge},
    args::RunArgs,
    consent,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};
use imgeval_generation::{CaseSet, WorkEstimate};

/// In the run.
const RESULTS: &str = "geneval-results.jsonl";

/// With at most so many images, every verdict is printed.
const MAX_PRINTED_VERDICTS: usize = 40;

pub(super) fn run(args: &RunArgs, printer: Printer) -> Result<Exit> {
    if args.suite().is_checked() {
        return run_checked(args, printer);
    }
    if args.suite().judged().is_some() {
        return run_with_judges(args, printer);
    }
    if !args.judge.judges.is_empty() {
        return Err(no_judge(args.suite()).into());
    }
    args.verdict.check()?;
    check_fresh(args)?;
    // Before any other work: without weights nothing else is worth starting.
    let loaded = load_observer(&args.detector.settings())?;
    let parameters = parameters_of(&args.generator.config());
    let official = Filling::prepare(&parameters, args.images.as_deref(), args.run.clone(), args, printer)?;
    let fresh = args.fresh.fresh_seed.map(|seed| {
        let config = SuiteConfig { seed, ..args.generator.config() };
        let run = official.run.as_ref().map(|run| fresh_directory(run, seed));
        Filling::prepare(&parameters_of(&config), args.fresh.fresh_images.as_deref(), run, args, printer)
    });
    let fresh = fresh.transpose()?;
    let jobs =
        || [Some(&official), fresh.as_ref()].into_iter().flatten().filter_map(|filling| filling.job.as_ref());
    if !args.generation.dry_run {
        let (mut expenses, mut ask_above) = (Vec::new(), Usd::ZERO);
        for job in jobs() {
            job.check_key()?;
            expenses.extend(job.expense()?);
            ask_above = job.ask_above;
        }
        consent::ask(&expenses, ask_above, printer)?;
    }
    let official = match work_on(official, args, &loaded, printer)? {
        Work::Ended(Exit::Ok) if args.generation.dry_run && fresh.is_some() => None,
        Work::Ended(exit) => return Ok(exit),
        Work::Scored(worked) => Some(*worked),
    };
    let Some(fresh) = fresh else {
        let Some(official) = official else { return Ok(Exit::Ok) };
        let scored = official.print(args, Map::new(), printer);
        return official.end(scored, printer);
    };
    let fresh = match work_on(fresh, args, &loaded, printer)? {
        Work::Ended(exit) => return Ok(exit),
        Work::Scored(worked) => *worked,
    };
    let Some(official) = official else { return Ok(Exit::Ok) };
    let (scored, of_fresh) = print_probe(&official, &fresh, args, printer)?;
    Ok(first_not_ok([official.end(scored, printer)?, fresh.end(of_fresh, printer)?]))
}

/// The exit code of several steps, of which earlier ones weigh more.
pub(super) fn first_not_ok<const N: usize>(exits: [Exit; N]) -> Exit {
    exits.into_iter().find(|exit| *exit != Exit::Ok).unwrap_or(Exit::Ok)
}

/// Which cases, with which images, into which run.
pub(super) struct Filling<'a> {
    pub(super) cases: CaseSet,
    pub(super) images: Option<&'a str>,
    pub(super) run: Option<PathBuf>,
    /// How the images are generated; `None` if they are imported.
    pub(super) job: Option<Job<'a>>,
}

impl<'a> Filling<'a> {
    fn prepare(
        parameters: &Parameters,
        images: Option<&'a str>,
        run: Option<PathBuf>,
        args: &'a RunArgs,
        printer: Printer,
    ) -> Result<Self> {
        let cases = CaseSet::of_suite(args.suite(), &args.suites.files(), parameters)?;
        let cases = cases.with_label(args.label.as_ref()).with_shard(args.part.shard);
        let Some(model) = &args.model else { return Ok(Self { cases, images, run, job: None }) };
        let max_pixels = args.read.limit.for_generated();
        let job = Job::prepare(cases.clone(), model, run.as_deref(), &args.generation, max_pixels, printer)?;
        Ok(Self { cases, images, run: Some(job.directory.clone()), job: Some(job) })
    }
}

enum Work {
    Ended(Exit),
    Scored(Box<Worked>),
}

/// A run that was filled, observed and scored.
struct Worked {
    run: Run,
    /// Of the detector that looked.
    observer: String,
    scored: Scored,
    /// How generating ended.
    generated: Result<Exit>,
    /// The verdicts in the official format, if there are any.
    results: Option<PathBuf>,
}

impl Worked {
    fn scores(&self, args: &RunArgs) -> Result<Scores<'_>> {
        let evaluator = self.run.choose(Some(&self.observer))?;
        let table = evaluator.map(|evaluator| {
            let summary = self.scored.builder.summarise(args.table.settings());
            let coverage = self.scored.coverage.clone();
            Table::from_summary(&self.run, evaluator, summary, coverage, args.table.settings())
        });
        Scores::from_tables(&self.run, table.into_iter().collect(), &args.table)
    }

    /// Prints the scores; gives the exit code that they deserve.
    fn print(&self, args: &RunArgs, more: Map<String, Value>, printer: Printer) -> Result<Exit> {
        self.scores(args)?.print(&args.table, more, printer)
    }

    fn end(self, scored: Result<Exit>, printer: Printer) -> Result<Exit> {
        printer.talk(format_args!("run: {}", self.run.directory().display()));
        if let Some(results) = &self.results {
            printer
                .talk(format_args!("verdicts, one per line in the official format: {}", results.display()));
        }
        // What kept images from being made weighs more than what came of those that were.
        match self.generated? {
            Exit::Ok => scored,
            // Also where the run holds no sample of what is lacking, such as of a prompt that could not be rewritten.
            Exit::Partial => match scored? {
                Exit::Ok => Ok(Exit::Partial),
                scored => Ok(scored),
            },
            stopped => Ok(stopped),
        }
    }
}

/// Fills, observes and scores one run.
fn work_on(filling: Filling<'_>, args: &RunArgs, loaded: &LoadedObserver, printer: Printer) -> Result<Work> {
    let holder = holder("run");
    let (directory, generated) = match (filling.job, filling.images, filling.run) {
        (Some(job), ..) => {
            if args.generation.dry_run {
                return job.dry_run(args.table.json, printer).map(Work::Ended);
            }
            let work = job.work(&holder, printer)?;
            printer.talk(calls_table(&work.view()).render(View::WIDE));
            let summary = &work.summary;
            let has_images = summary.made + summary.done_before + summary.accepted_from_store > 0;
            let is_broken = work.error.is_some() || !has_images;
            match job.exit_of(work) {
                Ok(Exit::Interrupted) => return Ok(Work::Ended(Exit::Interrupted)),
                Err(error) if is_broken => return Err(error),
                generated => (job.directory, generated),
            }
        }
        (None, Some(images), Some(run)) => {
            import_stage(images, &filling.cases, &run, &args.read, &holder, printer)?;
            (run, Ok(Exit::Ok))
        }
        _ => return Err(nothing_to_fill_from().into()),
    };
    let options = args.verdict.options();
    let colors =
        ColorWork { asked: AskedColors::ByCases, limits: limits_for(&options), there: ColorsThere::Keep };
    observe_stage(&directory, loaded, colors, &holder, printer)?;

    let observer = loaded.observer.meta().observer_id().as_str().to_owned();
    let run = Run::open_with(&directory, options)?;
    let evaluator = run.evaluators().iter().find(|evaluator| evaluator.id() == observer);
    let results = directory.join(RESULTS);
    let mut verdicts = VerdictsView::default();
    let (scored, n_rows) = write_results(&run, evaluator, &results, |result| {
        if let Some(evaluator) = evaluator
            && verdicts.len() <= MAX_PRINTED_VERDICTS
        {
            add_verdict(&mut verdicts, evaluator, result);
        }
    })?;
    if !args.table.json && !args.table.csv && (1..=MAX_PRINTED_VERDICTS).contains(&n_rows) {
        printer.table(&verdicts_table(&verdicts))?;
        printer.data("\n")?;
    }
    if n_rows == 0 {
        // Rows of an earlier call, of images that are no longer usable.
        OwnFolder::open(&directory)
            .and_then(|run| run.remove(RESULTS))
            .with_context(|| format!("could not remove `{}`", results.display()))?;
    }
    let results = (n_rows > 0).then_some(results);
    Ok(Work::Scored(Box::new(Worked { run, observer, scored, generated, results })))
}

/// What looks at rounds; `None` if no measures are wanted.
fn detector_of_rounds(args: &RunArgs) -> Option<DetectorSettings> {
    (!args.meter.no_metrics).then(|| args.detector.settings())
}

fn nothing_to_fill_from() -> CommandError {
    CommandError::usage("choose images with --images and --run, or a --model")
}

/// Refuses a probe that would compare prompts with themselves.
fn check_fresh(args: &RunArgs) -> Result<(), CommandError> {
    let official = SuiteConfig::default();
    let Some(seed) = args.fresh.fresh_seed else { return Ok(()) };
    if args.generator.config() != official {
        let message = "--fresh-seed compares with the official prompts; leave out --seed and --per-task";
        return Err(CommandError::usage(message));
    }
    if seed == official.seed {
        let message = format!("{seed} is the seed of the official prompts; use another one");
        return Err(CommandError::usage(message));
    }
    if args.images.is_some() && args.fresh.fresh_images.is_none() {
        let message = "pass the images of the fresh prompts with --fresh-images";
        let suite = registry::default_suite().id();
        let hint = format!("`imgeval prompts {suite} --seed {seed}` prints the prompts to generate for");
        return Err(CommandError::usage(message).with_hint(hint));
    }
    Ok(())
}

/// Beside the run of the official prompts.
fn fresh_directory(official: &Path, seed: u64) -> PathBuf {
    let mut name = official.file_name().unwrap_or_default().to_os_string();
    name.push(format!("-fresh-{seed}"));
    official.with_file_name(name)
}

/// Prints the scores of both runs and the gap between them; gives the exit codes that the scores deserve.
fn print_probe(
    official: &Worked,
    fresh: &Worked,
    args: &RunArgs,
    printer: Printer,
) -> Result<(Result<Exit>, Result<Exit>)> {
    let settings = args.table.settings();
    let open =
        |worked: &Worked| OpenedRun::open_with(worked.run.directory(), settings, *worked.run.options());
    let (of_official, of_fresh) = (open(official)?, open(fresh)?);
    let side = |run| Side::by(run, &official.observer);
    let (Some(a), Some(b)) = (side(&of_official), side(&of_fresh)) else {
        return Err(CommandError::nothing("one of the two runs has no verdicts").into());
    };
    let comparison = compare_with_fresh(a, b, settings);
    if args.table.json {
        let fresh = fresh.scores(args)?;
        let more = Map::from_iter([
            ("fresh".to_owned(), Value::Object(fresh.to_json(&args.table))),
            ("gap".to_owned(), comparison_json(&comparison)),
        ]);
        return Ok((official.print(args, more, printer), fresh.exit(&args.table, printer)));
    }
    let of_official = official.print(args, Map::new(), printer);
    printer.data("\n")?;
    let of_fresh = fresh.print(args, Map::new(), printer);
    printer.data("\n")?;
    printer.table(&comparison_table(&comparison))?;
    Ok((of_official, of_fresh))
}

/// Fills a run whose images nobody is asked about.
fn fill_alone(filling: Filling<'_>, args: &RunArgs, holder: &str, printer: Printer) -> Result<Exit> {
    match (filling.job, filling.images, filling.run) {
        (Some(job), ..) => generate_alone(job, holder, printer),
        (None, Some(images), Some(run)) => {
            import_stage(images, &filling.cases, &run, &args.read, holder, printer)?;
            Ok(Exit::Ok)
        }
        _ => Err(nothing_to_fill_from().into()),
    }
}

/// For suites that judges score: the images are filled in, judged and measured.
fn run_with_judges(args: &RunArgs, printer: Printer) -> Result<Exit> {
    let suite = args.suite();
    if args.fresh.fresh_seed.is_some() {
        return Err(CommandError::usage("only GenEval's prompts can be drawn fresh").into());
    }
    let is_measured = suite.facts().has_controls;
    if args.judge.judges.is_empty() && !is_measured {
        return Err(needs_judge(suite).into());
    }
    let holder = holder("run");
    let parameters = args.generator.parameters(suite)?;
    let filling = Filling::prepare(&parameters, args.images.as_deref(), args.run.clone(), args, printer)?;
    if let Some(job) = filling.job.as_ref().filter(|_| args.generation.dry_run) {
        return job.dry_run(args.table.json, printer);
    }
    let can_be_filled = filling.job.is_some() || filling.images.is_some();
    let Some(directory) = filling.run.clone().filter(|_| can_be_filled) else {
        return Err(nothing_to_fill_from().into());
    };
    if args.judge.judges.is_empty() {
        printer.warn("run: no judge was given, so instruction following is not scored");
        let generated = fill_alone(filling, args, &holder, printer)?;
        if generated != Exit::Interrupted {
            print_run(&directory, detector_of_rounds(args).as_ref(), args.table.settings(), printer)?;
            printer.talk(format_args!("run: {}", directory.display()));
        }
        return Ok(generated);
    }
    let stage = JudgeStage::of_run(args, &directory, &holder);
    // A judge that cannot be asked is no reason to pay for images first.
    let panel = stage.panel(suite, printer)?;
    let generated = match fill_for_judges(filling, args, &stage, &panel, printer)? {
        Exit::Interrupted => return Ok(Exit::Interrupted),
        generated => generated,
    };
    let judged = stage.work(&panel, suite, printer)?;
    if judged == Exit::Interrupted || args.judge.dry_run {
        return Ok(judged);
    }
    if suite.judged().is_some_and(|judged| judged.has_edit_metrics) && !args.meter.no_metrics {
        measure_stage(&directory, &args.meter.weights(&args.detector), &holder, printer)?;
    }
    let run = Run::open(&directory)?;
    let scored = Scores::of(&run, Asked::default(), &args.table)?.print(&args.table, Map::new(), printer)?;
    if is_measured && !args.table.json && !args.table.csv {
        printer.data("\n")?;
        print_run(&directory, detector_of_rounds(args).as_ref(), args.table.settings(), printer)?;
    }
    printer.talk(format_args!("run: {}", directory.display()));
    // What kept images from being made or judged weighs more than what came of those that were.
    Ok(first_not_ok([generated, judged, scored]))
}

/// Fills the run, after the user has agreed to what filling and judging may cost.
pub(super) fn fill_for_judges(
    filling: Filling<'_>,
    args: &RunArgs,
    stage: &JudgeStage<'_>,
    panel: &Panel,
    printer: Printer,
) -> Result<Exit> {
    let Some(job) = filling.job else {
        let images = filling.images.unwrap_or_default();
        import_stage(images, &filling.cases, stage.run, &args.read, stage.holder, printer)?;
        consent::ask(&stage.expenses(panel, args.suite(), None)?, panel.ask_above, printer)?;
        return Ok(Exit::Ok);
    };
    job.check_key()?;
    let mut expenses = Vec::from_iter(job.expense()?);
    expenses.extend(stage.expenses(panel, args.suite(), coming(&job)?.as_ref())?);
    consent::ask(&expenses, panel.ask_above, printer)?;
    job.work_to_end(stage.holder, printer)
}

/// What the job will have made before its images are judged; `None` if it has no cases.
fn coming(job: &Job<'_>) -> Result<Option<Coming>> {
    let Some(case) = job.first_case() else { return Ok(None) };
    let estimate = job.estimate_left()?;
    Ok(Some(Coming { images: estimate.calls, held: estimate.done, case: case.clone() }))
}

/// What a call of `run` would do.
#[derive(Default)]
pub(super) struct Forecast {
    /// Of images that are generated.
    pub(super) images: Option<WorkEstimate>,
    /// Of what judges are asked; `None` without judges, or where that cannot be known before images are there.
    pub(super) questions: Option<QuestionEstimate>,
    /// Judges without a known price, by their models.
    pub(super) unpriced_judges: Vec<String>,
    /// Why it cannot begin, as far as that can be known without asking a provider.
    pub(super) missing: Vec<anyhow::Error>,
}

/// What judges will be asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct QuestionEstimate {
    pub(super) asked: usize,
    /// Of the questions with a known price.
    pub(super) cost: Usd,
    pub(super) unpriced: usize,
}

/// Computes what `run` would need and cost. Touches no run and calls no provider.
///
/// # Errors
/// If there are no cases.
pub(super) fn forecast_run(args: &RunArgs, printer: Printer) -> Result<Forecast> {
    let suite = args.suite();
    let mut cases = match suite.is_checked() {
        true => CaseSet::of_suite(suite, &args.suites.files(), &Parameters::new())?,
        false => CaseSet::of_suite(suite, &args.suites.files(), &args.generator.parameters(suite)?)?,
    };
    let mut forecast = Forecast::default();
    if suite.judged().is_none() && !suite.is_checked() {
        forecast.missing.extend(check_weights(&args.detector.settings()).err().map(Into::into));
    }
    let max_pixels = args.read.limit.for_generated();
    let job = args.model.as_deref().map(|model| {
        Job::prepare(cases.clone(), model, args.run.as_deref(), &args.generation, max_pixels, printer)
    });
    let job = match job.transpose() {
        Ok(job) => job,
        Err(error) => {
            forecast.missing.push(error);
            None
        }
    };
    if let Some(job) = &job {
        forecast.missing.extend(job.check_key().err().map(Into::into));
        match job.estimate_left() {
            Ok(estimate) => forecast.images = Some(estimate),
            Err(error) => forecast.missing.push(error),
        }
    }
    if args.judge.judges.is_empty() {
        if suite.judged().is_some_and(|_| !suite.facts().has_controls) && !suite.is_checked() {
            forecast.missing.push(needs_judge(suite).into());
        }
        return Ok(forecast);
    }
    let directory = args.run.clone().unwrap_or_default();
    let stage = JudgeStage::of_run(args, &directory, "");
    cases.select(&args.generation.ids, &args.generation.tags, args.generation.limit)?;
    let by_id = cases.cases.iter().map(|case| (case.id.clone(), case.clone())).collect();
    match stage.panel_for(suite, &by_id, printer) {
        Ok(panel) => {
            if let Some(case) = cases.cases.first() {
                forecast.unpriced_judges = panel.without_price(suite, case);
            }
            if let (Some(images), Some(case)) = (&forecast.images, cases.cases.first()) {
                let images = images.calls + images.done;
                forecast.questions = stage.questions_ahead(&panel, suite, case, images);
            }
        }
        Err(error) => forecast.missing.push(error),
    }
    Ok(forecast)
}
