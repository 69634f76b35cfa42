//! A run as reports and comparisons see it: its scores by everybody who looked, and its samples one by one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::{Detection, Evidence, ImageRecord, ImageRef, Mask, Outcome, Protocol, Sample, SampleId};
use imgeval_metrics::{BootstrapSettings, Cluster};
use imgeval_report::model::{
    Cell, ImageView, IntervalView, ObjectView, ObserverKind, ObserverView, Opinion, RunView, SampleView,
};
use imgeval_suites::{
    geneval::{Verdict, VerdictOptions},
    summary::{ScoreLine, Summary, SummaryBuilder},
};
use rayon::prelude::*;

use crate::{
    Evaluator, ImageReplies, Run, SampleResult, SampleState, ScoringError,
    board::{ColumnPlace, columns_of},
    evidence::{compute_uncertainty, is_counted, ranked_colors},
    facts::facts_of,
    sheet::protocol_view,
    spend::spend_text,
};

/// One run with everything but its samples, which come one by one.
pub struct OpenedRun {
    pub run: Run,
    pub view: RunView,
    /// One for each observer of the view.
    pub scored: Vec<ScoredView>,
}

/// The scores by one evaluator.
pub struct ScoredView {
    pub protocol: Protocol,
    /// In the order of the suite's columns.
    pub cells: Vec<Cell>,
    pub parts: Vec<Part>,
}

/// The cases of one tag, category or folder that have a score.
pub struct Part {
    pub name: String,
    /// Names its random stream.
    pub key: u64,
    /// Its share of the overall score; `None` where every image counts the same.
    pub weight: Option<f64>,
    /// By case.
    pub prompts: BTreeMap<String, Cluster>,
    /// Of the scores of all images.
    pub sum_of_squares: f64,
}

impl OpenedRun {
    /// # Errors
    /// If there is no run, or it cannot be read.
    pub fn open(directory: &Path, settings: BootstrapSettings) -> Result<Self, ScoringError> {
        Self::open_with(directory, settings, VerdictOptions::default())
    }

    /// Several at once.
    ///
    /// # Errors
    /// As [`Self::open`], of the first that cannot be opened.
    pub fn open_all(directories: &[PathBuf], settings: BootstrapSettings) -> Result<Vec<Self>, ScoringError> {
        let opened: Vec<Result<Self, ScoringError>> =
            directories.par_iter().map(|directory| Self::open(directory, settings)).collect();
        opened.into_iter().collect()
    }

    /// As [`Self::open`], with other options for verdicts on detections.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        directory: &Path,
        settings: BootstrapSettings,
        options: VerdictOptions,
    ) -> Result<Self, ScoringError> {
        let run = Run::open_with(directory, options)?;
        let (mut observers, mut scored) = (Vec::new(), Vec::new());
        for evaluator in run.evaluators() {
            let of = run.score(Some(evaluator), |_| Ok::<_, ScoringError>(()))?;
            let protocol = run.protocol(Some(evaluator));
            observers.push(ObserverView {
                id: evaluator.id(),
                title: evaluator.title(),
                kind: match evaluator {
                    Evaluator::Detector(_) => ObserverKind::Detector,
                    Evaluator::Judge(judge) if judge.is_human() => ObserverKind::Human,
                    Evaluator::Judge(_) | Evaluator::Checks { judge: Some(_), .. } => ObserverKind::Judge,
                    Evaluator::Checks { judge: None, .. } => ObserverKind::Detector,
                },
                protocol: protocol_view(&protocol),
                note: run.note(evaluator),
                coverage: of.coverage.lines(),
            });
            let cells = cells_of(&run, &of.builder.summarise(settings));
            scored.push(ScoredView { protocol, cells, parts: parts_of(&of.builder, &run) });
        }
        let label = run.manifest().label.as_ref();
        let name = label.map_or_else(|| name_of(directory), ToString::to_string);
        let view = view_of(&run, name, observers)?;
        Ok(Self { run, view, scored })
    }

    /// Visits every sample, ordered by case and number; failed ones too.
    ///
    /// # Errors
    /// If the run cannot be read, or the visitor fails.
    pub fn for_each_sample<E: From<ScoringError>>(
        &self,
        run: usize,
        mut visit: impl FnMut(SampleView) -> Result<(), E>,
    ) -> Result<(), E> {
        // Of several detectors all but the first are held in memory; that is rare, and a few kilobytes an image. What
        // judges said is in memory anyway.
        let evaluators = self.run.evaluators();
        let mut more: BTreeMap<SampleId, Vec<Opinion>> = BTreeMap::new();
        for (index, evaluator) in evaluators.iter().enumerate().skip(1) {
            self.run.for_each_sample(Some(evaluator), |result| {
                if let Some(opinion) = self.opinion_of(index, &result) {
                    more.entry(result.observed.sample.id.clone()).or_default().push(opinion);
                }
                Ok::<_, ScoringError>(())
            })?;
        }
        let measured = self.run.all_measured()?;
        // The answer of the round before, which a later round goes on from; samples come in the order of their ids.
        let mut last: Option<(SampleId, ImageView)> = None;
        self.run.for_each_sample(evaluators.first(), |result| {
            if result.observed.is_redundant {
                return Ok(());
            }
            let sample = &result.observed.sample;
            let mut view = sample_view(run, &result);
            if let Some(image) = measured.of(&sample.id) {
                self.run.add_measures(&mut view, result.case, &image);
            }
            if !evaluators.is_empty() {
                view.opinions.extend(self.opinion_of(0, &result));
                view.opinions.extend(more.remove(&sample.id).unwrap_or_default());
            }
            // A later round goes on from the answer of the round before.
            if sample.id.round > 1 {
                let before = SampleId { round: sample.id.round - 1, ..sample.id.clone() };
                let answer = last.take().filter(|(id, _)| *id == before).map(|(_, image)| image);
                view.input = answer.or(view.input);
            }
            last = view.image.clone().map(|image| (sample.id.clone(), image));
            visit(view)
        })
    }

    /// What an evaluator says of one sample; `None` if there is no image that it could have looked at, or a judge was not
    /// asked.
    #[must_use]
    pub fn opinion_of(&self, observer: usize, result: &SampleResult<'_>) -> Option<Opinion> {
        result.observed.sample.outcome.done()?;
        let mut opinion = Opinion {
            observer,
            outcome: "ok".to_owned(),
            detail: String::new(),
            score: result.state.value(),
            is_correct: None,
            reasons: String::new(),
            uncertainty: None,
            replies: Vec::new(),
            objects: Vec::new(),
        };
        let mut verdict = None;
        match &result.state {
            SampleState::Detected(found) => {
                opinion.is_correct = Some(found.is_correct());
                opinion.reasons = found.reason_text();
                verdict = Some(found);
            }
            SampleState::Judged { replies, .. } => add_replies(&mut opinion, replies),
            SampleState::Checked(checked) => {
                opinion.reasons = checked.reasons();
                opinion.replies = checked.replies.clone();
                verdict = checked.verdict.as_ref();
            }
            SampleState::Incomplete(reason) => {
                opinion.outcome = "not-observed".to_owned();
                opinion.detail = reason.clone();
            }
            SampleState::Failed(failure) => {
                opinion.outcome = failure.kind.code().to_owned();
                opinion.detail = failure.detail.clone();
            }
            SampleState::NotObserved if !self.run.suite().is_detected() => return None,
            SampleState::NotObserved => opinion.outcome = "not-observed".to_owned(),
            SampleState::WithoutColor => opinion.outcome = "color-missing".to_owned(),
        }
        if let Some(evidence) = &result.observed.evidence {
            opinion.objects = objects_of(evidence, verdict);
            let expected = result.case.and_then(|case| case.objects.as_ref());
            opinion.uncertainty = expected
                .filter(|_| verdict.is_some())
                .and_then(|expected| compute_uncertainty(expected, evidence, self.run.options()));
        }
        Some(opinion)
    }
}

fn view_of(run: &Run, name: String, observers: Vec<ObserverView>) -> Result<RunView, ScoringError> {
    let coverage = run.coverage()?;
    let manifest = run.manifest();
    let model = run.model();
    let is_detected = run.suite().is_detected();
    Ok(RunView {
        name,
        suite: manifest.suite.clone(),
        prompts: match run.is_official() || !is_detected {
            true => run.suite().facts().prompts.to_owned(),
            false => "fresh prompts".to_owned(),
        },
        spend: if model.is_some() || !is_detected { spend_text(run.spend()) } else { String::new() },
        model: model.unwrap_or_default(),
        facts: facts_of(manifest),
        observers,
        n_prompts: coverage.prompts,
        n_prompts_with_image: coverage.prompts - coverage.prompts_without_image.count,
        n_images: coverage.usable,
        n_failed: coverage.n_failed(),
        coverage: coverage.lines(),
    })
}

/// The folder's own name.
fn name_of(directory: &Path) -> String {
    let full = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    full.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// In the order of the suite's columns.
fn cells_of(run: &Run, summary: &Summary) -> Vec<Cell> {
    let cell = |place: ColumnPlace| match place {
        ColumnPlace::Part(part) => summary.part(part).map(cell_of).unwrap_or_default(),
        ColumnPlace::Total(total) => summary.totals.get(total).map(cell_of).unwrap_or_default(),
    };
    columns_of(run.suite(), run.scheme()).into_iter().map(|column| cell(column.place)).collect()
}

fn cell_of(line: &ScoreLine) -> Cell {
    Cell {
        value: line.estimate.map(|estimate| estimate.value),
        interval: line.estimate.map(|estimate| interval_view(estimate.interval)),
        n_images: line.n_scored,
        n_prompts: line.n_prompts_scored,
        n_missing: line.n_missing,
        bounds: (line.n_missing > 0).then_some(line.bounds),
        with_missing: line.with_missing.map(interval_view),
        rank: None,
        is_best: false,
    }
}

fn parts_of(builder: &SummaryBuilder, run: &Run) -> Vec<Part> {
    let mut cases: Vec<BTreeMap<String, (Cluster, f64)>> = vec![BTreeMap::new(); run.scheme().parts.len()];
    for case in builder.scored_cases() {
        cases[case.part].insert(case.id.to_owned(), (case.cluster, case.squares));
    }
    let rules = run.scheme().parts.iter().zip(cases);
    rules
        .map(|(rule, cases)| Part {
            name: rule.name.clone(),
            key: rule.key,
            weight: rule.weight,
            sum_of_squares: cases.values().map(|(_, squares)| squares).sum(),
            prompts: cases.into_iter().map(|(id, (cluster, _))| (id, cluster)).collect(),
        })
        .collect()
}

/// The case of a sample as views name it: later rounds of a conversation are answers of their own.
#[must_use]
pub fn shown_case(id: &SampleId) -> String {
    match id.round {
        0 | 1 => id.case.as_str().to_owned(),
        round => format!("{}, round {round}", id.case.as_str()),
    }
}

/// A sample that nobody has said anything of yet, with what was asked.
fn sample_view(run: usize, result: &SampleResult<'_>) -> SampleView {
    let sample: &Sample = &result.observed.sample;
    let (outcome, detail, image) = match &sample.outcome {
        Outcome::Done(record) => ("ok".to_owned(), String::new(), Some(image_view(record))),
        Outcome::Failed(failure) => (failure.kind.code().to_owned(), failure.detail.clone(), None),
    };
    let (prompt, input) = result.case.map_or(("", None), |case| case.asked_in(sample.id.round));
    SampleView {
        run,
        case: shown_case(&sample.id),
        index: sample.id.ordinal,
        part: result.case.map(|case| case.tag.clone()).unwrap_or_default(),
        prompt: prompt.to_owned(),
        expectation: result.case.map(|case| case.expectation()).unwrap_or_default(),
        outcome,
        detail,
        image,
        input: input.map(input_view),
        opinions: Vec::new(),
        measures: Vec::new(),
        registration: String::new(),
        overlays: Vec::new(),
    }
}

fn add_replies(opinion: &mut Opinion, replies: &ImageReplies) {
    let values: Vec<f64> = replies.readings().map(|reading| reading.scores.value).collect();
    let spread = || {
        let (low, high) =
            values.iter().fold((1.0_f64, 0.0_f64), |(low, high), value| (low.min(*value), high.max(*value)));
        high - low
    };
    let reasons = replies.readings().map(|reading| {
        let scores = reading.scores.values.iter();
        scores.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    });
    opinion.reasons = reasons.collect::<Vec<_>>().join("\n");
    opinion.uncertainty = (values.len() > 1).then(spread);
    opinion.replies = replies.readings().map(|reading| reading.reply.clone()).collect();
}

fn objects_of(evidence: &Evidence, verdict: Option<&Verdict>) -> Vec<ObjectView> {
    let object = |detection: &Detection| ObjectView {
        name: detection.category.name().to_owned(),
        score: detection.score,
        bounding_box: detection.bounding_box.to_array(),
        is_counted: verdict.is_some_and(|verdict| is_counted(verdict, detection)),
        colors: detection.colors.map(|scores| ranked_colors(&scores)).unwrap_or_default(),
        color: detection.colors.and_then(|scores| scores.best()).map(|color| color.name().to_owned()),
        mask: detection.mask.as_ref().map(Mask::encode),
    };
    evidence.detections.iter().map(object).collect()
}

fn image_view(record: &ImageRecord) -> ImageView {
    ImageView {
        hash: record.hash.as_str().to_owned(),
        extension: record.format.extension().to_owned(),
        width: record.width,
        height: record.height,
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

pub(crate) fn interval_view(interval: imgeval_core::Interval) -> IntervalView {
    IntervalView { low: interval.low, high: interval.high, method: interval.method.code().to_owned() }
}
