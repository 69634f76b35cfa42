//! Runs of WISE and Reason-Edit, by every judge and person that scored them.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use imgeval_core::SampleId;
use imgeval_metrics::{BootstrapSettings, Cluster};
use imgeval_report::model::{Cell, ObserverKind, ObserverView, Opinion, RunView, SampleView};
use imgeval_store::RunReader;
use imgeval_suites::{
    judged::ScoreLine,
    reason_edit::Folder,
    wise::{Category, Edition},
};

use super::opened::{
    Part, ScoredView, facts_of, interval_view, judged_sample_view, protocol_view, spend_text, visit_samples,
};
use crate::{
    args::Suite,
    judged::{
        run::{JudgedRun, Said, Voice},
        summary::{JudgedSummary, edition_of, prompt_id},
        table::JudgedTable,
    },
    scored_run::model_line,
};

pub(super) struct JudgedSource {
    run: JudgedRun,
    reader: RunReader,
}

impl JudgedSource {
    pub(super) fn open(
        directory: &Path,
        name: String,
        settings: BootstrapSettings,
    ) -> Result<(Self, RunView, Vec<ScoredView>)> {
        let run = JudgedRun::open(directory)?;
        let (mut observers, mut scored) = (Vec::new(), Vec::new());
        for voice in &run.voices {
            let table = JudgedTable::of(&run, voice, settings);
            let protocol = table.protocol();
            observers.push(ObserverView {
                id: voice.id.clone(),
                title: voice.title(),
                kind: if voice.is_human() { ObserverKind::Human } else { ObserverKind::Judge },
                protocol: protocol_view(&protocol),
                note: table.note.clone(),
                coverage: table.coverage.lines(),
            });
            let (cells, parts) = (cells_of(run.suite, &table.summary), parts_of(&run, voice));
            scored.push(ScoredView { protocol, cells, parts });
        }
        let coverage = run.coverage(None);
        let view = RunView {
            name,
            suite: run.manifest.suite.clone(),
            prompts: match run.suite {
                Suite::WiseLegacyRewrite => "the rewritten prompts".to_owned(),
                _ => "the official prompts".to_owned(),
            },
            model: model_line(&run.manifest.generation).unwrap_or_default(),
            facts: facts_of(&run.manifest),
            observers,
            n_prompts: coverage.prompts,
            n_prompts_with_image: coverage.prompts - coverage.prompts_without_image.count,
            n_images: coverage.usable,
            n_failed: coverage.n_failed(),
            coverage: coverage.lines(),
            spend: spend_text(&run.spend),
        };
        let reader = RunReader::open(directory)?;
        Ok((Self { run, reader }, view, scored))
    }

    pub(super) fn for_each_sample(
        &self,
        run: usize,
        visit: &mut dyn FnMut(SampleView) -> Result<()>,
    ) -> Result<()> {
        visit_samples(&self.reader, None, |observed| {
            let sample = &observed.sample;
            let case = self.run.cases.get(&sample.id.case);
            let view = judged_sample_view(run, sample, case);
            let opinions = if view.image.is_some() { self.opinions_of(&sample.id) } else { Vec::new() };
            visit(SampleView { expectation: case.map(expectation_of).unwrap_or_default(), opinions, ..view })
        })
    }

    fn opinions_of(&self, id: &SampleId) -> Vec<Opinion> {
        let opinion =
            |(observer, voice): (usize, &Voice)| voice.samples.get(id).map(|said| opinion_of(observer, said));
        self.run.voices.iter().enumerate().filter_map(opinion).collect()
    }
}

fn expectation_of(case: &crate::judged::cases::JudgedCase) -> String {
    let texts = [case.subcategory.as_str(), case.explanation.as_str(), case.target_text.as_str()];
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

fn opinion_of(observer: usize, said: &Said) -> Opinion {
    let values: Vec<f64> = said.readings().map(|reading| reading.scores.value).collect();
    let spread = || {
        let (low, high) =
            values.iter().fold((1.0_f64, 0.0_f64), |(low, high), value| (low.min(*value), high.max(*value)));
        high - low
    };
    let reasons = said.readings().map(|reading| {
        let scores = reading.scores.values.iter();
        scores.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    });
    let failure = said.failure();
    Opinion {
        observer,
        outcome: failure.map_or("ok", |failure| failure.kind.code()).to_owned(),
        detail: failure.map(|failure| failure.detail.clone()).unwrap_or_default(),
        score: said.value(),
        is_correct: None,
        reasons: reasons.collect::<Vec<_>>().join("\n"),
        uncertainty: (values.len() > 1).then(spread),
        replies: said.readings().map(|reading| reading.reply.clone()).collect(),
        objects: Vec::new(),
    }
}

/// Categories and the overall score last, as the paper has WISE; folders, understanding, overall for Reason-Edit.
fn cells_of(suite: Suite, summary: &JudgedSummary) -> Vec<Cell> {
    match (summary, edition_of(suite)) {
        (JudgedSummary::Wise(summary), _) => {
            let of = |category: &Category| {
                let line = summary.categories.iter().find(|(of, _)| of == category);
                line.map(|(_, line)| cell_of(line)).unwrap_or_default()
            };
            Category::ALL.iter().map(of).chain([cell_of(&summary.overall)]).collect()
        }
        (JudgedSummary::Edits(summary), _) => {
            let of = |folder: &Folder| {
                let line = summary.folders.iter().find(|(of, _)| of == folder);
                line.map(|(_, line)| cell_of(line)).unwrap_or_default()
            };
            let totals = [cell_of(&summary.understanding), cell_of(&summary.all)];
            Folder::ALL.iter().map(of).chain(totals).collect()
        }
    }
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

fn parts_of(run: &JudgedRun, voice: &Voice) -> Vec<Part> {
    let mut prompts = Prompts::new();
    for id in run.samples.keys() {
        if let Some(value) = voice.samples.get(id).and_then(Said::value) {
            let (cluster, squares) =
                prompts.entry(id.case.as_str()).or_insert((Cluster { sum: 0.0, n: 0 }, 0.0));
            cluster.sum += value;
            cluster.n += 1;
            *squares += value * value;
        }
    }
    match edition_of(run.suite) {
        Some(edition) => {
            Category::ALL.iter().map(|category| wise_part(*category, edition, &prompts)).collect()
        }
        None => Folder::ALL.iter().map(|folder| edit_part(*folder, &prompts)).collect(),
    }
}

/// Cases with their scores and the sum of their squares.
type Prompts<'a> = BTreeMap<&'a str, (Cluster, f64)>;

fn wise_part(category: Category, edition: Edition, prompts: &Prompts<'_>) -> Part {
    let is_of = |case: &str| prompt_id(case).and_then(|id| Category::of(edition, id)) == Some(category);
    part(category.name(), category as u64, Some(category.weight(edition)), prompts, is_of)
}

fn edit_part(folder: Folder, prompts: &Prompts<'_>) -> Part {
    part(folder.name(), folder as u64, None, prompts, |case| Folder::of_case_id(case) == Some(folder))
}

fn part(
    name: &'static str,
    key: u64,
    weight: Option<f64>,
    prompts: &Prompts<'_>,
    is_of: impl Fn(&str) -> bool,
) -> Part {
    let of = || prompts.iter().filter(|(case, _)| is_of(case));
    Part {
        name,
        key,
        weight,
        prompts: of().map(|(case, (cluster, _))| ((*case).to_owned(), *cluster)).collect(),
        sum_of_squares: of().map(|(_, (_, squares))| squares).sum(),
    }
}
