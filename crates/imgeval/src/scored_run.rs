//! From a run directory to verdicts, summary and coverage: the only place where store and suite meet for scoring.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::Result;
use imgeval_core::{
    Case, CaseId, ContentHash, Detection, Evidence, Failure, ImageNote, ObserverMeta, Outcome, Protocol,
    visible,
};
use imgeval_metrics::BootstrapSettings;
use imgeval_store::{Manifest, ObservedSample, RunReader, Spend};
use imgeval_suites::geneval::{
    self, DetectedObject, Metadata, ResultRow, SUMMARY_VERSION, SeenColor, SuiteConfig, Summary,
    SummaryBuilder, Verdict, VerdictError, VerdictOptions, compute_verdict,
};
use serde_json::{Value, json};

use crate::{
    cases::OWN_CASES,
    coverage::{Coverage, Tally},
    failure::CommandError,
    generation_table::{spend_json, spend_line},
    judged::protocols::no_rules,
    printer::Printer,
    table::comparability_note,
};

/// Names the rules of the verdict; raised when they change.
const VERDICT_VERSION: u32 = 1;

/// A run with the cases it was made for and the observer whose evidence is used.
pub(crate) struct ScoredRun {
    directory: PathBuf,
    reader: RunReader,
    cases: BTreeMap<String, Case<Metadata>>,
    /// `None` if nobody has looked at the run yet.
    observer: Option<ObserverMeta>,
    options: VerdictOptions,
    note: String,
    spend: Spend,
    /// The other wordings of its prompts that images were made for, as their folders say.
    rewritten_prompts: Vec<(CaseId, String)>,
}

/// One image with its verdict.
pub(crate) struct VerdictOnSample<'a> {
    pub(crate) source: &'a str,
    pub(crate) sample: String,
    pub(crate) case: &'a Case<Metadata>,
    pub(crate) verdict: Verdict,
}

/// What became of one sample.
pub(crate) enum SampleState {
    Scored(Verdict),
    /// There is no image, or the observer could not look at it.
    Failed(Failure),
    NotObserved,
    /// A colour that decides was not named.
    WithoutColor,
}

pub(crate) struct ScoredSummary {
    pub(crate) summary: Summary,
    pub(crate) coverage: Coverage,
}

impl ScoredRun {
    /// Opens the run and chooses the observer: the one asked for, or the only one.
    pub(crate) fn open(run: &Path, observer: Option<&str>, options: VerdictOptions) -> Result<Self> {
        let reader = RunReader::open(run)?;
        let observer = choose_observer(reader.observers()?, observer)?;
        Self::with_observer(run, reader, observer, options)
    }

    /// Opens the run once for each observer that has looked at it, or once without any.
    pub(crate) fn open_all(run: &Path, options: VerdictOptions) -> Result<Vec<Self>> {
        let observers = RunReader::open(run)?.observers()?;
        let opened = |observer| Self::with_observer(run, RunReader::open(run)?, observer, options);
        if observers.is_empty() {
            return Ok(vec![opened(None)?]);
        }
        observers.into_iter().map(|observer| opened(Some(observer))).collect()
    }

    /// Opens the run to see what it covers, not what anybody saw in it.
    pub(crate) fn open_unobserved(run: &Path) -> Result<Self> {
        Self::with_observer(run, RunReader::open(run)?, None, VerdictOptions::default())
    }

    fn with_observer(
        directory: &Path,
        reader: RunReader,
        observer: Option<ObserverMeta>,
        options: VerdictOptions,
    ) -> Result<Self> {
        let cases = suite_cases(reader.manifest())?;
        let cases = cases.into_iter().map(|case| (case.id.as_str().to_owned(), case)).collect();
        let has_official_prompts = is_official_suite(reader.manifest());
        let note = observer.as_ref().map(|observer| note_for(observer, has_official_prompts, &options));
        let note = note.unwrap_or_default();
        let spend = reader.spend()?;
        let rewritten_prompts = reader.rewritten_prompts()?;
        let directory = directory.to_owned();
        Ok(Self { directory, reader, cases, observer, options, note, spend, rewritten_prompts })
    }

    pub(crate) fn reader(&self) -> &RunReader {
        &self.reader
    }

    pub(crate) fn cases(&self) -> &BTreeMap<String, Case<Metadata>> {
        &self.cases
    }

    pub(crate) fn options(&self) -> &VerdictOptions {
        &self.options
    }

    pub(crate) fn spend(&self) -> &Spend {
        &self.spend
    }

    pub(crate) fn observer(&self) -> Option<&ObserverMeta> {
        self.observer.as_ref()
    }

    /// Whether its scores may stand beside official ones: the observer, the prompts and the options all are official.
    pub(crate) fn is_comparable(&self) -> bool {
        self.observer.is_some() && self.note.is_empty()
    }

    /// What must stand beside its scores; empty if they may stand beside official ones, or nobody has looked yet.
    pub(crate) fn note(&self) -> &str {
        &self.note
    }

    /// Says how to get colours that verdicts would need, if some are missing.
    pub(crate) fn tell_missing_colors(&self, coverage: &Coverage, printer: Printer) {
        let n_images = coverage.without_color.count;
        if n_images == 0 {
            return;
        }
        let mut command = format!("imgeval observe {}", self.directory.display());
        let official = VerdictOptions::default();
        if self.options.threshold.min(self.options.counting_threshold) < official.threshold {
            let threshold = self.options.threshold.min(self.options.counting_threshold);
            command.push_str(&format!(" --color-threshold {threshold}"));
        }
        if self.options.max_objects > official.max_objects {
            command.push_str(&format!(" --color-objects {}", self.options.max_objects));
        }
        printer.insist(format_args!(
            "{n_images} images are not scored, because a colour that their prompts ask for is not named yet; \
             `{command}`, with the same detector, names it without detecting again"
        ));
    }

    /// What is there and what is missing, whoever has looked at it.
    pub(crate) fn coverage(&self) -> Result<Coverage> {
        let (_, mut coverage) = self.judge(|_| Ok(()))?;
        coverage.not_observed = Tally::default();
        Ok(coverage)
    }

    /// Suite, observer and fingerprint, in a few lines for people.
    pub(crate) fn describe(&self) -> String {
        let manifest = self.reader.manifest();
        let parameters: Vec<_> =
            manifest.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let prompts = if is_official_suite(manifest) { "the official prompts" } else { "fresh prompts" };
        let rewritten = match self.rewritten_prompts.len() {
            0 => String::new(),
            1 => ", 1 of them rewritten".to_owned(),
            n_rewritten => format!(", {n_rewritten} of them rewritten"),
        };
        let mut text =
            format!("suite: {} ({prompts}{rewritten}: {})\n", manifest.suite, parameters.join(", "));
        if let Some(model) = self.model() {
            text.push_str(&format!("model: {}\n", visible(&model)));
            text.push_str(&spend_line(&self.spend));
        }
        if let Some(observer) = &self.observer {
            text.push_str(&format!("observer: {} [{}]\n", observer.title, observer.observer_id()));
        }
        text.push_str(&format!("protocol: {}\n", self.protocol().fingerprint()));
        text
    }

    /// Who made the images and what was asked of it, if a provider was asked.
    pub(crate) fn model(&self) -> Option<String> {
        model_line(&self.reader.manifest().generation)
    }

    /// Who made the images and what that cost, for JSON; `None` if they were imported.
    pub(crate) fn generation_json(&self) -> Option<Value> {
        let facts = &self.reader.manifest().generation;
        (!facts.is_empty()).then(|| json!({"facts": facts, "spend": spend_json(&self.spend)}))
    }

    /// Everything that must be equal for two scores to be comparable; which model is scored is not part of it.
    pub(crate) fn protocol(&self) -> Protocol {
        let manifest = self.reader.manifest();
        let mut protocol = Protocol::default().with("suite", &manifest.suite);
        for (name, value) in &manifest.parameters {
            protocol = protocol.with(&format!("suite.{name}"), value);
        }
        for (name, value) in asked_facts(&manifest.generation) {
            protocol = protocol.with(&format!("generation.{name}"), value);
        }
        if !self.rewritten_prompts.is_empty() {
            protocol = protocol
                .with("prompts", "rewritten")
                .with("prompts.sha256", hash_of_prompts(&self.rewritten_prompts));
        }
        if let Some(observer) = &self.observer {
            protocol = protocol
                .with("detector", &observer.id)
                .with("detector.version", observer.version)
                .with("detector.weights_sha256", &observer.weights_sha256)
                .with("detector.parameters", &observer.parameters);
        }
        with_verdict_facts(protocol, &self.options)
    }

    /// The score table's numbers; `visit` sees each verdict as it falls.
    pub(crate) fn score(
        &self,
        settings: BootstrapSettings,
        visit: impl FnMut(VerdictOnSample<'_>) -> Result<()>,
    ) -> Result<ScoredSummary> {
        let (builder, coverage) = self.judge(visit)?;
        Ok(ScoredSummary { summary: builder.summarise(settings), coverage })
    }

    /// Judges image by image, in order of prompt and sample.
    pub(crate) fn judge(
        &self,
        mut visit: impl FnMut(VerdictOnSample<'_>) -> Result<()>,
    ) -> Result<(SummaryBuilder, Coverage)> {
        let mut coverage = Coverage { prompts: self.cases.len(), ..Coverage::default() };
        let mut builder = SummaryBuilder::default();
        for case in self.cases.values() {
            builder.expect_prompt(case.expectation.tag, case.id.as_str());
        }
        let mut covered = BTreeSet::new();
        let mut first_error = None;
        let observer_id = self.observer.as_ref().map(ObserverMeta::observer_id);
        self.reader.for_each_sample(observer_id.as_ref(), |observed| {
            if first_error.is_some() {
                return;
            }
            if observed.sample.outcome.done().is_some() {
                covered.insert(observed.sample.id.case.as_str().to_owned());
            }
            let scored = self.score_sample(&observed, &mut coverage, &mut builder);
            first_error = scored.and_then(|verdict| verdict.map_or(Ok(()), &mut visit)).err();
        })?;
        if let Some(error) = first_error {
            return Err(error);
        }
        for id in self.cases.keys().filter(|id| !covered.contains(*id)) {
            coverage.add_prompt_without_image(id);
        }
        coverage.add_extra_files(&self.reader.extra_files()?);
        Ok((builder, coverage))
    }

    fn score_sample<'a>(
        &'a self,
        observed: &'a ObservedSample,
        coverage: &mut Coverage,
        builder: &mut SummaryBuilder,
    ) -> Result<Option<VerdictOnSample<'a>>> {
        let sample = &observed.sample;
        let case = self.cases.get(sample.id.case.as_str());
        let state = self.state_of(observed)?;
        if let Outcome::Done(record) = &sample.outcome {
            coverage.add_usable(&sample.source, &record.notes);
            if observed.repeats_bytes {
                coverage.add_note(ImageNote::RepeatedBytes, &sample.source);
            }
        }
        match &state {
            SampleState::Failed(failure) => coverage.add_failure(failure, &sample.source),
            SampleState::NotObserved => coverage.add_not_observed(&sample.source),
            SampleState::WithoutColor => coverage.add_without_color(&sample.source),
            SampleState::Scored(_) => {}
        }
        let Some(case) = case else { return Ok(None) };
        let (tag, name) = (case.expectation.tag, case.id.as_str());
        let SampleState::Scored(verdict) = state else {
            // Another file for the same sample is not another image that is missing.
            if !observed.is_redundant {
                builder.add_failed(tag, name);
            }
            return Ok(None);
        };
        builder.add_verdict(tag, name, verdict.is_correct());
        let sample = sample.id.to_string();
        Ok(Some(VerdictOnSample { source: &observed.sample.source, sample, case, verdict }))
    }

    /// What became of one sample under this observer and these options.
    ///
    /// # Errors
    /// If it is an image that belongs to no prompt of the suite.
    pub(crate) fn state_of(&self, observed: &ObservedSample) -> Result<SampleState> {
        let sample = &observed.sample;
        if let Outcome::Failed(failure) = &sample.outcome {
            return Ok(SampleState::Failed(failure.clone()));
        }
        let Some(case) = self.cases.get(sample.id.case.as_str()) else {
            return Err(anyhow::anyhow!("sample {} belongs to no prompt of the suite", sample.id));
        };
        let why = |otherwise| match &observed.failed_observation {
            Some(failure) => SampleState::Failed(failure.clone()),
            None => otherwise,
        };
        let Some(evidence) = &observed.evidence else {
            return Ok(why(SampleState::NotObserved));
        };
        Ok(match compute_verdict(&case.expectation, &objects_of(evidence), &self.options) {
            Ok(verdict) => SampleState::Scored(verdict),
            // Nobody looked: that is no reason to call it wrong.
            Err(VerdictError::NoColor { .. }) => why(SampleState::WithoutColor),
        })
    }

    /// The official result row, with a note where the scores are not official.
    pub(crate) fn result_row(&self, scored: &VerdictOnSample<'_>) -> Result<String> {
        let metadata = &scored.case.expectation;
        let row = ResultRow::new(scored.source.to_owned(), metadata, &metadata.to_value(), &scored.verdict);
        let mut value = serde_json::to_value(row)?;
        if let (false, Some(map)) = (self.note().is_empty(), value.as_object_mut()) {
            map.insert("note".to_owned(), self.note().into());
        }
        Ok(value.to_string())
    }
}

/// Who made the images and what was asked of it; `None` if they were imported.
pub(crate) fn model_line(facts: &BTreeMap<String, String>) -> Option<String> {
    let fact = |name: &str| facts.get(name).map(String::as_str).unwrap_or_default();
    let asked: Vec<String> = asked_facts(facts).map(|(name, value)| format!("{name} {value}")).collect();
    let asked = if asked.is_empty() { String::new() } else { format!(" ({})", asked.join(", ")) };
    let at = match fact("endpoint") {
        "" => String::new(),
        endpoint => format!(" at {endpoint}"),
    };
    (!facts.is_empty()).then(|| format!("{}, {}{at}{asked}", fact("model"), fact("provider")))
}

/// What was asked of the model, apart from which model it is.
pub(crate) fn asked_facts(facts: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    facts.iter().filter(|(name, _)| !["provider", "endpoint", "model", "adapter"].contains(&name.as_str()))
}

/// Tells one rewriting of prompts from another.
fn hash_of_prompts(prompts: &[(CaseId, String)]) -> ContentHash {
    let prompts: Vec<[&str; 2]> =
        prompts.iter().map(|(case, prompt)| [case.as_str(), prompt.as_str()]).collect();
    // As JSON it is plain where each text ends.
    ContentHash::of(json!(prompts).to_string().as_bytes())
}

/// Adds the rules and options of the verdict to a protocol.
pub(crate) fn with_verdict_facts(protocol: Protocol, options: &VerdictOptions) -> Protocol {
    protocol
        .with("verdict.version", VERDICT_VERSION)
        .with("verdict.threshold", options.threshold)
        .with("verdict.counting_threshold", options.counting_threshold)
        .with("verdict.max_objects", options.max_objects)
        .with("verdict.max_overlap", options.max_overlap)
        .with("verdict.position_threshold", options.position_threshold)
        .with("summary.version", SUMMARY_VERSION)
}

/// The manifest of a run of this suite.
pub(crate) fn suite_manifest(config: SuiteConfig) -> Manifest {
    Manifest {
        suite: "geneval".to_owned(),
        parameters: BTreeMap::from([
            ("seed".to_owned(), config.seed.to_string()),
            ("per_task".to_owned(), config.per_task.to_string()),
        ]),
        generation: BTreeMap::new(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The cases of the suite that a run was made for.
pub(crate) fn suite_cases(manifest: &Manifest) -> Result<Vec<Case<Metadata>>> {
    let metadata = geneval::generate_cases(&suite_config(manifest)?)
        .map_err(|error| CommandError::mismatch(format!("run.toml names an impossible suite: {error}")))?;
    Ok(geneval::suite_cases(metadata))
}

fn suite_config(manifest: &Manifest) -> Result<SuiteConfig> {
    if manifest.suite == OWN_CASES {
        return Err(no_rules().into());
    }
    let damaged = || CommandError::mismatch("run.toml names no GenEval suite that this version knows");
    let parameter = |name: &str| manifest.parameters.get(name).ok_or_else(damaged);
    if manifest.suite != "geneval" {
        return Err(damaged().into());
    }
    Ok(SuiteConfig {
        seed: parameter("seed")?.parse().map_err(|_| damaged())?,
        per_task: parameter("per_task")?.parse().map_err(|_| damaged())?,
    })
}

/// Whether a run was made for the prompts that published scores are for.
pub(crate) fn is_official_suite(manifest: &Manifest) -> bool {
    suite_config(manifest).is_ok_and(|config| config == SuiteConfig::default())
}

/// Why scores are not comparable, the observer first; empty if they are.
fn note_for(observer: &ObserverMeta, has_official_prompts: bool, options: &VerdictOptions) -> String {
    let of_observer = comparability_note(observer);
    if !of_observer.is_empty() {
        return of_observer.to_owned();
    }
    let has_official_options = *options == VerdictOptions::default();
    let reasons: Vec<&str> =
        [(has_official_options, "other options"), (has_official_prompts, "fresh prompts")]
            .into_iter()
            .filter_map(|(is_official, reason)| (!is_official).then_some(reason))
            .collect();
    if reasons.is_empty() { String::new() } else { format!("not comparable: {}", reasons.join(", ")) }
}

fn choose_observer(
    mut observers: Vec<ObserverMeta>,
    asked: Option<&str>,
) -> Result<Option<ObserverMeta>, CommandError> {
    if let Some(asked) = asked {
        let found = observers.iter().position(|meta| meta.observer_id().as_str() == asked);
        return match found {
            Some(index) => Ok(Some(observers.swap_remove(index))),
            None => Err(CommandError::usage(format!("no observer `{asked}` has looked at this run"))
                .with_hint(format!("there are: {}", names_of(&observers)))),
        };
    }
    if observers.len() > 1 {
        return Err(CommandError::usage("several observers have looked at this run")
            .with_hint(format!("choose one with --observer: {}", names_of(&observers))));
    }
    Ok(observers.pop())
}

/// Each with the id that `--observer` takes and what tells it from the others, such as CLIP's checksum.
fn names_of(observers: &[ObserverMeta]) -> String {
    let parts = |meta: &ObserverMeta| meta.facts().map(|fact| fact.to_string()).collect::<Vec<_>>();
    let is_shared = |part: &String| observers.iter().all(|meta| parts(meta).contains(part));
    let shortened = |part: &str| match part.len() {
        64 if part.bytes().all(|byte| byte.is_ascii_hexdigit()) => part[..8].to_owned(),
        _ => part.to_owned(),
    };
    let name = |meta: &ObserverMeta| {
        let weights = meta.weights_sha256.get(..8).unwrap_or("none");
        let mut own = parts(meta);
        own.retain(|part| !is_shared(part));
        // Conditions such as the device hold for both parts of an observer, side by side or not.
        let mut told = BTreeSet::new();
        own.retain(|part| told.insert(part.clone()));
        let own: String = own.iter().map(|part| format!(", {}", shortened(part))).collect();
        format!("{} ({}, weights {weights}{own})", meta.observer_id(), meta.title)
    };
    observers.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn objects_of(evidence: &Evidence) -> Vec<DetectedObject> {
    let object = |detection: &Detection| DetectedObject {
        category: detection.category,
        score: detection.score,
        bounding_box: detection.bounding_box,
        color: match detection.colors {
            None => SeenColor::Unknown,
            Some(scores) => scores.best().map_or(SeenColor::NoneOfTheTen, SeenColor::Named),
        },
    };
    evidence.detections.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observers_that_differ_in_clip_alone_are_told_apart() {
        let meta = |clip: &str| ObserverMeta {
            id: "mask2former".to_owned(),
            title: "Mask2Former".to_owned(),
            version: 1,
            weights_sha256: "ab".repeat(32),
            parameters: format!("numerics=mmdet;colors=clip@1;{};scale=100", clip.repeat(32)),
            is_comparable: true,
        };
        let observers = [meta("12"), meta("34")];
        let [one, other] = observers.each_ref().map(ObserverMeta::observer_id);
        assert_ne!(one, other);
        let expected = format!(
            "{one} (Mask2Former, weights abababab, 12121212), {other} (Mask2Former, weights abababab, 34343434)"
        );
        assert_eq!(names_of(&observers), expected);
        assert_eq!(names_of(&observers[..1]), format!("{one} (Mask2Former, weights abababab)"));
        for asked in [&one, &other] {
            let chosen = choose_observer(observers.to_vec(), Some(asked.as_str())).unwrap().unwrap();
            assert_eq!(chosen.observer_id(), *asked);
        }
    }
}
