//! Runs of one's own cases: images to look at, without rules to score them by.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;
use imgeval_core::{CaseId, Outcome, SampleId};
use imgeval_report::model::{ImageView, RunView, SampleView};
use imgeval_store::RunReader;

use super::opened::{facts_of, judged_sample_view, spend_text, visit_samples};
use crate::{
    coverage::Coverage,
    judged::cases::{JudgedCase, read_cases},
    scored_run::model_line,
};

pub(super) struct UnscoredRun {
    cases: BTreeMap<CaseId, JudgedCase>,
    reader: RunReader,
}

impl UnscoredRun {
    pub(super) fn open(directory: &Path, name: String) -> Result<(Self, RunView)> {
        let reader = RunReader::open(directory)?;
        let cases = read_cases(&reader)?;
        let mut coverage = Coverage { prompts: cases.len(), ..Coverage::default() };
        let mut covered = BTreeSet::new();
        reader.for_each_sample(None, |observed| match &observed.sample.outcome {
            Outcome::Done(record) => {
                coverage.add_usable(&observed.sample.source, &record.notes);
                covered.insert(observed.sample.id.case);
            }
            Outcome::Failed(failure) => coverage.add_failure(failure, &observed.sample.source),
        })?;
        for id in cases.keys().filter(|id| !covered.contains(*id)) {
            coverage.add_prompt_without_image(id.as_str());
        }
        let manifest = reader.manifest();
        let view = RunView {
            name,
            suite: manifest.suite.clone(),
            prompts: "one's own cases, which have no scoring rules".to_owned(),
            model: model_line(&manifest.generation).unwrap_or_default(),
            facts: facts_of(manifest),
            observers: Vec::new(),
            n_prompts: coverage.prompts,
            n_prompts_with_image: coverage.prompts - coverage.prompts_without_image.count,
            n_images: coverage.usable,
            n_failed: coverage.n_failed(),
            coverage: coverage.lines(),
            spend: spend_text(&reader.spend()?),
        };
        Ok((Self { cases, reader }, view))
    }

    pub(super) fn for_each_sample(
        &self,
        run: usize,
        visit: &mut dyn FnMut(SampleView) -> Result<()>,
    ) -> Result<()> {
        // The answer of the round before, which a later round goes on from; samples come in the order of their ids.
        let mut last: Option<(SampleId, ImageView)> = None;
        visit_samples(&self.reader, None, |observed| {
            let sample = &observed.sample;
            let mut view = judged_sample_view(run, sample, self.cases.get(&sample.id.case));
            // Later rounds of a conversation are answers of their own.
            if sample.id.round > 1 {
                view.case = format!("{}, round {}", view.case, sample.id.round);
                let before = SampleId { round: sample.id.round - 1, ..sample.id.clone() };
                let answer = last.take().filter(|(id, _)| *id == before).map(|(_, image)| image);
                view.input = answer.or(view.input);
            }
            last = view.image.clone().map(|image| (sample.id.clone(), image));
            visit(view)
        })
    }
}
