//! Context of a run's scores: the generator of the images, everything that must be equal for two scores to be
//! comparable, and why scores are not comparable with published ones.

use std::collections::BTreeMap;

use imgeval_core::{CaseId, ContentHash, ObserverMeta, Protocol};
use imgeval_store::Manifest;
use imgeval_suites::{
    files::OTHER_SCRIPT,
    geneval::VerdictOptions,
    judged::READING_VERSION,
    suite::{ScoredBy, SuiteFacts},
};

use crate::{Evaluator, JudgeReplies, Run, checked::hash_of_checks};

/// Names the rules of GenEval's verdict; raised when they change.
const VERDICT_VERSION: u32 = 1;

/// Who made the images and what was asked of it; `None` if they were imported.
#[must_use]
pub fn model_line(facts: &BTreeMap<String, String>) -> Option<String> {
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
fn asked_facts(facts: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    facts.iter().filter(|(name, _)| !["provider", "endpoint", "model", "adapter"].contains(&name.as_str()))
}

/// Facts of a manifest by name: the suite's parameters and what was asked of the model.
pub(crate) fn facts_of(manifest: &Manifest) -> Vec<(String, String)> {
    let own = |prefix: &'static str, facts: &BTreeMap<String, String>| {
        facts.iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone())).collect::<Vec<_>>()
    };
    let mut facts = own("suite.", &manifest.parameters);
    facts.extend(own("generation.", &manifest.generation));
    facts.push(("tool".to_owned(), format!("imgeval {}", manifest.tool_version)));
    facts
}

/// Tells one rewriting of prompts from another.
fn hash_of_prompts(prompts: &[(CaseId, String)]) -> ContentHash {
    let prompts: Vec<[&str; 2]> =
        prompts.iter().map(|(case, prompt)| [case.as_str(), prompt.as_str()]).collect();
    // As JSON it is plain where each text ends.
    ContentHash::of(serde_json::json!(prompts).to_string().as_bytes())
}

/// Adds the rules and options of GenEval's verdict to a protocol.
#[must_use]
pub fn with_verdict_facts(protocol: Protocol, options: &VerdictOptions, suite: &SuiteFacts) -> Protocol {
    protocol
        .with("verdict.version", VERDICT_VERSION)
        .with("verdict.threshold", options.threshold)
        .with("verdict.counting_threshold", options.counting_threshold)
        .with("verdict.max_objects", options.max_objects)
        .with("verdict.max_overlap", options.max_overlap)
        .with("verdict.position_threshold", options.position_threshold)
        .with("summary.version", suite.summary_version)
}

impl Run {
    /// Who made the images and what was asked of it, if a provider was asked.
    #[must_use]
    pub fn model(&self) -> Option<String> {
        model_line(&self.manifest().generation)
    }

    /// Everything that must be equal for two scores to be comparable; which model is scored is not part of it.
    #[must_use]
    pub fn protocol(&self, evaluator: Option<&Evaluator>) -> Protocol {
        let manifest = self.manifest();
        let mut protocol = Protocol::default().with("suite", &manifest.suite);
        for (name, value) in &manifest.parameters {
            protocol = protocol.with(&format!("suite.{name}"), value);
        }
        for (name, value) in asked_facts(&manifest.generation) {
            protocol = protocol.with(&format!("generation.{name}"), value);
        }
        if !self.rewritten_prompts().is_empty() {
            protocol = protocol
                .with("prompts", "rewritten")
                .with("prompts.sha256", hash_of_prompts(self.rewritten_prompts()));
        }
        let facts = self.suite().facts();
        match evaluator {
            Some(Evaluator::Judge(judge)) => with_judge_facts(protocol, judge, facts),
            Some(Evaluator::Checks { detector, judge, meter }) => {
                protocol = protocol.with("checks.sha256", hash_of_checks(self.cases()));
                if let Some(meter) = meter {
                    protocol = protocol.with("meters", meter.meters().join(", "));
                }
                if let Some(detector) = detector {
                    let with_detector = with_detector_facts(protocol, detector);
                    protocol = with_verdict_facts(with_detector, self.options(), facts);
                }
                match judge {
                    Some(judge) => with_judge_facts(protocol, judge, facts),
                    None => protocol,
                }
            }
            Some(Evaluator::Detector(detector)) => {
                with_verdict_facts(with_detector_facts(protocol, detector), self.options(), facts)
            }
            None if self.suite().is_detected() => with_verdict_facts(protocol, self.options(), facts),
            None => protocol,
        }
    }

    /// Why its scores by this evaluator may not stand beside published ones; empty if they may.
    #[must_use]
    pub fn note(&self, evaluator: &Evaluator) -> String {
        match evaluator {
            Evaluator::Detector(detector) => self.note_for_detector(detector),
            Evaluator::Judge(judge) => self.note_for_judge(judge),
            Evaluator::Checks { .. } => {
                format!("not comparable: {}", self.suite().facts().prompts_note.unwrap_or_default())
            }
        }
    }

    /// The observer first.
    fn note_for_detector(&self, detector: &ObserverMeta) -> String {
        let of_detector = comparability_note(detector);
        if !of_detector.is_empty() {
            return of_detector.to_owned();
        }
        let has_official_options = *self.options() == VerdictOptions::default();
        let reasons: Vec<&str> =
            [(has_official_options, "other options"), (self.is_official(), "fresh prompts")]
                .into_iter()
                .filter_map(|(is_official, reason)| (!is_official).then_some(reason))
                .collect();
        if reasons.is_empty() { String::new() } else { format!("not comparable: {}", reasons.join(", ")) }
    }

    fn note_for_judge(&self, judge: &JudgeReplies) -> String {
        let mut reasons = Vec::new();
        if judge.is_human() {
            reasons.push("scores by a person".to_owned());
        } else if !judge.is_pinned() {
            reasons.push(format!("published scores are by {}", judge.protocol.judge_pin));
        }
        if judge.protocol.id == format!("{}-strict", judge.protocol.suite) {
            reasons.push(
                "replies are read strictly; for published scores, as the official script reads them"
                    .to_owned(),
            );
        }
        if judge.protocol.wording_source.contains(OTHER_SCRIPT) {
            reasons.push("the wording is that of another version of the official script".to_owned());
        }
        let facts = self.suite().facts();
        reasons.extend(facts.prompts_note.map(str::to_owned));
        if let ScoredBy::Judgments(judged) = facts.scored_by
            && !judge.is_human()
        {
            reasons.extend(judged.wording_note.map(str::to_owned));
        }
        if reasons.is_empty() { String::new() } else { format!("not comparable: {}", reasons.join("; ")) }
    }
}

fn with_detector_facts(protocol: Protocol, detector: &ObserverMeta) -> Protocol {
    protocol
        .with("detector", &detector.id)
        .with("detector.version", detector.version)
        .with("detector.weights_sha256", &detector.weights_sha256)
        .with("detector.parameters", &detector.parameters)
}

fn with_judge_facts(protocol: Protocol, judge: &JudgeReplies, suite: &SuiteFacts) -> Protocol {
    let identity = &judge.judge.identity;
    let mut protocol = protocol;
    for (place, further) in judge.asked.iter().enumerate().skip(1) {
        let identity = &further.judge.identity;
        protocol = protocol
            .with(&format!("judge.protocol.{}", place + 1), &identity.protocol)
            .with(&format!("judge.protocol_sha256.{}", place + 1), &identity.protocol_hash);
    }
    protocol
        .with("judge", &identity.judge.model)
        .with("judge.interface", format!("{}@{}", identity.judge.provider, identity.judge.version))
        .with("judge.endpoint", &identity.judge.endpoint)
        .with("judge.protocol", &identity.protocol)
        .with("judge.protocol_sha256", &identity.protocol_hash)
        .with("judge.reading", format!("{}@{READING_VERSION}", judge.protocol.reply.name()))
        .with("summary.version", suite.summary_version)
}

/// Stands beside everything that this detector made, unless it is official.
#[must_use]
pub fn comparability_note(detector: &ObserverMeta) -> &'static str {
    match detector.id.as_str() {
        _ if detector.is_comparable => "",
        "preview" => "preview, not comparable",
        _ => "not comparable",
    }
}
