//! The table of samples: what was asked, what became of it, and the image.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{CaseId, Outcome, SampleId};
use imgeval_runner::Progress;
use imgeval_scoring::Run;
use imgeval_store::{ObservedSample, StoreError};
use imgeval_suites::suite::SuiteCase;

use crate::{
    DatasetError,
    columns::{Cell, Column, ImageFile, RowBuilder, flag, image, integer, text},
    table_writer::TableWriter,
};

/// The outcome of a sample with an image.
pub(crate) const OK: &str = "ok";
/// The outcome of a case that the run holds no sample of.
pub(crate) const MISSING: &str = "missing";
/// The name of the column that holds images.
pub(crate) const IMAGE: &str = "image";

/// The columns but that of images, which comes last.
const COLUMNS: [Column; 17] = [
    text("case_id"),
    integer("sample"),
    integer("round"),
    text("model"),
    text("part"),
    text("prompt"),
    text("rewritten_prompt"),
    text("expectation"),
    text("outcome"),
    text("detail"),
    flag("is_redundant"),
    text("image_sha256"),
    text("file_name"),
    text("format"),
    integer("width"),
    integer("height"),
    text("notes"),
];

/// Columns that describe an image, besides that of its file.
const N_OF_IMAGE: usize = 6;

pub(crate) fn columns(with_images: bool) -> Vec<Column> {
    COLUMNS.into_iter().chain(with_images.then(|| image(IMAGE))).collect()
}

/// What all rows share.
pub(crate) struct SampleRows<'a> {
    pub(crate) run: &'a Run,
    pub(crate) model: &'a str,
    pub(crate) with_images: bool,
}

impl SampleRows<'_> {
    /// Writes all samples, and a row for each case without any. `on_progress` hears of each row.
    pub(crate) fn write(
        &self,
        table: &mut TableWriter<'_>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), DatasetError> {
        // Keyed by the files that samples were imported from.
        let rewritten: BTreeMap<String, String> = self
            .run
            .reader()
            .known_files()?
            .into_iter()
            .filter_map(|(source, file)| Some((source, file.rewritten_prompt?)))
            .collect();
        let (mut covered, mut n_samples) = (BTreeSet::<CaseId>::new(), 0);
        self.run.reader().for_each_sample(None, |observed| {
            n_samples += 1;
            covered.insert(observed.sample.id.case);
        })?;
        let missing: Vec<(&CaseId, &SuiteCase)> =
            self.run.cases().iter().filter(|(id, _)| !covered.contains(*id)).collect();
        on_progress(Progress::Planned { total: n_samples + missing.len(), finished: 0 });
        let mut result = Ok(());
        self.run.reader().for_each_sample(None, |observed| {
            if result.is_ok() {
                let rewritten = rewritten.get(&observed.sample.source);
                result = self
                    .row(&observed, rewritten)
                    .map_err(DatasetError::from)
                    .and_then(|row| table.push(row));
                on_progress(Progress::Advanced { has_failed: false });
            }
        })?;
        result?;
        for (id, case) in missing {
            table.push(self.missing_row(&SampleId::new(id.clone(), 0), case))?;
            on_progress(Progress::Advanced { has_failed: false });
        }
        Ok(())
    }

    fn row(&self, observed: &ObservedSample, rewritten: Option<&String>) -> Result<Vec<Cell>, StoreError> {
        let sample = &observed.sample;
        let asked = self.asked(&sample.id, self.run.cases().get(&sample.id.case), rewritten);
        let record = match &sample.outcome {
            Outcome::Failed(failure) => {
                let row = asked.with(failure.kind.code()).with(failure.detail.as_str());
                return Ok(self.without_image(row.with(observed.is_redundant)));
            }
            Outcome::Done(record) => record,
        };
        let image = record.image();
        let notes: Vec<&str> = record.notes.iter().map(|note| note.code()).collect();
        let row = asked
            .with(OK)
            .with("")
            .with(observed.is_redundant)
            .with(record.hash.as_str())
            .with(image.file_name())
            .with(record.format.extension())
            .with(record.width)
            .with(record.height)
            .with(notes.join(" "));
        if !self.with_images {
            return Ok(row.finish());
        }
        let bytes = self.run.reader().images().read(&image)?;
        Ok(row.with(ImageFile { bytes, name: image.file_name() }).finish())
    }

    fn missing_row(&self, id: &SampleId, case: &SuiteCase) -> Vec<Cell> {
        self.without_image(self.asked(id, Some(case), None).with(MISSING).with("").with(false))
    }

    /// The row with nothing in the columns that describe an image.
    fn without_image(&self, row: RowBuilder) -> Vec<Cell> {
        row.with_nulls(N_OF_IMAGE + usize::from(self.with_images)).finish()
    }

    /// The columns before the outcome.
    fn asked(&self, id: &SampleId, case: Option<&SuiteCase>, rewritten: Option<&String>) -> RowBuilder {
        RowBuilder::of(id)
            .with(self.model)
            .with(case.map(|case| case.tag.as_str()))
            .with(case.map(|case| case.asked_in(id.round).0))
            .with(rewritten.map(String::as_str))
            .with(case.map(SuiteCase::expectation))
    }
}
