//! Suites whose judges are asked by several protocols about one image: their answers together determine the score.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{EndpointMeta, SampleId};
use imgeval_suites::{
    judged::Scores,
    suite::{JudgedFacts, SuiteRef},
};

use crate::judge::{ImageReplies, JudgeReplies, Reading};

/// One evaluator for each judge that was asked by all protocols of the suite; others stay as they are.
pub(crate) fn combine(suite: SuiteRef, judges: Vec<JudgeReplies>) -> Vec<JudgeReplies> {
    let Some(facts) = suite.judged().filter(|facts| facts.asked.len() > 1) else { return judges };
    let mut combined = Vec::new();
    let mut groups: BTreeMap<(EndpointKey, String), Vec<(usize, JudgeReplies)>> = BTreeMap::new();
    for judge in judges {
        match place_of(facts, &judge.protocol.id) {
            Some((place, variant)) => {
                let key = (key_of(&judge.judge.identity.judge), variant);
                groups.entry(key).or_default().push((place, judge));
            }
            None => combined.push(judge),
        }
    }
    for mut group in groups.into_values() {
        group.sort_by_key(|(place, _)| *place);
        let is_whole = group.iter().map(|(place, _)| *place).eq(0..facts.asked.len());
        let parts = group.into_iter().map(|(_, judge)| judge);
        match is_whole {
            true => combined.extend(together(suite, parts.collect())),
            // Half an answer gives no score of the suite, but shows that somebody was asked.
            false => combined.extend(parts.map(without_score)),
        }
    }
    combined
}

pub(crate) type EndpointKey = (String, String, String, u32);

pub(crate) fn key_of(meta: &EndpointMeta) -> EndpointKey {
    (meta.provider.clone(), meta.endpoint.clone(), meta.model.clone(), meta.version)
}

/// Which of the protocols asked this is, and in which variant, such as `-strict`.
fn place_of(facts: &JudgedFacts, protocol: &str) -> Option<(usize, String)> {
    facts.asked.iter().enumerate().find_map(|(place, asked)| {
        let variant = protocol.strip_prefix(asked)?;
        (variant.is_empty() || variant.starts_with('-')).then(|| (place, variant.to_owned()))
    })
}

fn without_score(judge: JudgeReplies) -> JudgeReplies {
    JudgeReplies { samples: BTreeMap::new(), anchors: BTreeMap::new(), ..judge }
}

/// The first stands for all; what each said alone is kept.
fn together(suite: SuiteRef, parts: Vec<JudgeReplies>) -> Option<JudgeReplies> {
    let first = parts.first()?.clone();
    let of = |samples: fn(&JudgeReplies) -> &BTreeMap<SampleId, ImageReplies>| {
        combine_images(suite, &parts.iter().map(samples).collect::<Vec<_>>())
    };
    Some(JudgeReplies {
        samples: of(|judge| &judge.samples),
        anchors: of(|judge| &judge.anchors),
        anchor_references: of(|judge| &judge.anchor_references),
        asked: parts,
        ..first
    })
}

/// The images that every protocol was asked about.
fn combine_images(
    suite: SuiteRef,
    parts: &[&BTreeMap<SampleId, ImageReplies>],
) -> BTreeMap<SampleId, ImageReplies> {
    let Some((first, others)) = parts.split_first() else { return BTreeMap::new() };
    let ids = first.keys().filter(|id| others.iter().all(|part| part.contains_key(*id)));
    ids.map(|id| {
        let replies: Vec<&ImageReplies> = parts.iter().filter_map(|part| part.get(id)).collect();
        (id.clone(), combine_replies(suite, &replies))
    })
    .collect()
}

/// Repeat by repeat; without the reading of one protocol there is none of all.
fn combine_replies(suite: SuiteRef, parts: &[&ImageReplies]) -> ImageReplies {
    let repeats: BTreeSet<u32> = parts.iter().flat_map(|part| part.repeats.keys().copied()).collect();
    let mut combined = ImageReplies::default();
    for repeat in repeats {
        let readings: Vec<_> = parts.iter().filter_map(|part| part.repeats.get(&repeat)).collect();
        let failure = readings.iter().find_map(|reading| reading.as_ref().err());
        let reading = match failure {
            Some(failure) => Err(failure.clone()),
            // Of a later repeat that only some of the protocols have, nothing is known yet.
            None if readings.len() < parts.len() => continue,
            None => Ok(combine_readings(suite, readings.iter().filter_map(|reading| reading.as_ref().ok()))),
        };
        combined.repeats.insert(repeat, reading);
    }
    combined
}

fn combine_readings<'a>(suite: SuiteRef, readings: impl Iterator<Item = &'a Reading>) -> Reading {
    let (mut values, mut names, mut notes, mut replies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Reading { scores, reply, .. } in readings {
        values.push(scores.value);
        names.extend(scores.values.iter().copied());
        notes.extend(scores.notes.iter().cloned());
        replies.push(reply.as_str());
    }
    let scores = Scores { value: suite.combine(&values), values: names, notes };
    Reading { scores, reply: replies.join("\n"), alternatives: Vec::new() }
}
