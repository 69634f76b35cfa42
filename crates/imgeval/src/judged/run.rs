//! A judged run, read back: its cases, its images, and what each judge's words say by the protocol that they were asked by.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;
use imgeval_core::{CaseId, Failure, FailureKind, ImageRecord, Outcome, SampleId};
use imgeval_store::{
    JudgedRole, Manifest, MeasurementRecord, ObservedSample, RunReader, Spend, StoredJudge, StoredJudgment,
};
use imgeval_suites::judged::{JudgeProtocol, Scores};

use super::cases::{JudgedCase, read_cases};
use crate::{
    args::Suite,
    coverage::Coverage,
    failure::{CommandError, sentence_of},
};

/// People are judges of this provider; the model is their name.
pub(crate) const HUMAN: &str = "human";

/// A run of a judged suite with everything that was said of it.
pub(crate) struct JudgedRun {
    pub(crate) manifest: Manifest,
    pub(crate) suite: Suite,
    pub(crate) cases: BTreeMap<CaseId, JudgedCase>,
    pub(crate) samples: BTreeMap<SampleId, ImageRecord>,
    /// In the order in which they came.
    pub(crate) voices: Vec<Voice>,
    pub(crate) measurements: Vec<MeasurementRecord>,
    pub(crate) spend: Spend,
    base_coverage: Coverage,
    /// Samples without a usable image, by case.
    pub(crate) failed_samples: BTreeMap<CaseId, usize>,
}

/// One judge under one protocol.
pub(crate) struct Voice {
    pub(crate) id: String,
    /// Another one has the same title otherwise, such as the same model on another server.
    has_double: bool,
    pub(crate) judge: StoredJudge,
    pub(crate) protocol: JudgeProtocol,
    pub(crate) samples: BTreeMap<SampleId, Said>,
    pub(crate) anchors: BTreeMap<SampleId, Said>,
    pub(crate) anchor_references: BTreeMap<SampleId, Said>,
}

/// What a judge said of one image, by repeat: the first answer that can be read, else why there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    repeats: BTreeMap<u32, Result<Reading, Failure>>,
}

/// An answer that could be read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) scores: Scores,
    pub(crate) reply: String,
}

impl Said {
    fn add(&mut self, judgment: StoredJudgment, protocol: &JudgeProtocol) {
        let reading = match judgment.outcome {
            Outcome::Done(reply) => match protocol.parse_reply(&reply) {
                Ok(scores) => Ok(Reading { scores, reply }),
                Err(error) => Err(Failure { kind: FailureKind::Unparsed, detail: sentence_of(&error) }),
            },
            Outcome::Failed(failure) => Err(failure),
        };
        let known = self.repeats.entry(judgment.item.repeat).or_insert_with(|| reading.clone());
        // Of the answers to one question the first that can be read counts; a later failure tells more than an earlier.
        if known.is_err() {
            *known = reading;
        }
    }

    pub(crate) fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.repeats.values().filter_map(|reading| reading.as_ref().ok())
    }

    /// The mean over the repeats that could be read; `None` if none could.
    pub(crate) fn value(&self) -> Option<f64> {
        let values: Vec<f64> = self.readings().map(|reading| reading.scores.value).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Why there is no value.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        let mut failures = self.repeats.values().filter_map(|reading| reading.as_ref().err());
        if self.value().is_some() { None } else { failures.next() }
    }

    /// How many repeats could not be read though others could.
    pub(crate) fn n_unread(&self) -> usize {
        self.repeats.values().filter(|reading| reading.is_err()).count()
    }
}

impl Voice {
    /// The model with what tells it from the other judges of the run.
    pub(crate) fn title(&self) -> String {
        self.plain_title() + &self.mark()
    }

    /// For where the id stands beside it.
    pub(crate) fn plain_title(&self) -> String {
        let judge = &self.judge.identity.judge;
        if self.is_human() {
            format!("{} (human)", judge.model)
        } else {
            format!("{} ({}, {})", judge.model, judge.provider, self.protocol.label())
        }
    }

    fn mark(&self) -> String {
        if self.has_double { format!(" [{}]", self.id) } else { String::new() }
    }

    /// The model, and the protocol if it is not the suite's usual one.
    pub(crate) fn short_title(&self) -> String {
        let model = &self.judge.identity.judge.model;
        let is_usual = self.is_human() || self.protocol.id == self.protocol.suite;
        let title = if is_usual { model.clone() } else { format!("{model} [{}]", self.protocol.id) };
        title + &self.mark()
    }

    pub(crate) fn is_human(&self) -> bool {
        self.judge.identity.judge.provider == HUMAN
    }
}

impl JudgedRun {
    /// # Errors
    /// If the run is not of a judged suite, or cannot be read.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let reader = RunReader::open(directory)?;
        let manifest = reader.manifest().clone();
        let suite = Suite::from_name(&manifest.suite).filter(|suite| *suite != Suite::Geneval);
        let suite = suite.ok_or_else(|| {
            CommandError::usage(format!("the run is of `{}`, which no judge scores", manifest.suite))
        })?;
        let cases = read_cases(&reader)?;
        let mut base_coverage = Coverage { prompts: cases.len(), ..Coverage::default() };
        let mut samples = BTreeMap::new();
        let mut failed_samples = BTreeMap::new();
        reader.for_each_sample(None, |observed| {
            cover(&observed, &mut base_coverage);
            let ObservedSample { sample, is_redundant, .. } = observed;
            match sample.outcome {
                Outcome::Done(record) => drop(samples.insert(sample.id, record)),
                Outcome::Failed(_) if !is_redundant => {
                    *failed_samples.entry(sample.id.case).or_default() += 1;
                }
                Outcome::Failed(_) => {}
            }
        })?;
        let covered: BTreeSet<&CaseId> = samples.keys().map(|id| &id.case).collect();
        for id in cases.keys().filter(|id| !covered.contains(id)) {
            base_coverage.add_prompt_without_image(id.as_str());
        }
        base_coverage.add_extra_files(&reader.extra_files()?);
        let voices = read_voices(&reader, &samples)?;
        let (measurements, spend) = (reader.measurements()?, reader.spend()?);
        Ok(Self {
            manifest,
            suite,
            cases,
            samples,
            voices,
            measurements,
            spend,
            base_coverage,
            failed_samples,
        })
    }

    /// What is there and what is missing; with a judge also of what it said.
    pub(crate) fn coverage(&self, voice: Option<&Voice>) -> Coverage {
        let mut coverage = self.base_coverage.clone();
        let Some(voice) = voice else { return coverage };
        for id in self.samples.keys() {
            match voice.samples.get(id) {
                None => coverage.add_not_observed(&id.to_string()),
                Some(said) => {
                    if let Some(failure) = said.failure() {
                        coverage.add_failure(failure, &id.to_string());
                    }
                }
            }
        }
        coverage
    }

    /// The judge asked for, by the beginning of its id or its model's name; the only one if none is asked for.
    pub(crate) fn choose_voice(&self, asked: Option<&str>) -> Result<&Voice> {
        let names = || {
            let name = |voice: &Voice| format!("{} {}", voice.id, voice.plain_title());
            self.voices.iter().map(name).collect::<Vec<_>>().join("; ")
        };
        let matches = |voice: &&Voice| match asked {
            None => true,
            Some(asked) => voice.id.starts_with(asked) || voice.judge.identity.judge.model == asked,
        };
        let mut found = self.voices.iter().filter(matches);
        match (found.next(), found.next(), asked) {
            (Some(voice), None, _) => Ok(voice),
            (None, _, None) => Err(nobody_judged().into()),
            (None, _, Some(asked)) => {
                let message = format!("no judge `{asked}` has judged this run");
                Err(CommandError::usage(message).with_hint(format!("there are: {}", names())).into())
            }
            (Some(_), Some(_), _) => {
                let message = "several judges have judged this run";
                let hint = format!("choose one with --observer: {}", names());
                Err(CommandError::usage(message).with_hint(hint).into())
            }
        }
    }
}

pub(crate) fn nobody_judged() -> CommandError {
    CommandError::nothing("nobody has judged this run yet").with_hint("run `imgeval observe RUN --judge ...`")
}

fn cover(observed: &ObservedSample, coverage: &mut Coverage) {
    let sample = &observed.sample;
    match &sample.outcome {
        Outcome::Done(record) => {
            coverage.add_usable(&sample.source, &record.notes);
            if observed.repeats_bytes {
                coverage.add_note(imgeval_core::ImageNote::RepeatedBytes, &sample.source);
            }
        }
        Outcome::Failed(failure) => coverage.add_failure(failure, &sample.source),
    }
}

fn read_voices(reader: &RunReader, samples: &BTreeMap<SampleId, ImageRecord>) -> Result<Vec<Voice>> {
    let voice = |judge: StoredJudge| -> Result<Voice> {
        let protocol = JudgeProtocol::from_toml(&judge.protocol).map_err(|error| {
            let message = format!("a protocol in the run cannot be read: {}", sentence_of(&error));
            CommandError::mismatch(message)
        })?;
        Ok(Voice {
            id: judge.identity.id(),
            has_double: false,
            judge,
            protocol,
            samples: BTreeMap::new(),
            anchors: BTreeMap::new(),
            anchor_references: BTreeMap::new(),
        })
    };
    let mut voices = reader.judges()?.into_iter().map(voice).collect::<Result<Vec<_>>>()?;
    let places: BTreeMap<String, usize> =
        voices.iter().enumerate().map(|(place, voice)| (voice.id.clone(), place)).collect();
    reader.for_each_judgment(None, |judgment| {
        let Some(voice) = places.get(&judgment.item.judge_id).map(|place| &mut voices[*place]) else {
            return;
        };
        let id = judgment.item.id.clone();
        let said = match judgment.item.role {
            // What was said of an image that has given way to another says nothing about the sample.
            JudgedRole::Sample
                if samples.get(&id).is_none_or(|record| record.hash != judgment.item.image) =>
            {
                return;
            }
            JudgedRole::Sample => voice.samples.entry(id).or_default(),
            JudgedRole::Anchor => voice.anchors.entry(id).or_default(),
            JudgedRole::AnchorReference => voice.anchor_references.entry(id).or_default(),
        };
        said.add(judgment, &voice.protocol);
    })?;
    // One that was named and never answered anything is no voice.
    voices.retain(|voice| !voice.samples.is_empty());
    let mut n_titles: BTreeMap<String, usize> = BTreeMap::new();
    for voice in &voices {
        *n_titles.entry(voice.plain_title()).or_default() += 1;
    }
    for voice in &mut voices {
        voice.has_double = n_titles.get(&voice.plain_title()).is_some_and(|n| *n > 1);
    }
    Ok(voices)
}
