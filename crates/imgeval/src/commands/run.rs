//! `imgeval run`: generate or import, observe and score in one go.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use imgeval_core::Usd;
use imgeval_files::OwnFolder;
use imgeval_report::tables::{comparison_json, comparison_table};
use imgeval_runner::ColorsThere;
use imgeval_suites::geneval::SuiteConfig;
use serde_json::{Map, Value};

use super::{
    export::write_results,
    generate::Job,
    holder,
    import::{Destination, import_stage},
    observe::{AskedColors, ColorWork, limits_for, observe_stage},
    score::{exit_of, print_scored, scored_json},
};
use crate::{
    args::{RunArgs, Suite},
    cases::CaseSet,
    consent,
    exit_code::Exit,
    failure::CommandError,
    judged::protocols::no_judge,
    observers::{LoadedObserver, load_observer},
    printer::Printer,
    report::{OpenedRun, Side, compare_with_fresh},
    scored_run::{ScoredRun, ScoredSummary},
    verdict_lines::VerdictLines,
};

/// In the run.
const RESULTS: &str = "geneval-results.jsonl";

/// With at most so many images, every verdict is printed.
const MAX_PRINTED_VERDICTS: usize = 40;

pub(super) fn run(args: &RunArgs, printer: Printer) -> Result<Exit> {
    if args.suite != Suite::Geneval {
        if args.fresh.fresh_seed.is_some() {
            return Err(CommandError::usage("only GenEval's prompts can be drawn afresh").into());
        }
        return super::run_judged::run_judged(args, printer);
    }
    if !args.judge.judges.is_empty() {
        return Err(no_judge().into());
    }
    args.verdict.check()?;
    check_fresh(args)?;
    // Before any other work: without weights nothing else is worth starting.
    let loaded = load_observer(&args.detector)?;
    let official =
        Prompts::prepare(args.generator.config(), args.images.as_deref(), args.run.clone(), args, printer)?;
    let fresh = args.fresh.fresh_seed.map(|seed| {
        let config = SuiteConfig { seed, ..args.generator.config() };
        let run = official.run.as_ref().map(|run| fresh_directory(run, seed));
        Prompts::prepare(config, args.fresh.fresh_images.as_deref(), run, args, printer)
    });
    let fresh = fresh.transpose()?;
    let jobs =
        || [Some(&official), fresh.as_ref()].into_iter().flatten().filter_map(|prompts| prompts.job.as_ref());
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
        print_scored(&official.run, &official.scored, &args.table, None, Map::new(), printer)?;
        return official.end(args, printer);
    };
    let fresh = match work_on(fresh, args, &loaded, printer)? {
        Work::Ended(exit) => return Ok(exit),
        Work::Scored(worked) => *worked,
    };
    let Some(official) = official else { return Ok(Exit::Ok) };
    print_probe(&official, &fresh, args, printer)?;
    let exits = [official.end(args, printer)?, fresh.end(args, printer)?];
    Ok(exits.into_iter().find(|exit| *exit != Exit::Ok).unwrap_or(Exit::Ok))
}

/// Which prompts, with which images, into which run.
struct Prompts<'a> {
    config: SuiteConfig,
    images: Option<&'a str>,
    run: Option<PathBuf>,
    /// How the images are generated; `None` if they are imported.
    job: Option<Job<'a>>,
}

impl<'a> Prompts<'a> {
    fn prepare(
        config: SuiteConfig,
        images: Option<&'a str>,
        run: Option<PathBuf>,
        args: &'a RunArgs,
        printer: Printer,
    ) -> Result<Self> {
        let Some(model) = &args.model else { return Ok(Self { config, images, run, job: None }) };
        let (cases, max_pixels) = (CaseSet::of_geneval(config)?, args.read.limit.for_generated());
        let job = Job::prepare(cases, model, run.as_deref(), &args.generation, max_pixels, printer)?;
        Ok(Self { config, images, run: Some(job.directory.clone()), job: Some(job) })
    }
}

enum Work {
    Ended(Exit),
    Scored(Box<Worked>),
}

/// A run that was filled, observed and scored.
struct Worked {
    directory: PathBuf,
    run: ScoredRun,
    scored: ScoredSummary,
    /// How generating ended.
    generated: Result<Exit>,
    /// The verdicts in the official format, if there are any.
    results: Option<PathBuf>,
}

impl Worked {
    fn end(self, args: &RunArgs, printer: Printer) -> Result<Exit> {
        printer.talk(format_args!("run: {}", self.directory.display()));
        if let Some(results) = &self.results {
            printer.talk(format_args!("verdicts, one a line in the official format: {}", results.display()));
        }
        // What kept images from being made weighs more than what came of those that were.
        match self.generated? {
            Exit::Ok => exit_of(&self.scored, &args.table, printer),
            // Also where the run holds no sample of what is lacking, such as of a prompt that could not be rewritten.
            Exit::Partial => match exit_of(&self.scored, &args.table, printer)? {
                Exit::Ok => Ok(Exit::Partial),
                scored => Ok(scored),
            },
            stopped => Ok(stopped),
        }
    }
}

/// Fills, observes and scores one run.
fn work_on(prompts: Prompts<'_>, args: &RunArgs, loaded: &LoadedObserver, printer: Printer) -> Result<Work> {
    let holder = holder("run");
    let (directory, generated) = match (prompts.job, prompts.images, prompts.run) {
        (Some(job), ..) => {
            if args.generation.dry_run {
                return job.dry_run(args.table.json, printer).map(Work::Ended);
            }
            let work = job.work(&holder, printer)?;
            printer.talk(work.table().render_text());
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
            let into = Destination { run: &run, config: prompts.config, read: &args.read };
            import_stage(images, into, &holder, printer)?;
            (run, Ok(Exit::Ok))
        }
        _ => return Err(CommandError::usage("name the images with --images and --run, or a --model").into()),
    };
    let options = args.verdict.options();
    let colors =
        ColorWork { asked: AskedColors::ByCases, limits: limits_for(&options), there: ColorsThere::Keep };
    observe_stage(&directory, loaded, colors, &holder, printer)?;

    let observer_id = loaded.observer.meta().observer_id();
    let run = ScoredRun::open(&directory, Some(observer_id.as_str()), options)?;
    let results = directory.join(RESULTS);
    let mut lines = VerdictLines::default();
    let (builder, coverage, n_rows) = write_results(&run, &results, |verdict| {
        if lines.len() <= MAX_PRINTED_VERDICTS {
            lines.add(verdict);
        }
    })?;
    if !args.table.json && !args.table.csv && (1..=MAX_PRINTED_VERDICTS).contains(&n_rows) {
        printer.data(format_args!("{}\n", lines.render()))?;
    }
    if n_rows == 0 {
        // Rows of an earlier call, of images that are no longer usable.
        OwnFolder::open(&directory)
            .and_then(|run| run.remove(RESULTS))
            .with_context(|| format!("could not remove `{}`", results.display()))?;
    }
    let scored = ScoredSummary { summary: builder.summarise(args.table.settings()), coverage };
    let results = (n_rows > 0).then_some(results);
    Ok(Work::Scored(Box::new(Worked { directory, run, scored, generated, results })))
}

/// Refuses a probe that would compare prompts with themselves.
fn check_fresh(args: &RunArgs) -> Result<(), CommandError> {
    let official = SuiteConfig::default();
    let Some(seed) = args.fresh.fresh_seed else { return Ok(()) };
    if args.generator.config() != official {
        let message =
            "--fresh-seed stands beside the official prompts, so that --seed and --per-task must be left out";
        return Err(CommandError::usage(message));
    }
    if seed == official.seed {
        let message = format!("{seed} is the seed of the official prompts; fresh ones need another");
        return Err(CommandError::usage(message));
    }
    if args.images.is_some() && args.fresh.fresh_images.is_none() {
        let message = "name the images of the fresh prompts with --fresh-images";
        let hint = format!("`imgeval prompts geneval --seed {seed}` prints the prompts to make them for");
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

/// The scores of both runs and the gap between them.
fn print_probe(official: &Worked, fresh: &Worked, args: &RunArgs, printer: Printer) -> Result<()> {
    let settings = args.table.settings();
    let observer = official.run.observer().map(|observer| observer.observer_id());
    let open = |worked: &Worked| OpenedRun::open_with(&worked.directory, settings, *official.run.options());
    let (of_official, of_fresh) = (open(official)?, open(fresh)?);
    let side = |run| Side::by(run, observer.as_ref().map(|id| id.as_str()).unwrap_or_default());
    let (Some(a), Some(b)) = (side(&of_official), side(&of_fresh)) else {
        return Err(CommandError::nothing("one of the two runs has no verdicts").into());
    };
    let comparison = compare_with_fresh(a, b, settings);
    if args.table.json {
        let scores = scored_json(&fresh.run, &fresh.scored, None);
        let more = Map::from_iter([
            ("fresh".to_owned(), Value::Object(scores)),
            ("gap".to_owned(), comparison_json(&comparison)),
        ]);
        return print_scored(&official.run, &official.scored, &args.table, None, more, printer);
    }
    print_scored(&official.run, &official.scored, &args.table, None, Map::new(), printer)?;
    printer.data("\n")?;
    print_scored(&fresh.run, &fresh.scored, &args.table, None, Map::new(), printer)?;
    printer.data("\n")?;
    printer.table(&comparison_table(&comparison))
}
