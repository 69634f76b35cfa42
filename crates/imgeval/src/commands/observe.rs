//! `imgeval observe`: runs the detector on every new image, and names missing colors.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use imgeval_core::{CaseId, Category, Pixels, counted};
use imgeval_observe::{LoadedObserver, load_observer};
use imgeval_runner::{
    ColorsThere, NamingLimits, ObserveError, ObserveSettings, ObserveSummary, observe_images,
};
use imgeval_scoring::{Run, ScoringError, read_cases, suite_of};
use imgeval_store::{RunReader, RunWriter};
use imgeval_suites::{geneval::VerdictOptions, suite::SuiteRef};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode_for};

use super::measure::{measure_for_checks, measure_stage};
use super::{holder, judge::JudgeStage, reread::reread_judged, run::first_not_ok};
use crate::{
    advice::judging::{needs_judge, no_judge, no_questions, no_rules},
    args::{DetectorName, ObserveArgs},
    consent,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn observe(args: &ObserveArgs, printer: Printer) -> Result<Exit> {
    if args.reread {
        return reread_judged(&args.run, &args.files, printer);
    }
    // A run that cannot be read is told of after a detector that cannot be had, which is the longer way to repair.
    let suite =
        RunReader::open(&args.run).map_err(ScoringError::from).and_then(|run| suite_of(run.manifest()));
    match suite {
        Ok(suite) if suite.is_checked() => return observe_checked(args, suite, printer),
        Ok(suite) if suite.judged().is_some() => return observe_judged(args, suite, printer),
        Err(error) if !args.judge.judges.is_empty() => return Err(error.into()),
        Ok(suite) if !args.judge.judges.is_empty() => return Err(no_judge(suite).into()),
        _ => {}
    }
    observe_detected(args, printer)
}

/// A detector looks at the images.
fn observe_detected(args: &ObserveArgs, printer: Printer) -> Result<Exit> {
    let loaded = load_observer(&args.detector.settings())?;
    let limits = NamingLimits { above: args.color_threshold as f32, per_category: args.color_objects };
    let colors_there = if args.recompute_colors { ColorsThere::NameAgain } else { ColorsThere::Keep };
    let asked = if args.every_color { AskedColors::Every } else { AskedColors::ByCases };
    let colors = ColorWork { asked, limits, there: colors_there };
    let summary = observe_stage(&args.run, &loaded, colors, &holder("observe"), printer)?;
    if summary == ObserveSummary::default() && Run::open(&args.run)?.coverage()?.usable == 0 {
        return Err(no_usable_image().into());
    }
    Ok(if summary.failed > 0 { Exit::Partial } else { Exit::Ok })
}

/// Whether some detector has looked at every usable image.
fn is_seen_by_one(run: &Run) -> Result<bool> {
    for meta in run.reader().observers()? {
        let mut n_unseen = 0;
        run.reader().for_each_sample(Some(&meta.observer_id()), |observed| {
            let is_unseen = observed.evidence.is_none() && observed.failed_observation.is_none();
            n_unseen += usize::from(observed.sample.outcome.done().is_some() && is_unseen);
        })?;
        if n_unseen == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn no_usable_image() -> CommandError {
    let hint = "import or generate usable images first";
    CommandError::nothing("the run contains no usable image").with_hint(hint)
}

/// Own cases: a detector and judges look, as far as their checks need it.
fn observe_checked(args: &ObserveArgs, suite: SuiteRef, printer: Printer) -> Result<Exit> {
    let run = Run::open(&args.run)?;
    let (detects, judges, measures) = (run.takes_detectors(), run.takes_judges(), run.takes_measures());
    let is_judge_named = !args.judge.judges.is_empty();
    if !run.has_rules() {
        return Err(no_rules().into());
    }
    if is_judge_named && !judges {
        return Err(no_questions().into());
    }
    if !detects && !measures && !is_judge_named {
        return Err(needs_judge(suite).into());
    }
    if run.coverage()?.usable == 0 {
        return Err(no_usable_image().into());
    }
    // Judges need no detector to wait for once one has seen everything; another one that is named looks all the same.
    let is_another = args.detector.detector != DetectorName::Preview || args.detector.weights.is_some();
    let detects = detects && (!is_judge_named || is_another || !is_seen_by_one(&run)?);
    drop(run);
    let is_dry = args.judge.dry_run;
    let detected = if detects && !is_dry { observe_detected(args, printer)? } else { Exit::Ok };
    let measured = if measures && !is_dry && !args.meter.no_metrics {
        measure_for_checks(&args.run, &args.detector.models.places(), &holder("observe"), printer)?
    } else {
        Exit::Ok
    };
    if !is_judge_named {
        if judges {
            printer.insist("observe: the checks also need a judge; choose one: --judge PROVIDER:MODEL");
        }
        return Ok(first_not_ok([detected, measured]));
    }
    let judged = observe_judged(args, suite, printer)?;
    Ok(first_not_ok([judged, detected, measured]))
}

/// Judges look at the images, and what can be measured is measured.
fn observe_judged(args: &ObserveArgs, suite: SuiteRef, printer: Printer) -> Result<Exit> {
    let holder = holder("observe");
    let has_metrics = suite.judged().is_some_and(|judged| judged.has_edit_metrics);
    if args.judge.judges.is_empty() && !has_metrics {
        return Err(needs_judge(suite).into());
    }
    let stage = JudgeStage {
        run: &args.run,
        args: &args.judge,
        files: &args.files,
        spending: &args.spending,
        suites: &args.suites,
        holder: &holder,
    };
    let judged = if args.judge.judges.is_empty() {
        Exit::Ok
    } else {
        let panel = stage.panel(suite, printer)?;
        consent::ask(&stage.expenses(&panel, suite, None)?, panel.ask_above, printer)?;
        stage.work(&panel, suite, printer)?
    };
    if !has_metrics || args.meter.no_metrics || args.judge.dry_run || judged == Exit::Interrupted {
        return Ok(judged);
    }
    let measured = measure_stage(&args.run, &args.meter.weights(&args.detector), &holder, printer)?;
    Ok(if judged == Exit::Ok { measured } else { judged })
}

/// The colors that a verdict by these options may ask for, and those that the official ones would.
pub(super) fn limits_for(options: &VerdictOptions) -> NamingLimits {
    let official = NamingLimits::default();
    let threshold = options.threshold.min(options.counting_threshold) as f32;
    NamingLimits {
        above: official.above.min(threshold),
        per_category: official.per_category.max(options.max_objects),
    }
}

/// Which colors a dear namer is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColorWork {
    pub(super) asked: AskedColors,
    pub(super) limits: NamingLimits,
    pub(super) there: ColorsThere,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum AskedColors {
    /// Of the classes whose color a prompt of the image asks for: all that a verdict needs.
    ByCases,
    /// Of every class.
    Every,
}

pub(super) fn observe_stage(
    run: &Path,
    loaded: &LoadedObserver,
    colors: ColorWork,
    holder: &str,
    printer: Printer,
) -> Result<ObserveSummary> {
    let mut run = RunWriter::open(run, holder)?;
    let suite = suite_of(run.manifest())?;
    let cases = read_cases(&run, suite)?;
    let asked: BTreeMap<CaseId, Vec<Category>> = cases
        .into_iter()
        .filter_map(|(id, case)| Some((id, case.objects?.colored_categories().into_iter().collect())))
        .collect();
    // Whether an image is too large was decided when it was imported.
    let decode_limits = DecodeLimits { max_pixels: u64::MAX };
    let settings = ObserveSettings {
        decode_threads: loaded.threads,
        detect_threads: loaded.threads,
        decode: &|bytes: &[u8]| -> Result<Pixels, _> {
            let image = inspect_and_decode_for(bytes, &decode_limits, loaded.working_bytes);
            image.map(|image| image.pixels).map_err(|error| error.failure())
        },
        asked_by: &|case| match colors.asked {
            AskedColors::ByCases => asked.get(case).cloned().unwrap_or_default(),
            AskedColors::Every => Category::all().collect(),
        },
        limits: colors.limits,
        colors_there: colors.there,
    };
    let mut progress = printer.progress("observe", "image");
    let result = observe_images(&mut run, &loaded.observer, &settings, &mut |event| progress.show(event));
    progress.finish();
    let summary = result.map_err(|error| match error {
        ObserveError::Store(error) => anyhow::Error::from(error),
        ObserveError::Canary(_) => {
            let hint =
                "verify the weights with `imgeval models check`; intact weights that give wrong numbers point to this machine";
            CommandError::mendable(error.to_string(), hint).into()
        }
    })?;
    let ObserveSummary { observed, named, failed } = summary;
    let title = &loaded.observer.meta().title;
    let looked_at = counted(observed, "image");
    printer.talk(format_args!("observe: {looked_at} evaluated by {title}, {failed} failed"));
    if named > 0 {
        printer.talk(format_args!("observe: colors named in {named} previously evaluated images"));
    }
    Ok(summary)
}
