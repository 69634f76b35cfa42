//! The table of evidence: what scores are computed from, as it was seen, said or measured.

use imgeval_core::{Detection, Failure, Mask, Outcome, SampleId};
use imgeval_scoring::Run;
use imgeval_store::{JudgedRole, Measurement, MeasurementRecord, StoredJudgment};

use crate::{
    DatasetError,
    columns::{Cell, Column, RowBuilder, integer, number, text},
    samples::OK,
    table_writer::TableWriter,
};

pub(crate) const COLUMNS: [Column; 18] = [
    text("case_id"),
    integer("sample"),
    integer("round"),
    text("image_sha256"),
    text("evaluator_id"),
    text("kind"),
    integer("index"),
    text("name"),
    number("value"),
    number("x1"),
    number("y1"),
    number("x2"),
    number("y2"),
    text("mask"),
    text("color"),
    text("text"),
    text("outcome"),
    text("detail"),
];

/// What a row is about; what it does not set is null.
#[derive(Default)]
struct Finding<'a> {
    kind: &'static str,
    index: u32,
    name: Option<&'a str>,
    value: Option<f64>,
    /// Left, top, right, bottom.
    bounding_box: Option<[f32; 4]>,
    mask: Option<String>,
    color: Option<&'a str>,
    text: Option<&'a str>,
    failure: Option<&'a Failure>,
}

/// Writes detections, then judgments, then measurements.
pub(crate) fn write_evidence(run: &Run, table: &mut TableWriter<'_>) -> Result<(), DatasetError> {
    write_detections(run, table)?;
    write_judgments(run, table)?;
    for record in run.reader().measurements()? {
        write_measurement(&record, table)?;
    }
    Ok(())
}

fn write_detections(run: &Run, table: &mut TableWriter<'_>) -> Result<(), DatasetError> {
    for observer in run.reader().observers()? {
        let observer = observer.observer_id();
        let mut result = Ok(());
        run.reader().for_each_sample(Some(&observer), |observed| {
            let Some(evidence) = observed.evidence.filter(|_| result.is_ok()) else { return };
            for (index, detection) in (0..).zip(&evidence.detections) {
                let finding = detected(index, detection);
                let row = row(&observed.sample.id, evidence.image.as_str(), observer.as_str(), finding);
                result = table.push(row);
                if result.is_err() {
                    return;
                }
            }
        })?;
        result?;
    }
    Ok(())
}

fn detected(index: u32, detection: &Detection) -> Finding<'_> {
    Finding {
        kind: "detection",
        index,
        name: Some(detection.category.name()),
        value: Some(detection.score.into()),
        bounding_box: Some(detection.bounding_box.to_array()),
        mask: detection.mask.as_ref().map(Mask::encode),
        color: detection.colors.and_then(|colors| colors.best()).map(|color| color.name()),
        ..Finding::default()
    }
}

/// Replies verbatim; those about other images than the run's own are left out.
fn write_judgments(run: &Run, table: &mut TableWriter<'_>) -> Result<(), DatasetError> {
    let mut result = Ok(());
    run.reader().for_each_judgment(None, |judgment| {
        if result.is_ok() && judgment.item.role == JudgedRole::Sample {
            result = write_judgment(&judgment, table);
        }
    })?;
    result
}

fn write_judgment(judgment: &StoredJudgment, table: &mut TableWriter<'_>) -> Result<(), DatasetError> {
    let item = &judgment.item;
    let finding = Finding { kind: "judgment", index: item.repeat, ..Finding::default() };
    let finding = match &judgment.outcome {
        Outcome::Done(reply) => Finding { text: Some(reply), ..finding },
        Outcome::Failed(failure) => Finding { failure: Some(failure), ..finding },
    };
    table.push(row(&item.id, item.image.as_str(), &item.judge_id, finding))
}

fn write_measurement(record: &MeasurementRecord, table: &mut TableWriter<'_>) -> Result<(), DatasetError> {
    let mut push = |finding| table.push(row(&record.id, record.image.as_str(), &record.meter, finding));
    let kind = "measurement";
    match &record.outcome {
        Outcome::Failed(failure) => push(Finding { kind, failure: Some(failure), ..Finding::default() }),
        Outcome::Done(measured) => {
            findings_of(measured).zip(0..).try_for_each(|((name, value, text), index)| {
                push(Finding { kind, index, name: Some(name), value, text, ..Finding::default() })
            })
        }
    }
}

/// Numbers first, then words.
fn findings_of(measured: &Measurement) -> impl Iterator<Item = (&str, Option<f64>, Option<&str>)> {
    let numbers = measured.numbers().map(|(name, number)| (name, Some(number), None));
    numbers.chain(measured.words().map(|(name, word)| (name, None, Some(word))))
}

fn row(id: &SampleId, image: &str, evaluator: &str, finding: Finding<'_>) -> Vec<Cell> {
    let row = RowBuilder::of(id)
        .with(image)
        .with(evaluator)
        .with(finding.kind)
        .with(finding.index)
        .with(finding.name)
        .with(finding.value);
    let row = match finding.bounding_box {
        Some(corners) => corners.into_iter().fold(row, RowBuilder::with),
        None => row.with_nulls(4),
    };
    let row = row.with(finding.mask).with(finding.color).with(finding.text);
    match finding.failure {
        Some(failure) => row.with(failure.kind.code()).with(failure.detail.as_str()).finish(),
        None => row.with(OK).with("").finish(),
    }
}
