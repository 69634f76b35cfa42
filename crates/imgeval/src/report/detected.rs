//! Runs of GenEval, by every detector that has looked at them.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use imgeval_core::{Color, ColorRule, ColorScores, Detection, Evidence, SampleId};
use imgeval_metrics::{BootstrapSettings, Cluster};
use imgeval_report::model::{Cell, ObjectView, ObserverKind, ObserverView, Opinion, RunView, SampleView};
use imgeval_store::ObservedSample;
use imgeval_suites::geneval::{Metadata, ScoreLine, SummaryBuilder, Tag, Verdict, VerdictOptions};

use super::opened::{
    Part, ScoredView, facts_of, interval_view, protocol_view, sample_view, spend_text, visit_samples,
};
use crate::scored_run::{SampleState, ScoredRun, is_official_suite};

pub(super) struct DetectedRun {
    /// Once for each observer, or once without any.
    readings: Vec<ScoredRun>,
}

impl DetectedRun {
    pub(super) fn open(
        directory: &Path,
        name: String,
        settings: BootstrapSettings,
        options: VerdictOptions,
    ) -> Result<(Self, RunView, Vec<ScoredView>)> {
        let readings = ScoredRun::open_all(directory, options)?;
        let (mut observers, mut scored) = (Vec::new(), Vec::new());
        for reading in &readings {
            let Some(observer) = reading.observer() else { continue };
            let (builder, coverage) = reading.judge(|_| Ok(()))?;
            let protocol = reading.protocol();
            observers.push(ObserverView {
                id: observer.observer_id().as_str().to_owned(),
                title: observer.title.clone(),
                kind: ObserverKind::Detector,
                protocol: protocol_view(&protocol),
                note: reading.note().to_owned(),
                coverage: coverage.lines(),
            });
            scored.push(ScoredView {
                protocol,
                cells: cells_of(&builder, settings),
                parts: parts_of(&builder),
            });
        }
        let first = readings.first().ok_or_else(|| anyhow::anyhow!("the run could not be opened"))?;
        let coverage = first.coverage()?;
        let manifest = first.reader().manifest();
        let model = first.model();
        let view = RunView {
            name,
            suite: manifest.suite.clone(),
            prompts: match is_official_suite(manifest) {
                true => "the official prompts".to_owned(),
                false => "fresh prompts".to_owned(),
            },
            spend: if model.is_some() { spend_text(first.spend()) } else { String::new() },
            model: model.unwrap_or_default(),
            facts: facts_of(manifest),
            observers,
            n_prompts: coverage.prompts,
            n_prompts_with_image: coverage.prompts - coverage.prompts_without_image.count,
            n_images: coverage.usable,
            n_failed: coverage.n_failed(),
            coverage: coverage.lines(),
        };
        Ok((Self { readings }, view, scored))
    }

    pub(super) fn for_each_sample(
        &self,
        run: usize,
        visit: &mut dyn FnMut(SampleView) -> Result<()>,
    ) -> Result<()> {
        let [first, others @ ..] = self.readings.as_slice() else { return Ok(()) };
        // Of several observers all but the first are held in memory; that is rare, and a few kilobytes an image.
        let mut more: BTreeMap<SampleId, Vec<Opinion>> = BTreeMap::new();
        for (index, reading) in others.iter().enumerate() {
            visit_run(reading, |observed| {
                if let Some(opinion) = opinion_of(reading, index + 1, observed)? {
                    more.entry(observed.sample.id.clone()).or_default().push(opinion);
                }
                Ok(())
            })?;
        }
        visit_run(first, |observed| {
            let sample = &observed.sample;
            let view = sample_view(run, sample);
            let mut opinions: Vec<Opinion> = opinion_of(first, 0, observed)?.into_iter().collect();
            opinions.extend(more.remove(&sample.id).unwrap_or_default());
            visit(match first.cases().get(sample.id.case.as_str()) {
                None => SampleView { opinions, ..view },
                Some(case) => SampleView {
                    part: case.expectation.tag.name().to_owned(),
                    prompt: case.prompt.clone(),
                    opinions,
                    ..view
                },
            })
        })
    }
}

fn visit_run(run: &ScoredRun, visit: impl FnMut(&ObservedSample) -> Result<()>) -> Result<()> {
    let observer = run.observer().map(imgeval_core::ObserverMeta::observer_id);
    visit_samples(run.reader(), observer.as_ref(), visit)
}

/// Overall first, then the tags, as the paper has them.
fn cells_of(builder: &SummaryBuilder, settings: BootstrapSettings) -> Vec<Cell> {
    let summary = builder.summarise(settings);
    let of_tag = |tag: &Tag| {
        let line = summary.tags.iter().find(|(of, _)| of == tag);
        line.map(|(_, line)| cell_of(line)).unwrap_or_default()
    };
    std::iter::once(cell_of(&summary.overall)).chain(Tag::ALL.iter().map(of_tag)).collect()
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

fn parts_of(builder: &SummaryBuilder) -> Vec<Part> {
    let mut parts: BTreeMap<Tag, BTreeMap<String, Cluster>> = BTreeMap::new();
    for (tag, prompt, n_correct, n_scored) in builder.prompts() {
        let prompts = parts.entry(tag).or_default();
        if n_scored > 0 {
            prompts.insert(prompt.to_owned(), Cluster { sum: n_correct as f64, n: n_scored });
        }
    }
    let part = |(tag, prompts): (Tag, BTreeMap<String, Cluster>)| Part {
        name: tag.name(),
        key: tag as u64,
        weight: Some(1.0),
        // Scores are 0 and 1, which are their own squares.
        sum_of_squares: prompts.values().map(|cluster| cluster.sum).sum(),
        prompts,
    };
    parts.into_iter().map(part).collect()
}

/// What an observer says of one sample; `None` if there is no image that it could have looked at.
fn opinion_of(run: &ScoredRun, observer: usize, observed: &ObservedSample) -> Result<Option<Opinion>> {
    if run.observer().is_none() || observed.sample.outcome.done().is_none() {
        return Ok(None);
    }
    let mut opinion = Opinion {
        observer,
        outcome: "ok".to_owned(),
        detail: String::new(),
        score: None,
        is_correct: None,
        reasons: String::new(),
        uncertainty: None,
        replies: Vec::new(),
        objects: Vec::new(),
    };
    let case = run.cases().get(observed.sample.id.case.as_str());
    let mut verdict = None;
    match run.state_of(observed)? {
        SampleState::Scored(found) => {
            opinion.is_correct = Some(found.is_correct());
            opinion.score = Some(f64::from(u8::from(found.is_correct())));
            opinion.reasons = found.reason_text();
            verdict = Some(found);
        }
        SampleState::Failed(failure) => {
            opinion.outcome = failure.kind.code().to_owned();
            opinion.detail = failure.detail;
        }
        SampleState::NotObserved => opinion.outcome = "not-observed".to_owned(),
        SampleState::WithoutColor => opinion.outcome = "color-missing".to_owned(),
    }
    if let Some(evidence) = &observed.evidence {
        opinion.objects = objects_of(evidence, verdict.as_ref());
        opinion.uncertainty = case
            .filter(|_| verdict.is_some())
            .and_then(|case| compute_uncertainty(&case.expectation, evidence, run.options()));
    }
    Ok(Some(opinion))
}

fn objects_of(evidence: &Evidence, verdict: Option<&Verdict>) -> Vec<ObjectView> {
    let object = |detection: &Detection| ObjectView {
        name: detection.category.name().to_owned(),
        score: detection.score,
        bounding_box: detection.bounding_box.to_array(),
        is_counted: verdict.is_some_and(|verdict| {
            let kept = verdict.kept.get(&detection.category).map_or(&[][..], Vec::as_slice);
            let is_it = |object: &imgeval_suites::geneval::DetectedObject| {
                object.score == detection.score && object.bounding_box == detection.bounding_box
            };
            kept.iter().any(is_it)
        }),
        colors: detection.colors.map(|scores| ranked_colors(&scores)).unwrap_or_default(),
        color: detection.colors.and_then(|scores| scores.best()).map(|color| color.name().to_owned()),
        mask: detection.mask.as_ref().map(imgeval_core::Mask::encode),
    };
    evidence.detections.iter().map(object).collect()
}

fn ranked_colors(scores: &ColorScores) -> Vec<(String, f32)> {
    let mut colors: Vec<(String, f32)> =
        Color::all().zip(scores.values).map(|(color, score)| (color.name().to_owned(), score)).collect();
    colors.sort_by(|a, b| b.1.total_cmp(&a.1));
    colors
}

/// How near the nearest deciding confidence lies to its threshold, or the best colour to the second: 1 at the threshold, 0 as far from
/// it as can be. `None` if the detector saw nothing of what the prompt names.
fn compute_uncertainty(metadata: &Metadata, evidence: &Evidence, options: &VerdictOptions) -> Option<f64> {
    let threshold = match metadata.tag {
        Tag::Counting => options.counting_threshold,
        _ => options.threshold,
    };
    let is_named = |detection: &&Detection| {
        metadata.include.iter().any(|clause| clause.category == detection.category)
            || metadata.exclude.iter().any(|clause| clause.category == detection.category)
    };
    let asks_for_color = metadata.include.iter().any(|clause| clause.color.is_some());
    let margin = |detection: &Detection| {
        let distance = (f64::from(detection.score) - threshold).abs() / threshold.max(1.0 - threshold);
        let is_confident = f64::from(detection.score) > threshold;
        match detection.colors.filter(|_| asks_for_color && is_confident) {
            Some(scores) => distance.min(color_margin(&scores)),
            None => distance,
        }
    };
    let margins = evidence.detections.iter().filter(is_named).map(margin);
    margins.min_by(f64::total_cmp).map(|margin| 1.0 - margin.clamp(0.0, 1.0))
}

/// How far the best colour is ahead of the second, in [0, 1]: as shares, CLIP's scores through the softmax.
fn color_margin(scores: &ColorScores) -> f64 {
    let ranked = ranked_colors(scores);
    let [(_, best), (_, second), ..] = ranked.as_slice() else { return 1.0 };
    let (best, second) = (f64::from(*best), f64::from(*second));
    match scores.rule {
        ColorRule::Argmax => {
            let total: f64 = ranked.iter().map(|(_, score)| (f64::from(*score) - best).exp()).sum();
            (1.0 - (second - best).exp()) / total
        }
        ColorRule::PositiveOnly if best <= 0.0 => 1.0,
        ColorRule::PositiveOnly => (best - second.max(0.0)) / best,
    }
}
