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

/// Writes a row for each sample and evaluator that has something to say of it.
pub(crate) fn write_scores(opened: &OpenedRun, table: &mut TableWriter<'_>) -> Result<(), DatasetError> {
    for (place, evaluator) in opened.run.evaluators().iter().enumerate() {
        let Some(observer) = opened.view.observers.get(place) else { continue };
        let kind = match observer.kind {
            ObserverKind::Detector => "detector",
            ObserverKind::Judge => "judge",
            ObserverKind::Human => "rater",
        };
        let known = [observer.id.as_str(), observer.title.as_str(), kind];
        opened.run.for_each_sample(Some(evaluator), |result| match opened.opinion_of(place, &result) {
            Some(opinion) => table.push(row(&result.observed.sample.id, known, opinion)),
            None => Ok(()),
        })?;
    }
    Ok(())
}

fn row(id: &SampleId, [evaluator, title, kind]: [&str; 3], opinion: Opinion) -> Vec<Cell> {
    RowBuilder::of(id)
        .with(evaluator)
        .with(title)
        .with(kind)
        .with(opinion.outcome)
        .with(opinion.detail)
        .with(opinion.score)
        .with(opinion.is_correct)
        .with(opinion.reasons)
        .finish()
}
