//! Cases that say by checks of their own what must hold: what a judge and a detector found together makes the score.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use imgeval_core::{CaseId, ContentHash, Failure, FailureKind, SampleId};
use imgeval_suites::{
    checks::{CaseChecks, NamedCheck},
    geneval::Verdict,
    judged::Scores,
    suite::{SuiteCase, SuiteRef},
};

use crate::{
    Evaluator, ScoringError,
    combined::{EndpointKey, key_of},
    judge::{ImageReplies, JudgeReplies, Reading},
    meters::{Measured, MeasuredImage},
};

/// The checks of each case that has any.
pub(crate) type Checks = BTreeMap<CaseId, CaseChecks>;

/// What the checks of one image came to.
#[derive(Debug)]
pub struct CheckedImage {
    /// In [0, 1]; over several repeats their mean.
    pub value: f64,
    /// Each check by its name with its value, in the order of the case.
    pub checks: Vec<(String, f64)>,
    /// What the detector's evidence says of the objects, if a check asks for some.
    pub verdict: Option<Verdict>,
    /// What the judge said, reply by reply.
    pub replies: Vec<String>,
}

/// What a detector and meters found on one image.
pub(crate) struct Found<'a> {
    pub verdict: Option<Verdict>,
    pub measured: Option<MeasuredImage<'a>>,
}

impl CheckedImage {
    /// One line for each check, with the reasons of the objects.
    #[must_use]
    pub fn reasons(&self) -> String {
        let reasons = self.verdict.as_ref().map(Verdict::reason_text).filter(|text| !text.is_empty());
        let line = |(name, value): &(String, f64)| match (name.as_str(), &reasons) {
            ("objects", Some(reasons)) => format!("{name} {value} ({})", reasons.replace('\n', "; ")),
            _ => format!("{name} {value}"),
        };
        self.checks.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Why there is no score.
pub(crate) enum Unchecked {
    /// A judge gave no answer.
    Failed(Failure),
    /// Evidence that a check needs is not there yet.
    Lacks(String),
}

/// What must hold of the images of each case, of a suite whose cases say so themselves.
///
/// # Errors
/// If the checks of a case are of a kind that this version does not know.
pub(crate) fn read_checks(
    suite: SuiteRef,
    cases: &BTreeMap<CaseId, SuiteCase>,
) -> Result<Checks, ScoringError> {
    let mut all = Checks::new();
    for (id, case) in cases {
        all.extend(suite.checks(case)?.map(|checks| (id.clone(), checks)));
    }
    Ok(all)
}

/// Identifies a set of checks.
pub(crate) fn hash_of_checks(cases: &BTreeMap<CaseId, SuiteCase>) -> ContentHash {
    let facts: Vec<_> = cases.iter().map(|(id, case)| (id.as_str(), &case.tag, &case.facts)).collect();
    // As JSON it is plain where each text ends.
    ContentHash::of(serde_json::json!(facts).to_string().as_bytes())
}

/// All evaluators that can decide checks: each detector with each judge, as far as checks need them, and people.
pub(crate) fn evaluators_of(
    checks: &Checks,
    detectors: Vec<imgeval_core::ObserverMeta>,
    judges: Vec<JudgeReplies>,
    measured: Measured,
) -> Vec<Evaluator> {
    let needs_measures = checks.values().any(|of| of.measured().next().is_some());
    let meter = (needs_measures && !measured.is_empty()).then(|| Arc::new(measured));
    let needs_objects = checks.values().any(|of| of.objects().is_some());
    let (people, judges): (Vec<_>, Vec<_>) = judges.into_iter().partition(JudgeReplies::is_human);
    let detectors: Vec<_> = detectors.into_iter().filter(|_| needs_objects).map(Some).collect();
    let judges: Vec<_> = judges.into_iter().map(|judge| Some(Arc::new(judge))).collect();
    let mut evaluators = Vec::new();
    if !(detectors.is_empty() && judges.is_empty() && meter.is_none()) {
        let detectors = if detectors.is_empty() { vec![None] } else { detectors };
        let judges = if judges.is_empty() { vec![None] } else { judges };
        for detector in &detectors {
            evaluators.extend(judges.iter().map(|judge| Evaluator::Checks {
                detector: detector.clone(),
                judge: judge.clone(),
                meter: meter.clone(),
            }));
        }
    }
    evaluators.extend(people.into_iter().map(|person| Evaluator::Judge(Arc::new(person))));
    evaluators
}

/// One for each judge, with what it said by all protocols together. What people said stays as it is.
pub(crate) fn gather(checks: &Checks, judges: Vec<JudgeReplies>) -> Vec<JudgeReplies> {
    let mut gathered = Vec::new();
    let mut groups: BTreeMap<EndpointKey, Vec<JudgeReplies>> = BTreeMap::new();
    for judge in judges {
        if judge.is_human() {
            gathered.push(judge);
        } else {
            let key = key_of(&judge.judge.identity.judge);
            groups.entry(key).or_default().push(held_against_answers(checks, judge));
        }
    }
    for mut parts in groups.into_values() {
        parts.sort_by(|one, other| one.protocol.id.cmp(&other.protocol.id));
        let Some(first) = parts.first().cloned() else { continue };
        let samples: BTreeSet<&SampleId> = parts.iter().flat_map(|part| part.samples.keys()).collect();
        let together =
            |id: &&SampleId| Some(((*id).clone(), judged_replies(checks.get(&id.case)?, id, &parts)));
        let samples = samples.iter().filter_map(together).collect();
        gathered.push(JudgeReplies {
            samples,
            anchors: BTreeMap::new(),
            anchor_references: BTreeMap::new(),
            asked: parts,
            ..first
        });
    }
    gathered
}

/// Gives every reply the value that the case's check says it has.
fn held_against_answers(checks: &Checks, mut judge: JudgeReplies) -> JudgeReplies {
    let name = judge.protocol.id.clone();
    judge.samples.retain(|id, _| checks.get(&id.case).is_some_and(|of| of.find(&name).is_some()));
    for (id, replies) in &mut judge.samples {
        let Some(named) = checks.get(&id.case).and_then(|of| of.find(&name)) else { continue };
        for result in replies.repeats.values_mut() {
            let Ok(reading) = result else { continue };
            match named.check.value_of(&reading.scores, &reading.reply, &reading.alternatives) {
                Ok(value) => {
                    if named.question().is_some() {
                        reading.scores.values = vec![("answer", value)];
                    }
                    reading.scores.value = value;
                }
                Err(error) => {
                    *result = Err(Failure { kind: FailureKind::Unparsed, detail: error.reason });
                }
            }
        }
    }
    judge
}

/// What a judge said of one image by all protocols that its case is asked by, repeat by repeat.
fn judged_replies(checks: &CaseChecks, id: &SampleId, parts: &[JudgeReplies]) -> ImageReplies {
    let (repeats, failures) = repeats_of(checks, Some(parts), id);
    let mut together = ImageReplies::default();
    for (repeat, readings) in repeats {
        let Some(readings) = readings else { continue };
        let value = checks.score(readings.iter().map(|(named, reading)| (*named, reading.scores.value)));
        let values = readings.iter().flat_map(|(_, reading)| reading.scores.values.iter().copied()).collect();
        let notes = readings.iter().flat_map(|(_, reading)| reading.scores.notes.iter().cloned()).collect();
        let replies: Vec<&str> = readings.iter().map(|(_, reading)| reading.reply.as_str()).collect();
        let scores = Scores { values, value, notes };
        together
            .repeats
            .insert(repeat, Ok(Reading { scores, reply: replies.join("\n"), alternatives: Vec::new() }));
    }
    for (repeat, failure) in failures {
        together.repeats.entry(repeat).or_insert(Err(failure));
    }
    together
}

type Readings<'a> = Vec<(&'a NamedCheck, &'a Reading)>;

/// Each repeat with the readings of all checks that a judge decides; `None` where one of them is not there. Beside them why.
fn repeats_of<'a>(
    checks: &'a CaseChecks,
    parts: Option<&'a [JudgeReplies]>,
    id: &SampleId,
) -> (BTreeMap<u32, Option<Readings<'a>>>, BTreeMap<u32, Failure>) {
    let replies_to = |named: &NamedCheck| {
        let part = parts.into_iter().flatten().find(|part| part.protocol.id == named.name)?;
        part.samples.get(id)
    };
    let judged: Vec<(&NamedCheck, Option<&ImageReplies>)> =
        checks.judged().map(|named| (named, replies_to(named))).collect();
    let numbers: BTreeSet<u32> = judged
        .iter()
        .filter_map(|(_, replies)| *replies)
        .flat_map(|replies| replies.repeats.keys().copied())
        .collect();
    let (mut repeats, mut failures) = (BTreeMap::new(), BTreeMap::new());
    for repeat in numbers {
        let mut readings = Some(Vec::new());
        for (named, replies) in &judged {
            match replies.and_then(|replies| replies.repeats.get(&repeat)) {
                Some(Ok(reading)) => {
                    if let Some(readings) = &mut readings {
                        readings.push((*named, reading));
                    }
                }
                Some(Err(failure)) => {
                    let detail = format!("{}: {}", named.name, failure.detail);
                    failures.entry(repeat).or_insert(Failure { detail, ..failure.clone() });
                    readings = None;
                }
                None => readings = None,
            }
        }
        repeats.insert(repeat, readings);
    }
    (repeats, failures)
}

/// The score of one image from the verdict on its objects, what was measured and what the judge said; where a check is not
/// decided, why.
pub(crate) fn check_image(
    checks: &CaseChecks,
    id: &SampleId,
    found: Found<'_>,
    judge: Option<&JudgeReplies>,
) -> Result<CheckedImage, Unchecked> {
    let Found { verdict, measured } = found;
    let of_objects = verdict.as_ref().map(|verdict| f64::from(u8::from(verdict.is_correct())));
    if checks.objects().is_some() && of_objects.is_none() {
        return Err(Unchecked::Lacks("no detections for its objects".to_owned()));
    }
    let of_measures = values_of_measures(checks, measured)?;
    let (repeats, failures) = repeats_of(checks, judge.map(|judge| judge.asked.as_slice()), id);
    let mut whole: Vec<Readings<'_>> = repeats.into_values().flatten().collect();
    if checks.judged().next().is_none() {
        whole.push(Vec::new());
    }
    if whole.is_empty() {
        return Err(match failures.into_values().next() {
            Some(failure) => Unchecked::Failed(failure),
            None => Unchecked::Lacks(lacking(checks, id, judge)),
        });
    }
    let values = |readings: &Readings<'_>| -> Vec<f64> {
        let value = |named: &NamedCheck| {
            let reading = readings.iter().find(|(of, _)| of.name == named.name);
            let of_reading = reading.map(|(_, reading)| reading.scores.value);
            let of_measure = of_measures.get(named.name.as_str()).copied();
            of_reading.or(of_measure).or(of_objects).unwrap_or_default()
        };
        checks.checks().iter().map(value).collect()
    };
    let by_repeat: Vec<Vec<f64>> = whole.iter().map(values).collect();
    let n = by_repeat.len() as f64;
    let score = |values: &Vec<f64>| checks.score(checks.checks().iter().zip(values.iter().copied()));
    let mean = |place: usize| by_repeat.iter().map(|values| values[place]).sum::<f64>() / n;
    let named = checks.checks().iter().enumerate();
    Ok(CheckedImage {
        value: by_repeat.iter().map(score).sum::<f64>() / n,
        checks: named.map(|(place, named)| (named.name.clone(), mean(place))).collect(),
        verdict,
        replies: whole.iter().flatten().map(|(_, reading)| reading.reply.clone()).collect(),
    })
}

/// The values of the checks that something was measured for, by name.
fn values_of_measures<'a>(
    checks: &'a CaseChecks,
    measured: Option<MeasuredImage<'_>>,
) -> Result<BTreeMap<&'a str, f64>, Unchecked> {
    let mut values = BTreeMap::new();
    for named in checks.measured() {
        let Some(measured) = measured else {
            return Err(Unchecked::Lacks("it was not measured".to_owned()));
        };
        if let Some(failure) = measured.failure() {
            return Err(Unchecked::Failed(failure.clone()));
        }
        let value = named.check.value_of_measures(&measured).map_err(|error| {
            let detail = format!("{}: {error}", named.name);
            match error.is_open {
                true => Unchecked::Lacks(detail),
                false => Unchecked::Failed(Failure { kind: FailureKind::NotMeasurable, detail }),
            }
        })?;
        values.insert(named.name.as_str(), value);
    }
    Ok(values)
}

/// What nobody has answered yet, in words.
fn lacking(checks: &CaseChecks, id: &SampleId, judge: Option<&JudgeReplies>) -> String {
    let is_answered = |named: &NamedCheck| {
        let mut asked = judge.into_iter().flat_map(|judge| &judge.asked);
        asked.any(|part| part.protocol.id == named.name && part.samples.contains_key(id))
    };
    let open: Vec<&str> =
        checks.judged().filter(|named| !is_answered(named)).map(|named| named.name.as_str()).collect();
    match open.as_slice() {
        [] => "no repeat has an answer to every check".to_owned(),
        open => format!("no judge was asked by {}", open.join(", ")),
    }
}

#[cfg(test)]
mod tests;
