//! What a step lacks, what it would ask for, and what that would cost.

use std::path::Path;

use anyhow::Result;
use clap::Parser as _;
use imgeval_core::Usd;
use imgeval_fetch::weights::{self, Hashing, StoreError, locate_member};
use imgeval_study::{Images, NamedPlace, Step, Study, Task, is_pattern, split_place};

use super::arguments::arguments;
use crate::{
    args::{Cli, Command},
    commands::run::{Forecast, forecast_run},
    environment,
    failure::render_error,
    printer::Printer,
};

/// What carrying a step out would mean.
#[derive(Default)]
pub(super) struct Outlook {
    /// Calls to providers; `None` where the step makes none, or nobody can know yet.
    pub(super) calls: Option<usize>,
    /// Of the calls with a known price.
    pub(super) cost: Option<Usd>,
    /// Calls without a known price.
    pub(super) unpriced: usize,
    /// At least, by the limits of the provider.
    pub(super) seconds: Option<f64>,
    /// Each in a sentence that says how to get it.
    pub(super) missing: Vec<String>,
}

/// Looks at everything that can be looked at without asking a provider. Places below the study's folder come about by earlier steps.
pub(super) fn outlook(step: &Step, study: &Study, printer: Printer) -> Outlook {
    let own = &study.out();
    let mut outlook = Outlook::default();
    let mut check = |place: &str| {
        if is_missing(place, own) {
            outlook.missing.push(format!("`{place}` does not exist"));
        }
    };
    let named = |places: &[NamedPlace]| places.iter().map(|at| at.place.clone()).collect::<Vec<_>>();
    match &step.task {
        Task::Suite { images, .. } => {
            if let Images::Existing(place) = images {
                check(place);
            }
            match forecast(step, printer) {
                Ok(forecast) => {
                    if study.max_cost.is_some() {
                        let no_price = |judge: &String| {
                            format!(
                                "no price is known for {judge}, so max_cost cannot be kept (state its price in the catalogue, or remove max_cost and agree with --yes)"
                            )
                        };
                        outlook.missing.extend(forecast.unpriced_judges.iter().map(no_price));
                    }
                    outlook.add(forecast);
                }
                Err(error) => outlook.missing.push(sentence(&error)),
            }
        }
        Task::Weaknesses { runs, reference } => {
            runs.iter().for_each(|run| check(&run.to_string_lossy()));
            reference.iter().for_each(|place| check(place));
        }
        Task::Artefacts { places, reference, .. } => {
            named(places).iter().chain(reference).for_each(|place| check(place));
        }
        Task::TrainProbe { classes, targets, kind, .. } => {
            named(classes).iter().chain(&named(targets)).for_each(|place| check(place));
            if kind.as_deref().is_some_and(|kind| kind.starts_with("clip")) {
                outlook.missing.extend(lacking_weights("clip"));
            }
        }
        Task::ApplyProbe { probe, places, .. } => {
            check(&probe.to_string_lossy());
            named(places).iter().for_each(|place| check(place));
        }
        Task::Rounds { places, .. } => named(places).iter().for_each(|place| check(place)),
        Task::Forensics { fakes, reals, detectors, .. } => {
            named(fakes).iter().for_each(|place| check(place));
            reals.iter().for_each(|text| check(split_place(text).1));
            for detector in detectors {
                outlook.missing.extend(lacking_weights(detector.split(':').next().unwrap_or(detector)));
            }
        }
        Task::Report { .. } => {}
    }
    outlook
}

impl Outlook {
    fn add(&mut self, forecast: Forecast) {
        self.missing.extend(forecast.missing.iter().map(sentence));
        if let Some(images) = &forecast.images {
            self.calls = Some(images.calls + images.rewrites);
            self.cost = Some(images.cost);
            self.unpriced = images.unpriced;
            self.seconds = images.least_time().map(|time| time.as_secs_f64());
        }
        if let Some(questions) = forecast.questions {
            self.calls = Some(self.calls.unwrap_or(0) + questions.asked);
            self.cost = Some(self.cost.unwrap_or(Usd::ZERO) + questions.cost);
            self.unpriced += questions.unpriced;
        }
    }
}

fn forecast(step: &Step, printer: Printer) -> Result<Forecast> {
    let line = arguments(&step.task, None);
    let cli = Cli::try_parse_from(std::iter::once("imgeval".to_owned()).chain(line));
    match cli.map(|cli| cli.command) {
        Ok(Command::Run(args)) => forecast_run(&args, printer),
        Ok(_) => Ok(Forecast::default()),
        // Such as a size that cannot be read.
        Err(error) => {
            let text = error.to_string();
            let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(crate::failure::CommandError::usage(what).into())
        }
    }
}

/// A place that neither exists nor will come about.
pub(super) fn is_missing(place: &str, own: &Path) -> bool {
    let path = Path::new(place);
    !is_there(place) && !path.starts_with(own)
}

/// Whether something is at a place; patterns are taken on trust.
pub(super) fn is_there(place: &str) -> bool {
    is_pattern(place) || Path::new(place).exists()
}

fn lacking_weights(set: &str) -> Option<String> {
    let known = weights::find(set)?;
    let places = environment::places(None);
    let is_missing =
        |member| matches!(locate_member(member, &places, Hashing::Recorded), Err(StoreError::Missing { .. }));
    known
        .members
        .iter()
        .any(is_missing)
        .then(|| format!("the weights of {set} are not installed (`imgeval models pull {set}`)"))
}

/// An error and its hint on one line.
fn sentence(error: &anyhow::Error) -> String {
    let text = render_error(error).text;
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    match text.split_once("\n  hint: ") {
        Some((what, hint)) => format!("{what} ({hint})"),
        None => text.to_owned(),
    }
}
