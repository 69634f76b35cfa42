//! The table of scores: what each evaluator makes of each sample that has an image.

use imgeval_core::SampleId;
use imgeval_report::model::{ObserverKind, Opinion};
use imgeval_scoring::OpenedRun;

use crate::{
    DatasetError,
    columns::{Cell, Column, RowBuilder, flag, integer, number, text},
    table_writer::TableWriter,
};

pub(crate) const COLUMNS: [Column; 11] = [
    text("case_id"),
    integer("sample"),
    integer("round"),
    text("evaluator_id"),
    text("evaluator"),
    text("evaluator_kind"),
    text("outcome"),
    text("detail"),
    number("score"),
    flag("is_correct"),
    text("reasons"),
];

/// What an evaluator makes of a sample.
#[derive(Debug)]
pub struct ScoreRow<'a> {
    pub sample: &'a SampleId,
    pub evaluator_id: &'a str,
    /// For people.
    pub evaluator: &'a str,
    /// `detector`, `judge` or `rater`.
    pub evaluator_kind: &'static str,
    pub opinion: Opinion,
}

/// Visits a row for each sample and evaluator that has something to say of it.
///
/// # Errors
/// If the run cannot be read, or the visitor fails.
pub fn for_each_score(
    opened: &OpenedRun,
    mut visit: impl FnMut(ScoreRow<'_>) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    for (place, evaluator) in opened.run.evaluators().iter().enumerate() {
        let Some(observer) = opened.view.observers.get(place) else { continue };
        let kind = match observer.kind {
            ObserverKind::Detector => "detector",
            ObserverKind::Judge => "judge",
            ObserverKind::Human => "rater",
        };
        opened.run.for_each_sample(Some(evaluator), |result| match opened.opinion_of(place, &result) {
            Some(opinion) => visit(ScoreRow {
                sample: &result.observed.sample.id,
                evaluator_id: &observer.id,
                evaluator: &observer.title,
                evaluator_kind: kind,
                opinion,
            }),
            None => Ok(()),
        })?;
    }
    Ok(())
}

/// Writes the table.
pub(crate) fn write_scores(opened: &OpenedRun, table: &mut TableWriter<'_>) -> Result<(), DatasetError> {
    for_each_score(opened, |row| table.push(cells(row)))
}

fn cells(row: ScoreRow<'_>) -> Vec<Cell> {
    let ScoreRow { sample, evaluator_id, evaluator, evaluator_kind, opinion } = row;
    RowBuilder::of(sample)
        .with(evaluator_id)
        .with(evaluator)
        .with(evaluator_kind)
        .with(opinion.outcome)
        .with(opinion.detail)
        .with(opinion.score)
        .with(opinion.is_correct)
        .with(opinion.reasons)
        .finish()
}
