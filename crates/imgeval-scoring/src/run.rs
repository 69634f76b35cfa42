//! A run read back: its suite and cases, its evaluators, and the outcome of each image.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use imgeval_core::{CaseId, Failure, ImageNote, ImageRecord, ObserverMeta, Outcome, SampleId};
use imgeval_metrics::BootstrapSettings;
use imgeval_store::{Manifest, ObservedSample, RunReader, Spend};
use imgeval_suites::{
    checks::CaseChecks,
    geneval::{Verdict, VerdictError, VerdictOptions, compute_verdict},
    suite::{Slice, SliceValue, SuiteCase, SuiteRef},
    summary::{Scheme, Summary, SummaryBuilder},
};

use crate::{
    Coverage, ScoringError,
    cases::{read_cases, suite_of},
    checked::{CheckedImage, Checks, Found, Unchecked, check_image, evaluators_of, read_checks},
    error::EvaluatorKind,
    evidence::objects_of,
    judge::{ImageReplies, JudgeReplies, read_judges},
    meters::{MEASURES, Measured},
};

/// A run with everything but its samples, which come one by one.
pub struct Run {
    directory: PathBuf,
    reader: RunReader,
    suite: SuiteRef,
    cases: BTreeMap<CaseId, SuiteCase>,
    scheme: Scheme,
    /// What must hold of the images of each case, where that is the case's own to say.
    checks: Checks,
    evaluators: Vec<Evaluator>,
    options: VerdictOptions,
    spend: Spend,
    /// The other wordings of its prompts that images were made for, as their folders say.
    rewritten_prompts: Vec<(CaseId, String)>,
    /// The usable images of a run that no detector scores.
    images: BTreeMap<SampleId, ImageRecord>,
}

/// Who has looked at a run's images.
#[derive(Debug, Clone)]
pub enum Evaluator {
    Detector(ObserverMeta),
    Judge(Arc<JudgeReplies>),
    /// Whoever decides the checks of cases; one of the three at least.
    Checks {
        detector: Option<ObserverMeta>,
        judge: Option<Arc<JudgeReplies>>,
        meter: Option<Arc<Measured>>,
    },
}

/// One sample with what became of it.
#[derive(Debug)]
pub struct SampleResult<'a> {
    pub observed: &'a ObservedSample,
    /// `None` if it belongs to no case of the suite.
    pub case: Option<&'a SuiteCase>,
    pub state: SampleState<'a>,
}

/// What became of one sample under one evaluator.
#[derive(Debug)]
pub enum SampleState<'a> {
    Detected(Verdict),
    Judged {
        replies: &'a ImageReplies,
        value: f64,
    },
    /// By the case's own checks.
    Checked(Box<CheckedImage>),
    /// There is no image, or the evaluator could not look at it or gave no score.
    Failed(Failure),
    NotObserved,
    /// Evidence that a check of the case needs is not there yet; says which.
    Incomplete(String),
    /// A color that decides was not named.
    WithoutColor,
}

impl SampleState<'_> {
    /// The score in [0, 1]; `None` if there is none.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Detected(verdict) => Some(f64::from(u8::from(verdict.is_correct()))),
            Self::Judged { value, .. } => Some(*value),
            Self::Checked(checked) => Some(checked.value),
            Self::Failed(_) | Self::NotObserved | Self::Incomplete(_) | Self::WithoutColor => None,
        }
    }
}

/// A run's scores by one evaluator.
#[derive(Debug, Clone)]
pub struct Scored {
    /// Holds the scores by case.
    pub builder: SummaryBuilder,
    pub coverage: Coverage,
}

impl Evaluator {
    /// By which it is asked for.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Detector(meta) => meta.observer_id().as_str().to_owned(),
            Self::Judge(judge) => judge.id.clone(),
            Self::Checks { .. } => {
                self.joined("+", |judge| judge.id.clone(), |meta| meta.observer_id().as_str().to_owned())
            }
        }
    }

    /// For people, with what tells it from others.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Detector(meta) => meta.title.clone(),
            Self::Judge(judge) => judge.title(),
            Self::Checks { .. } => self.joined(" and ", JudgeReplies::title, |meta| meta.title.clone()),
        }
    }

    #[must_use]
    pub fn judge(&self) -> Option<&JudgeReplies> {
        match self {
            Self::Judge(judge) => Some(judge),
            Self::Checks { judge, .. } => judge.as_deref(),
            Self::Detector(_) => None,
        }
    }

    /// Judge, then detector, as far as there are both.
    fn joined(
        &self,
        between: &str,
        of_judge: impl Fn(&JudgeReplies) -> String,
        of_detector: impl Fn(&ObserverMeta) -> String,
    ) -> String {
        let both = [self.judge().map(of_judge), self.detector().map(of_detector)];
        let both: Vec<String> = both.into_iter().flatten().collect();
        // Where nobody else looks the measures alone decide.
        if both.is_empty() { MEASURES.to_owned() } else { both.join(between) }
    }

    #[must_use]
    pub fn meter(&self) -> Option<&Measured> {
        match self {
            Self::Checks { meter, .. } => meter.as_deref(),
            Self::Detector(_) | Self::Judge(_) => None,
        }
    }

    #[must_use]
    pub fn detector(&self) -> Option<&ObserverMeta> {
        match self {
            Self::Detector(meta) => Some(meta),
            Self::Checks { detector, .. } => detector.as_ref(),
            Self::Judge(_) => None,
        }
    }
}

impl Run {
    /// Opens a run with all its evaluators.
    ///
    /// # Errors
    /// If there is no run, it cannot be read, or its suite is unknown to this version.
    pub fn open(directory: &Path) -> Result<Self, ScoringError> {
        Self::open_with(directory, VerdictOptions::default())
    }

    /// As [`Self::open`], with other options for verdicts on detections.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(directory: &Path, options: VerdictOptions) -> Result<Self, ScoringError> {
        let reader = RunReader::open(directory)?;
        let suite = suite_of(reader.manifest())?;
        let cases = read_cases(&reader, suite)?;
        let scheme = suite.scheme(&cases);
        let checks = read_checks(suite, &cases)?;
        let mut images = BTreeMap::new();
        let evaluators = if suite.is_detected() {
            reader.observers()?.into_iter().map(Evaluator::Detector).collect()
        } else {
            images = usable_images(&reader)?;
            let judges = read_judges(suite, &reader, &images, &checks)?;
            match suite.is_checked() {
                true => {
                    let measured = Measured::of_records(reader.measurements()?, &images);
                    evaluators_of(&checks, reader.observers()?, judges, measured)
                }
                false => judges.into_iter().map(|judge| Evaluator::Judge(Arc::new(judge))).collect(),
            }
        };
        Ok(Self {
            directory: directory.to_owned(),
            suite,
            cases,
            scheme,
            checks,
            evaluators,
            options,
            spend: reader.spend()?,
            rewritten_prompts: reader.rewritten_prompts()?,
            images,
            reader,
        })
    }

    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    #[must_use]
    pub fn reader(&self) -> &RunReader {
        &self.reader
    }

    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.reader.manifest()
    }

    #[must_use]
    pub fn suite(&self) -> SuiteRef {
        self.suite
    }

    #[must_use]
    pub fn cases(&self) -> &BTreeMap<CaseId, SuiteCase> {
        &self.cases
    }

    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    #[must_use]
    pub fn options(&self) -> &VerdictOptions {
        &self.options
    }

    #[must_use]
    pub fn spend(&self) -> &Spend {
        &self.spend
    }

    #[must_use]
    pub fn rewritten_prompts(&self) -> &[(CaseId, String)] {
        &self.rewritten_prompts
    }

    /// The usable images by their samples; empty for runs that detectors score, whose samples come one by one.
    #[must_use]
    pub fn images(&self) -> &BTreeMap<SampleId, ImageRecord> {
        &self.images
    }

    /// In the order in which they are told of.
    #[must_use]
    pub fn evaluators(&self) -> &[Evaluator] {
        &self.evaluators
    }

    /// The judges among the evaluators, each once.
    pub fn judges(&self) -> impl Iterator<Item = &JudgeReplies> {
        let mut known = BTreeSet::new();
        self.evaluators.iter().filter_map(Evaluator::judge).filter(move |judge| known.insert(&judge.id))
    }

    /// Whether anything is known of its cases by which they could be scored.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.suite.has_rules(&self.cases)
    }

    /// Whether a check of its cases is a judge's to decide; without checks, whether judges score its suite.
    #[must_use]
    pub fn takes_judges(&self) -> bool {
        match self.suite.is_checked() {
            true => !self.suite.asked_for(&self.cases).is_empty(),
            false => self.suite.judged().is_some(),
        }
    }

    /// Whether a detector is needed to score its cases.
    #[must_use]
    pub fn takes_detectors(&self) -> bool {
        self.suite.is_detected() || self.checks.values().any(|checks| checks.objects().is_some())
    }

    /// The usable images by sample, independent of evaluators.
    ///
    /// # Errors
    /// If the run cannot be read.
    pub fn usable_images(&self) -> Result<BTreeMap<SampleId, ImageRecord>, ScoringError> {
        usable_images(&self.reader)
    }

    /// Everything that meters measured on these of its images.
    ///
    /// # Errors
    /// If the run cannot be read.
    pub fn measured_on(&self, images: &BTreeMap<SampleId, ImageRecord>) -> Result<Measured, ScoringError> {
        Ok(Measured::of_records(self.reader.measurements()?, images))
    }

    /// Everything that meters measured on its images as they are now.
    ///
    /// # Errors
    /// If the run cannot be read.
    pub fn all_measured(&self) -> Result<Measured, ScoringError> {
        // Most runs hold no measurements, and their images need not be listed for that.
        let records = self.reader.measurements()?;
        if records.is_empty() {
            return Ok(Measured::default());
        }
        Ok(Measured::of_records(records, &self.usable_images()?))
    }

    /// Whether something must be measured to score its cases.
    #[must_use]
    pub fn takes_measures(&self) -> bool {
        self.checks.values().any(|checks| checks.measured().next().is_some())
    }

    /// Whether text must be read to score its cases.
    #[must_use]
    pub fn takes_reader(&self) -> bool {
        let mut checks = self.checks.values().flat_map(CaseChecks::measured);
        checks.any(|named| named.measures().is_some_and(|needed| !needed.lines.is_empty()))
    }

    /// What must hold of the images of each case that has checks.
    #[must_use]
    pub fn checks(&self) -> &BTreeMap<CaseId, CaseChecks> {
        &self.checks
    }

    /// Whether its prompts are those that published scores are for.
    #[must_use]
    pub fn is_official(&self) -> bool {
        self.suite.is_official(&self.manifest().parameters)
    }

    /// The requested evaluator: a detector by its id, a judge by the beginning of its id or its model's name. The
    /// only one if none is requested; `None` if the run has not been evaluated.
    ///
    /// # Errors
    /// If there is no such evaluator, or there are several.
    pub fn choose(&self, asked: Option<&str>) -> Result<Option<&Evaluator>, ScoringError> {
        let kind = match self.suite.is_detected() {
            true => EvaluatorKind::Detector,
            false => EvaluatorKind::Judge,
        };
        let matches = |evaluator: &&Evaluator| match (asked, evaluator) {
            (None, _) => true,
            (Some(asked), Evaluator::Detector(meta)) => meta.observer_id().as_str() == asked,
            (Some(asked), Evaluator::Judge(_) | Evaluator::Checks { .. }) => {
                let is_judge = |judge: &JudgeReplies| judge.judge.identity.judge.model == asked;
                let is_detector = |meta: &ObserverMeta| meta.observer_id().as_str() == asked;
                evaluator.id().starts_with(asked)
                    || evaluator.judge().is_some_and(is_judge)
                    || evaluator.detector().is_some_and(is_detector)
            }
        };
        let mut found = self.evaluators.iter().filter(matches);
        match (found.next(), found.next(), asked) {
            (Some(evaluator), None, _) => Ok(Some(evaluator)),
            (None, _, None) => Ok(None),
            (None, _, Some(asked)) => {
                Err(ScoringError::NoSuchEvaluator { kind, asked: asked.to_owned(), known: self.names() })
            }
            (Some(_), Some(_), _) => Err(ScoringError::SeveralEvaluators { kind, known: self.names() }),
        }
    }

    /// Each evaluator with the id that it is asked for by and what tells it from the others.
    fn names(&self) -> Vec<String> {
        let detectors: Vec<&ObserverMeta> = self.evaluators.iter().filter_map(Evaluator::detector).collect();
        let name = |evaluator: &Evaluator| match evaluator {
            Evaluator::Detector(meta) => name_of(meta, &detectors),
            Evaluator::Judge(judge) => format!("{} {}", judge.id, judge.plain_title()),
            Evaluator::Checks { .. } => format!("{} {}", evaluator.id(), evaluator.title()),
        };
        self.evaluators.iter().map(name).collect()
    }

    /// Visits every sample as this evaluator has seen it, ordered by case and number; an error of the visitor ends it.
    ///
    /// # Errors
    /// If the run cannot be read, holds an image of no case of a suite that detectors score, or the visitor fails.
    pub fn for_each_sample<E: From<ScoringError>>(
        &self,
        evaluator: Option<&Evaluator>,
        mut visit: impl FnMut(SampleResult<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let observer = evaluator.and_then(Evaluator::detector).map(ObserverMeta::observer_id);
        let mut result = Ok(());
        let read = self.reader.for_each_sample(observer.as_ref(), |observed| {
            if result.is_ok() {
                result = self.result_of(evaluator, &observed).map_err(E::from).and_then(&mut visit);
            }
        });
        read.map_err(ScoringError::from)?;
        result
    }

    fn result_of<'a>(
        &'a self,
        evaluator: Option<&'a Evaluator>,
        observed: &'a ObservedSample,
    ) -> Result<SampleResult<'a>, ScoringError> {
        let case = self.cases.get(&observed.sample.id.case);
        if let Outcome::Failed(failure) = &observed.sample.outcome {
            return Ok(SampleResult { observed, case, state: SampleState::Failed(failure.clone()) });
        }
        let state = match evaluator {
            Some(Evaluator::Judge(judge)) => match judge.samples.get(&observed.sample.id) {
                None => SampleState::NotObserved,
                Some(replies) => match (replies.value(), replies.failure()) {
                    (Some(value), _) => SampleState::Judged { replies, value },
                    (None, Some(failure)) => SampleState::Failed(failure.clone()),
                    (None, None) => SampleState::NotObserved,
                },
            },
            Some(Evaluator::Checks { judge, meter, .. }) => {
                self.checked(observed, case, judge.as_deref(), meter.as_deref())?
            }
            Some(Evaluator::Detector(_)) | None if self.suite.is_detected() => {
                self.detected(observed, case)?
            }
            Some(Evaluator::Detector(_)) | None => SampleState::NotObserved,
        };
        Ok(SampleResult { observed, case, state })
    }

    /// What the checks of its case come to; samples of cases without any have no score.
    fn checked(
        &self,
        observed: &ObservedSample,
        case: Option<&SuiteCase>,
        judge: Option<&JudgeReplies>,
        meter: Option<&Measured>,
    ) -> Result<SampleState<'static>, ScoringError> {
        let id = &observed.sample.id;
        let Some(checks) = self.checks.get(&id.case) else { return Ok(SampleState::NotObserved) };
        let verdict = match checks.objects() {
            None => None,
            Some(_) => match self.detected(observed, case)? {
                SampleState::Detected(verdict) => Some(verdict),
                SampleState::NotObserved => None,
                without => return Ok(without),
            },
        };
        let found = Found { verdict, measured: meter.and_then(|meter| meter.of(id)) };
        Ok(match check_image(checks, id, found, judge) {
            Ok(checked) => SampleState::Checked(Box::new(checked)),
            Err(Unchecked::Failed(failure)) => SampleState::Failed(failure),
            Err(Unchecked::Lacks(reason)) => SampleState::Incomplete(reason),
        })
    }

    fn detected(
        &self,
        observed: &ObservedSample,
        case: Option<&SuiteCase>,
    ) -> Result<SampleState<'static>, ScoringError> {
        let objects = case.and_then(|case| case.objects.as_ref());
        let Some(expected) = objects else {
            return Err(ScoringError::UnknownCase { sample: observed.sample.id.clone() });
        };
        let why = |otherwise| match &observed.failed_observation {
            Some(failure) => SampleState::Failed(failure.clone()),
            None => otherwise,
        };
        let Some(evidence) = &observed.evidence else {
            return Ok(why(SampleState::NotObserved));
        };
        Ok(match compute_verdict(expected, &objects_of(&evidence.detections), &self.options) {
            Ok(verdict) => SampleState::Detected(verdict),
            // Nobody looked: that is no reason to call it wrong.
            Err(VerdictError::NoColor { .. }) => why(SampleState::WithoutColor),
        })
    }

    /// Scores image by image, in order of case and sample; `visit` sees each result.
    ///
    /// # Errors
    /// As [`Self::for_each_sample`].
    pub fn score<E: From<ScoringError>>(
        &self,
        evaluator: Option<&Evaluator>,
        mut visit: impl FnMut(&SampleResult<'_>) -> Result<(), E>,
    ) -> Result<Scored, E> {
        let mut coverage = Coverage { prompts: self.cases.len(), ..Coverage::default() };
        let mut builder = self.expecting_builder();
        let mut covered = BTreeSet::new();
        self.for_each_sample(evaluator, |result| {
            let sample = &result.observed.sample;
            if let Outcome::Done(record) = &sample.outcome {
                covered.insert(sample.id.case.clone());
                coverage.add_usable(&sample.source, &record.notes);
                if result.observed.repeats_bytes {
                    coverage.add_note(ImageNote::RepeatedBytes, &sample.source);
                }
            }
            self.cover(evaluator, &result, &mut coverage);
            if let Some((part, id)) = result.case.and_then(|case| self.place_of(case)) {
                match result.state.value() {
                    Some(value) => builder.add_score(part, id, value),
                    // Another file for the same sample is not another image that is missing.
                    None if result.observed.is_redundant => {}
                    None => builder.add_failed(part, id),
                }
            }
            visit(&result)
        })?;
        for id in self.cases.keys().filter(|id| !covered.contains(*id)) {
            coverage.add_prompt_without_image(id.as_str());
        }
        coverage.add_extra_files(&self.reader.extra_files().map_err(ScoringError::from)?);
        Ok(Scored { builder, coverage })
    }

    /// A builder that expects every case of the run.
    pub(crate) fn expecting_builder(&self) -> SummaryBuilder {
        let mut builder = SummaryBuilder::new(self.scheme.clone());
        for case in self.cases.values() {
            if let Some((part, id)) = self.place_of(case) {
                builder.expect_case(part, id, self.suite.group_of(case));
            }
        }
        builder
    }

    /// The part of a case, and its id.
    pub(crate) fn place_of<'a>(&self, case: &'a SuiteCase) -> Option<(usize, &'a str)> {
        Some((self.suite.part_of(&self.scheme, case)?, case.id.as_str()))
    }

    /// Whether a case can have a score at all; one of a suite of checks that has none cannot.
    fn is_to_score(&self, case: &CaseId) -> bool {
        !self.suite.is_checked() || self.checks.contains_key(case)
    }

    fn cover(&self, evaluator: Option<&Evaluator>, result: &SampleResult<'_>, coverage: &mut Coverage) {
        let sample = &result.observed.sample;
        // Judges know samples by their ids, detectors by their files.
        let is_judged = matches!(evaluator, Some(Evaluator::Judge(_) | Evaluator::Checks { .. }));
        let has_image = sample.outcome.done().is_some();
        let name = || match is_judged && has_image {
            true => sample.id.to_string(),
            false => sample.source.clone(),
        };
        match &result.state {
            SampleState::Failed(failure) => coverage.add_failure(failure, &name()),
            SampleState::NotObserved if evaluator.is_some() && self.is_to_score(&sample.id.case) => {
                coverage.add_not_observed(&name());
            }
            SampleState::Incomplete(reason) => coverage.add_not_observed(&format!("{}: {reason}", name())),
            SampleState::WithoutColor => coverage.add_without_color(&name()),
            SampleState::NotObserved
            | SampleState::Detected(_)
            | SampleState::Judged { .. }
            | SampleState::Checked(_) => {}
        }
    }

    /// Existing and missing images, independent of evaluators.
    ///
    /// # Errors
    /// As [`Self::for_each_sample`].
    pub fn coverage(&self) -> Result<Coverage, ScoringError> {
        self.score(None, |_| Ok::<_, ScoringError>(())).map(|scored| scored.coverage)
    }

    /// The tables beside the main one, by their names.
    #[must_use]
    pub fn slices(&self, judge: &JudgeReplies, settings: BootstrapSettings) -> Vec<(&'static str, Summary)> {
        let summarise = |slice: &Slice| {
            let replies = match slice.value {
                SliceValue::Combined => Some(&judge.samples),
                SliceValue::Asked(place) => judge.asked.get(place).map(|of| &of.samples),
            };
            let mut builder = SummaryBuilder::new(self.scheme.clone());
            for case in self.cases.values().filter(|case| (slice.keep)(case)) {
                if let Some((part, id)) = self.place_of(case) {
                    builder.expect_case(part, id, None);
                }
            }
            for sample in self.images.keys() {
                let case = self.cases.get(&sample.case).filter(|case| (slice.keep)(case));
                let Some((part, id)) = case.and_then(|case| self.place_of(case)) else { continue };
                match replies.and_then(|of| of.get(sample)).and_then(ImageReplies::value) {
                    Some(value) => builder.add_score(part, id, value),
                    None => builder.add_failed(part, id),
                }
            }
            (slice.name, builder.summarise(settings))
        };
        self.suite.slices().iter().map(summarise).collect()
    }

    /// The table of one evaluator.
    ///
    /// # Errors
    /// As [`Self::for_each_sample`].
    pub fn summarise(
        &self,
        evaluator: &Evaluator,
        settings: BootstrapSettings,
    ) -> Result<(Summary, Coverage), ScoringError> {
        let scored = self.score(Some(evaluator), |_| Ok::<_, ScoringError>(()))?;
        Ok((scored.builder.summarise(settings), scored.coverage))
    }
}

fn usable_images(reader: &RunReader) -> Result<BTreeMap<SampleId, ImageRecord>, ScoringError> {
    let mut images = BTreeMap::new();
    reader.for_each_sample(None, |observed| {
        if let Outcome::Done(record) = observed.sample.outcome {
            images.insert(observed.sample.id, record);
        }
    })?;
    Ok(images)
}

/// The detector's id with what tells it from the others, such as CLIP's checksum.
fn name_of(meta: &ObserverMeta, all: &[&ObserverMeta]) -> String {
    let parts = |meta: &ObserverMeta| meta.facts().map(|fact| fact.to_string()).collect::<Vec<_>>();
    let is_shared = |part: &String| all.iter().all(|meta| parts(meta).contains(part));
    let shortened = |part: &str| match part.len() {
        64 if part.bytes().all(|byte| byte.is_ascii_hexdigit()) => part[..8].to_owned(),
        _ => part.to_owned(),
    };
    let weights = meta.weights_sha256.get(..8).unwrap_or("none");
    let mut own = parts(meta);
    own.retain(|part| !is_shared(part));
    // Conditions such as the device hold for both parts of an observer, side by side or not.
    let mut told = BTreeSet::new();
    own.retain(|part| told.insert(part.clone()));
    let own: String = own.iter().map(|part| format!(", {}", shortened(part))).collect();
    format!("{} ({}, weights {weights}{own})", meta.observer_id(), meta.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detectors_that_differ_in_clip_alone_are_told_apart() {
        let meta = |clip: &str| ObserverMeta {
            id: "mask2former".to_owned(),
            title: "Mask2Former".to_owned(),
            version: 1,
            weights_sha256: "ab".repeat(32),
            parameters: format!("numerics=mmdet;colors=clip@1;{};scale=100", clip.repeat(32)),
            is_comparable: true,
        };
        let metas = [meta("12"), meta("34")];
        let all: Vec<&ObserverMeta> = metas.iter().collect();
        let [one, other] = metas.each_ref().map(ObserverMeta::observer_id);
        assert_ne!(one, other);
        let expected = format!("{one} (Mask2Former, weights abababab, 12121212)");
        assert_eq!(name_of(&metas[0], &all), expected);
        assert_eq!(name_of(&metas[0], &all[..1]), format!("{one} (Mask2Former, weights abababab)"));
    }
}
