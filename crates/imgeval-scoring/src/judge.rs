//! What a judge said of a run's images: the first answer that can be read counts, and of several repeats their mean.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{Failure, FailureKind, ImageRecord, Outcome, SampleId, WorkKey, sentence_of};
use imgeval_store::{JudgedRole, RunReader, StoredJudge, StoredJudgment};
use imgeval_suites::{
    judged::{Alternative, JudgeProtocol, Scores, first_alternatives},
    suite::SuiteRef,
};

use crate::{
    ScoringError,
    checked::{Checks, gather},
    combined::combine,
};

/// The provider of people's scores.
pub const HUMAN: &str = "human";

/// A judge under one protocol, with everything that it said.
#[derive(Debug, Clone)]
pub struct JudgeReplies {
    pub id: String,
    pub judge: StoredJudge,
    pub protocol: JudgeProtocol,
    /// Of the samples as they are now.
    pub samples: BTreeMap<SampleId, ImageReplies>,
    /// Of the anchors, now.
    pub anchors: BTreeMap<SampleId, ImageReplies>,
    /// Of the anchors when they were set up.
    pub anchor_references: BTreeMap<SampleId, ImageReplies>,
    /// What it said by each protocol alone, where the suite asks by several.
    pub asked: Vec<Self>,
    /// Whether another judge of the run has the same title.
    pub(crate) has_double: bool,
}

/// What a judge said of one image, by repeat: the first answer that can be read, else why there is none.
#[derive(Debug, Clone, Default)]
pub struct ImageReplies {
    pub(crate) repeats: BTreeMap<u32, Result<Reading, Failure>>,
}

/// An answer that could be read.
#[derive(Debug, Clone)]
pub struct Reading {
    pub scores: Scores,
    pub reply: String,
    /// Alternatives for the first word, if the protocol asks for log-probabilities.
    pub alternatives: Vec<Alternative>,
}

impl Reading {
    /// # Errors
    /// If the reply holds no score, or `body`, the reply as the endpoint sent it, lacks log-probabilities that were asked for.
    fn of(reply: String, body: Option<&str>, protocol: &JudgeProtocol) -> Result<Self, Failure> {
        let unparsed = |detail: String| Failure { kind: FailureKind::Unparsed, detail };
        let scores = protocol.parse_reply(&reply).map_err(|error| unparsed(sentence_of(&error)))?;
        let alternatives = match body {
            Some(body) => first_alternatives(body).map_err(|error| unparsed(error.reason))?,
            None => Vec::new(),
        };
        Ok(Self { scores, reply, alternatives })
    }
}

impl ImageReplies {
    fn add(&mut self, judgment: StoredJudgment, body: Option<&str>, protocol: &JudgeProtocol) {
        let reading = match judgment.outcome {
            Outcome::Done(reply) => Reading::of(reply, body, protocol),
            Outcome::Failed(failure) => Err(failure),
        };
        let known = self.repeats.entry(judgment.item.repeat).or_insert_with(|| reading.clone());
        // Of the answers to one question the first that can be read counts; a later failure tells more than an earlier.
        if known.is_err() {
            *known = reading;
        }
    }

    /// In the order of the repeats.
    pub fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.repeats.values().filter_map(|reading| reading.as_ref().ok())
    }

    /// The mean over the repeats that could be read; `None` if none could.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        let values: Vec<f64> = self.readings().map(|reading| reading.scores.value).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Why there is no value.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        let mut failures = self.repeats.values().filter_map(|reading| reading.as_ref().err());
        if self.value().is_some() { None } else { failures.next() }
    }

    /// How many repeats could not be read though others could.
    #[must_use]
    pub fn n_unread(&self) -> usize {
        self.repeats.values().filter(|reading| reading.is_err()).count()
    }
}

impl JudgeReplies {
    /// The model with what tells it from the other judges of the run.
    #[must_use]
    pub fn title(&self) -> String {
        self.plain_title() + &self.mark()
    }

    /// For where the id stands beside it.
    #[must_use]
    pub fn plain_title(&self) -> String {
        let judge = &self.judge.identity.judge;
        if self.is_human() {
            format!("{} (human)", judge.model)
        } else {
            let labels: Vec<String> = match self.asked.as_slice() {
                [] => vec![self.protocol.label()],
                asked => asked.iter().map(|of| of.protocol.label()).collect(),
            };
            format!("{} ({}, {})", judge.model, judge.provider, labels.join(" and "))
        }
    }

    fn mark(&self) -> String {
        if self.has_double { format!(" [{}]", self.id) } else { String::new() }
    }

    /// The model, and the protocol if it is not the suite's usual one.
    #[must_use]
    pub fn short_title(&self) -> String {
        let model = &self.judge.identity.judge.model;
        let is_usual = self.is_human() || !self.asked.is_empty() || self.protocol.id == self.protocol.suite;
        let title = if is_usual { model.clone() } else { format!("{model} [{}]", self.protocol.id) };
        title + &self.mark()
    }

    #[must_use]
    pub fn is_human(&self) -> bool {
        self.judge.identity.judge.provider == HUMAN
    }

    /// Whether its model is the one that the protocol's published scores come from.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        is_pinned(&self.judge.identity.judge.model, &self.protocol)
    }

    /// Scores that were read as the official parser reads them, though a strict reader would refuse.
    #[must_use]
    pub fn n_read_as_official_only(&self) -> usize {
        let readings = self.samples.values().flat_map(ImageReplies::readings);
        readings.filter(|reading| !reading.scores.notes.is_empty()).count()
    }

    /// Repeats that could not be read of images that have a score by others.
    #[must_use]
    pub fn n_unread_beside_others(&self) -> usize {
        let scored = self.samples.values().filter(|replies| replies.value().is_some());
        scored.map(ImageReplies::n_unread).sum()
    }
}

/// Whether this model is the one that the protocol's published scores come from. A server may put an owner before its
/// name.
#[must_use]
pub fn is_pinned(model: &str, protocol: &JudgeProtocol) -> bool {
    model == protocol.judge_pin || model.rsplit('/').next() == Some(&protocol.judge_pin)
}

/// The bodies of replies whose values follow from log-probabilities, by question and time.
fn bodies_with_probabilities(
    reader: &RunReader,
    judges: &[JudgeReplies],
) -> Result<BTreeMap<(WorkKey, i64), String>, ScoringError> {
    let asked: BTreeSet<&str> = judges
        .iter()
        .filter(|judge| judge.protocol.reply.needs_probabilities())
        .map(|judge| judge.id.as_str())
        .collect();
    let mut bodies = BTreeMap::new();
    if !asked.is_empty() {
        reader.for_each_judgment_call(|call| {
            if asked.contains(call.item.judge_id.as_str()) {
                bodies.insert((call.item.work_key, call.began_ms), call.raw);
            }
        })?;
    }
    Ok(bodies)
}

/// Everybody who judged the run; who was named and never answered anything is left out.
pub(crate) fn read_judges(
    suite: SuiteRef,
    reader: &RunReader,
    samples: &BTreeMap<SampleId, ImageRecord>,
    checks: &Checks,
) -> Result<Vec<JudgeReplies>, ScoringError> {
    let judge = |judge: StoredJudge| -> Result<JudgeReplies, ScoringError> {
        let protocol = JudgeProtocol::from_toml(&judge.protocol)
            .map_err(|error| ScoringError::Protocol { detail: sentence_of(&error) })?;
        Ok(JudgeReplies {
            id: judge.identity.id(),
            judge,
            protocol,
            samples: BTreeMap::new(),
            anchors: BTreeMap::new(),
            anchor_references: BTreeMap::new(),
            asked: Vec::new(),
            has_double: false,
        })
    };
    let mut judges = reader.judges()?.into_iter().map(judge).collect::<Result<Vec<_>, _>>()?;
    let places: BTreeMap<String, usize> =
        judges.iter().enumerate().map(|(place, judge)| (judge.id.clone(), place)).collect();
    let bodies = bodies_with_probabilities(reader, &judges)?;
    reader.for_each_judgment(None, |judgment| {
        let Some(judge) = places.get(&judgment.item.judge_id).map(|place| &mut judges[*place]) else {
            return;
        };
        let id = judgment.item.id.clone();
        let replies = match judgment.item.role {
            // What was said of an image that has given way to another says nothing about the sample.
            JudgedRole::Sample
                if samples.get(&id).is_none_or(|record| record.hash != judgment.item.image) =>
            {
                return;
            }
            JudgedRole::Sample => judge.samples.entry(id).or_default(),
            JudgedRole::Anchor => judge.anchors.entry(id).or_default(),
            JudgedRole::AnchorReference => judge.anchor_references.entry(id).or_default(),
        };
        let body = bodies.get(&(judgment.item.work_key.clone(), judgment.began_ms)).map(String::as_str);
        let body = judge.protocol.reply.needs_probabilities().then(|| body.unwrap_or_default());
        replies.add(judgment, body, &judge.protocol);
    })?;
    judges.retain(|judge| !judge.samples.is_empty());
    let mut judges = match suite.is_checked() {
        true => gather(checks, judges),
        false => combine(suite, judges),
    };
    let mut n_titles: BTreeMap<String, usize> = BTreeMap::new();
    for judge in &judges {
        *n_titles.entry(judge.plain_title()).or_default() += 1;
    }
    for judge in &mut judges {
        judge.has_double = n_titles.get(&judge.plain_title()).is_some_and(|n| *n > 1);
    }
    Ok(judges)
}
