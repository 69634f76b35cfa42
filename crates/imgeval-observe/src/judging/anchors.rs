//! Anchors: images that a judge sees again, to tell whether it has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use imgeval_core::{JudgeIdentity, Outcome, SampleId, WorkKey};
use imgeval_store::{JudgedItem, JudgedRole, JudgmentRecord, RunReader, RunWriter};
use imgeval_suites::suite::SuiteRef;

use super::{JudgingError, Subjects, subjects_of, title_of};

/// Adds the anchors' images to the images to be judged; returns the judge's earlier judgments of them.
pub(super) fn add_anchors(
    anchors: &Path,
    suite: SuiteRef,
    identity: &JudgeIdentity,
    subjects: &mut Subjects,
) -> Result<Vec<JudgmentRecord>, JudgingError> {
    let reader = RunReader::open(anchors)?;
    if reader.manifest().suite != suite.id() {
        let found = reader.manifest().suite.clone();
        return Err(JudgingError::OtherAnchors { anchors: anchors.to_owned(), found, wanted: suite.id() });
    }
    let of_anchors = subjects_of(anchors, JudgedRole::Anchor)?;
    let mut references = Vec::new();
    reader.for_each_judgment(Some(&identity.id()), |judgment| {
        let JudgedItem { role, id, image, repeat, .. } = &judgment.item;
        let known = of_anchors.get(&(JudgedRole::Anchor, id.clone()));
        let is_current = known.is_some_and(|subject| subject.image.hash == *image);
        if *role == JudgedRole::Sample && is_current && judgment.outcome.done().is_some() {
            let role = JudgedRole::AnchorReference;
            let item = JudgedItem::new(identity, role, id.clone(), image.clone(), *repeat);
            references.push(JudgmentRecord::without_call(item, judgment.began_ms, judgment.outcome));
        }
    })?;
    if references.is_empty() {
        let judge = title_of(identity);
        return Err(JudgingError::UnjudgedAnchors { anchors: anchors.to_owned(), judge });
    }
    let referenced: BTreeSet<SampleId> =
        references.iter().map(|reference| reference.item.id.clone()).collect();
    subjects.extend(of_anchors.into_iter().filter(|((_, id), _)| referenced.contains(id)));
    Ok(references)
}

/// Keeps each reference once.
pub(super) fn keep_references(
    run: &mut RunWriter,
    references: &[JudgmentRecord],
) -> Result<(), JudgingError> {
    let Some(first) = references.first() else { return Ok(()) };
    let mut known: BTreeMap<WorkKey, Vec<Outcome<String>>> = BTreeMap::new();
    run.for_each_judgment(Some(&first.item.judge_id), |judgment| {
        known.entry(judgment.item.work_key).or_default().push(judgment.outcome);
    })?;
    for reference in references {
        let of_item = known.entry(reference.item.work_key.clone()).or_default();
        if !of_item.contains(&reference.outcome) {
            run.record_judgment(reference)?;
            of_item.push(reference.outcome.clone());
        }
    }
    Ok(())
}
