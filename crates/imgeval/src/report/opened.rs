//! A run as reports and comparisons see it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Result;
use imgeval_core::{ImageRecord, ImageRef, ObserverId, Outcome, Protocol, Sample};
use imgeval_metrics::{BootstrapSettings, Cluster};
use imgeval_report::model::{Cell, ImageView, IntervalView, ProtocolView, RunView, SampleView};
use imgeval_store::{ObservedSample, RunReader, Spend};
use imgeval_suites::geneval::VerdictOptions;
use rayon::prelude::*;

use super::{detected::DetectedRun, judged::JudgedSource, unscored::UnscoredRun};
use crate::{
    args::Suite, failure::CommandError, generation_table::spend_line, judged::cases::JudgedCase,
    scored_run::is_official_suite,
};

/// One run with everything but its samples, which come one by one.
pub(crate) struct OpenedRun {
    pub(crate) directory: PathBuf,
    /// `None` for a run of one's own cases, which has no rules.
    pub(crate) suite: Option<Suite>,
    /// Whether its prompts are those that published scores are for.
    pub(crate) is_official: bool,
    pub(crate) view: RunView,
    /// One for each observer of the view.
    pub(crate) scored: Vec<ScoredView>,
    source: Source,
}

enum Source {
    Detected(DetectedRun),
    Judged(Box<JudgedSource>),
    Unscored(Box<UnscoredRun>),
}

/// The scores by one observer.
pub(crate) struct ScoredView {
    pub(crate) protocol: Protocol,
    /// In the order of the suite's columns.
    pub(crate) cells: Vec<Cell>,
    pub(crate) parts: Vec<Part>,
}

/// The prompts of one tag, category or folder that have a score.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Names its random stream.
    pub(crate) key: u64,
    /// Its share of the overall score; `None` where every image counts the same.
    pub(crate) weight: Option<f64>,
    /// By case.
    pub(crate) prompts: BTreeMap<String, Cluster>,
    /// Of the scores of all images.
    pub(crate) sum_of_squares: f64,
}

impl OpenedRun {
    /// # Errors
    /// If there is no run, or it cannot be read.
    pub(crate) fn open(directory: &Path, settings: BootstrapSettings) -> Result<Self> {
        Self::open_with(directory, settings, VerdictOptions::default())
    }

    /// Several at once.
    ///
    /// # Errors
    /// As [`Self::open`], of the first that cannot be opened.
    pub(crate) fn open_all(directories: &[PathBuf], settings: BootstrapSettings) -> Result<Vec<Self>> {
        let opened: Vec<Result<Self>> =
            directories.par_iter().map(|directory| Self::open(directory, settings)).collect();
        opened.into_iter().collect()
    }

    /// As [`Self::open`], with other options for verdicts on detections.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_with(
        directory: &Path,
        settings: BootstrapSettings,
        options: VerdictOptions,
    ) -> Result<Self> {
        let name = name_of(directory);
        let manifest = RunReader::open(directory)?.manifest().clone();
        let suite = Suite::from_name(&manifest.suite);
        let (source, view, scored) = match suite {
            Some(Suite::Geneval) => {
                let (run, view, scored) = DetectedRun::open(directory, name, settings, options)?;
                (Source::Detected(run), view, scored)
            }
            Some(_) => {
                let (run, view, scored) = JudgedSource::open(directory, name, settings)?;
                (Source::Judged(Box::new(run)), view, scored)
            }
            None if manifest.suite == "cases" => {
                let (run, view) = UnscoredRun::open(directory, name)?;
                (Source::Unscored(Box::new(run)), view, Vec::new())
            }
            None => {
                let message =
                    format!("the run is of `{}`, a suite that this version does not know", manifest.suite);
                return Err(CommandError::mismatch(message).into());
            }
        };
        let is_official = match suite {
            Some(Suite::Geneval) => is_official_suite(&manifest),
            Some(Suite::WiseLegacyRewrite) | None => false,
            Some(_) => true,
        };
        Ok(Self { directory: directory.to_owned(), suite, is_official, view, scored, source })
    }

    /// Visits every sample, ordered by case and number; failed ones too.
    ///
    /// # Errors
    /// If the run cannot be read, or the visitor fails.
    pub(crate) fn for_each_sample(
        &self,
        run: usize,
        visit: &mut dyn FnMut(SampleView) -> Result<()>,
    ) -> Result<()> {
        match &self.source {
            Source::Detected(source) => source.for_each_sample(run, visit),
            Source::Judged(source) => source.for_each_sample(run, visit),
            Source::Unscored(source) => source.for_each_sample(run, visit),
        }
    }
}

/// The folder's own name.
fn name_of(directory: &Path) -> String {
    let full = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    full.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn image_view(record: &ImageRecord) -> ImageView {
    ImageView {
        hash: record.hash.as_str().to_owned(),
        extension: record.format.extension().to_owned(),
        width: record.width,
        height: record.height,
    }
}

/// Every sample as this observer has seen it, files that only repeat another sample left out; an error of the visitor ends it.
pub(super) fn visit_samples(
    reader: &RunReader,
    observer: Option<&ObserverId>,
    mut visit: impl FnMut(&ObservedSample) -> Result<()>,
) -> Result<()> {
    let mut result = Ok(());
    reader.for_each_sample(observer, |observed| {
        if result.is_ok() && !observed.is_redundant {
            result = visit(&observed);
        }
    })?;
    result
}

/// A sample that nobody has said anything of yet.
pub(super) fn sample_view(run: usize, sample: &Sample) -> SampleView {
    let (outcome, detail, image) = match &sample.outcome {
        Outcome::Done(record) => ("ok".to_owned(), String::new(), Some(image_view(record))),
        Outcome::Failed(failure) => (failure.kind.code().to_owned(), failure.detail.clone(), None),
    };
    SampleView {
        run,
        case: sample.id.case.as_str().to_owned(),
        index: sample.id.ordinal,
        part: String::new(),
        prompt: String::new(),
        expectation: String::new(),
        outcome,
        detail,
        image,
        input: None,
        opinions: Vec::new(),
    }
}

/// As [`sample_view`], with what was asked.
pub(super) fn judged_sample_view(run: usize, sample: &Sample, case: Option<&JudgedCase>) -> SampleView {
    let view = sample_view(run, sample);
    match case {
        None => view,
        Some(case) => {
            let (prompt, image) = case.asked_in(sample.id.round);
            let (part, prompt, input) = (case.tag.clone(), prompt.to_owned(), image.map(input_view));
            SampleView { part, prompt, input, ..view }
        }
    }
}

fn input_view(input: &ImageRef) -> ImageView {
    ImageView {
        hash: input.hash.as_str().to_owned(),
        extension: input.format.extension().to_owned(),
        width: 0,
        height: 0,
    }
}

/// What was spent, without the word itself.
pub(super) fn spend_text(spend: &Spend) -> String {
    let line = spend_line(spend);
    line.trim_end().trim_start_matches("spend: ").to_owned()
}

pub(super) fn protocol_view(protocol: &Protocol) -> ProtocolView {
    let facts = protocol.facts().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    ProtocolView { fingerprint: protocol.fingerprint(), facts }
}

pub(super) fn interval_view(interval: imgeval_core::Interval) -> IntervalView {
    IntervalView { low: interval.low, high: interval.high, method: interval.method.code().to_owned() }
}

/// Facts of a manifest by name: the suite's parameters and what was asked of the model.
pub(super) fn facts_of(manifest: &imgeval_store::Manifest) -> Vec<(String, String)> {
    let own = |prefix: &'static str, facts: &BTreeMap<String, String>| {
        facts.iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone())).collect::<Vec<_>>()
    };
    let mut facts = own("suite.", &manifest.parameters);
    facts.extend(own("generation.", &manifest.generation));
    facts.push(("tool".to_owned(), format!("imgeval {}", manifest.tool_version)));
    facts
}
