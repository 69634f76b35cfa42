//! Scores in the form that tables show.

use imgeval_core::Protocol;
use imgeval_metrics::BootstrapSettings;
use imgeval_report::{
    model::ProtocolView,
    scores::{CoverageView, EvaluatorView, LineView, PublishedView, ScoreView},
};
use imgeval_suites::{
    judged::find_retired_judge,
    suite::SuiteRef,
    summary::{ScoreLine, Summary},
};

use crate::{
    Coverage, Evaluator, Run,
    board::{ColumnPlace, columns_of},
    judge::JudgeReplies,
    meters::MEASURES,
    view::interval_view,
};

impl Run {
    /// The score table of one evaluator.
    #[must_use]
    pub fn score_view(
        &self,
        evaluator: &Evaluator,
        summary: &Summary,
        coverage: &Coverage,
        settings: BootstrapSettings,
    ) -> ScoreView {
        let note = self.note(evaluator);
        let judge = evaluator.judge();
        let slices = judge.map(|judge| self.slices(judge, settings)).unwrap_or_default();
        let slice = |(name, summary): (&str, Summary)| (name.to_owned(), lines_of(&summary));
        ScoreView {
            evaluator: evaluator_view(evaluator),
            is_comparable: Some(note.is_empty()),
            note,
            slices: slices.into_iter().map(slice).collect(),
            coverage: Some(coverage.view()),
            n_official_only: judge.map_or(0, |judge| judge.n_read_as_official_only()),
            n_unread: judge.map_or(0, |judge| judge.n_unread_beside_others()),
            ..plain_view(self.suite(), summary, &self.protocol(Some(evaluator)))
        }
    }
}

fn evaluator_view(evaluator: &Evaluator) -> EvaluatorView {
    match evaluator {
        Evaluator::Checks { judge: None, detector: None, .. } => EvaluatorView::Judge {
            id: evaluator.id(),
            title: evaluator.title(),
            model: String::new(),
            provider: MEASURES.to_owned(),
            endpoint: String::new(),
            protocol: MEASURES.to_owned(),
            is_human: false,
            retired: None,
        },
        Evaluator::Checks { judge: None, detector, .. } => EvaluatorView::Judge {
            id: evaluator.id(),
            title: evaluator.title(),
            model: detector.as_ref().map(|meta| meta.id.clone()).unwrap_or_default(),
            provider: "detector".to_owned(),
            endpoint: String::new(),
            protocol: "objects".to_owned(),
            is_human: false,
            retired: None,
        },
        Evaluator::Checks { judge: Some(judge), .. } => judge_view(judge, evaluator.id(), evaluator.title()),
        Evaluator::Detector(meta) => {
            EvaluatorView::Detector { id: meta.observer_id().as_str().to_owned(), title: meta.title.clone() }
        }
        Evaluator::Judge(judge) => judge_view(judge, judge.id.clone(), judge.plain_title()),
    }
}

fn judge_view(judge: &JudgeReplies, id: String, title: String) -> EvaluatorView {
    let identity = &judge.judge.identity;
    let retired = find_retired_judge(&identity.judge.model);
    EvaluatorView::Judge {
        id,
        title,
        model: identity.judge.model.clone(),
        provider: identity.judge.provider.clone(),
        endpoint: identity.judge.endpoint.clone(),
        protocol: identity.protocol.clone(),
        is_human: judge.is_human(),
        retired: retired.map(|retired| {
            format!("{} was retired on {}; {}", retired.model, retired.since, retired.instead)
        }),
    }
}

/// Scores that belong to no run, such as those of detections from elsewhere or of official score files.
#[must_use]
pub fn plain_view(suite: SuiteRef, summary: &Summary, protocol: &Protocol) -> ScoreView {
    let groups = summary
        .groups
        .iter()
        .map(|(part, name, line)| line_view(&format!("{} / {name}", summary.scheme.parts[*part].name), line));
    ScoreView {
        suite: suite.id().to_owned(),
        evaluator: EvaluatorView::Foreign,
        lines: lines_of(summary),
        groups: groups.collect(),
        slices: Vec::new(),
        without_score: summary.names_without_score().map(str::to_owned).collect(),
        images_per_case: summary.images_per_case,
        protocol: protocol_view(protocol),
        note: String::new(),
        is_comparable: None,
        coverage: None,
        n_official_only: 0,
        n_unread: 0,
    }
}

fn lines_of(summary: &Summary) -> Vec<LineView> {
    summary.lines().map(|named| line_view(named.name, named.line)).collect()
}

fn line_view(name: &str, line: &ScoreLine) -> LineView {
    LineView {
        name: name.to_owned(),
        value: line.estimate.map(|estimate| estimate.value),
        interval: line.estimate.map(|estimate| interval_view(estimate.interval)),
        n_correct: line.n_correct,
        n_scored: line.n_scored,
        n_missing: line.n_missing,
        n_prompts: line.n_prompts,
        n_prompts_scored: line.n_prompts_scored,
        n_prompts_any_correct: line.n_prompts_any_correct,
        bounds: line.bounds,
        with_missing: line.with_missing.map(interval_view),
    }
}

pub(crate) fn protocol_view(protocol: &Protocol) -> ProtocolView {
    let facts = protocol.facts().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    ProtocolView { fingerprint: protocol.fingerprint(), facts }
}

/// The suite's published table; with the scores of a run as its last row, if they are given. `None` if nothing was
/// published.
#[must_use]
pub fn published_view(suite: SuiteRef, own: &Summary, with_own: bool) -> Option<PublishedView> {
    let published = suite.published()?;
    let columns = columns_of(suite, &own.scheme);
    let value = |place: ColumnPlace| {
        let line = match place {
            ColumnPlace::Part(part) => own.part(part),
            ColumnPlace::Total(total) => own.totals.get(total),
        };
        line.and_then(|line| line.estimate).map(|estimate| estimate.value)
    };
    let rows = published.rows.into_iter().map(|row| (row.model.to_owned(), row.values));
    let of_run =
        with_own.then(|| ("this run".to_owned(), columns.iter().map(|column| value(column.place)).collect()));
    let facts = suite.facts();
    Some(PublishedView {
        source: published.source.to_owned(),
        unknown: published.unknown.to_owned(),
        overall: if facts.is_overall_first { 0 } else { columns.len().saturating_sub(1) },
        rows: rows.chain(of_run).collect(),
        has_own: with_own,
        keys: columns.iter().map(|column| column.name.clone()).collect(),
        columns: columns.into_iter().map(|column| column.title).collect(),
        decimals: facts.decimals,
    })
}

impl Coverage {
    /// In the form that tables show.
    #[must_use]
    pub fn view(&self) -> CoverageView {
        CoverageView {
            usable: self.usable,
            prompts: self.prompts,
            prompts_with_image: self.prompts - self.prompts_without_image.count,
            missing: self.missing.clone(),
            lines: self.lines(),
        }
    }
}
