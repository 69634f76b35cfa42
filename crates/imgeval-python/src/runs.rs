//! Runs on disk: their scores as tables of Arrow, which other libraries take over without copying.

use std::{path::PathBuf, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchIterator,
    builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder},
    ffi_stream::FFI_ArrowArrayStream,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, ffi::FFI_ArrowSchema};
use imgeval_dataset::{ScoreRow, for_each_score};
use imgeval_metrics::BootstrapSettings;
use imgeval_scoring::OpenedRun;
use pyo3::{prelude::*, types::PyCapsule};

use crate::{
    error::{raise, raise_with_advice},
    interrupt::watched,
};

/// Rows of a batch; a reader takes one batch at a time.
const BATCH_ROWS: usize = 1 << 16;

/// A run as Python holds it.
#[derive(IntoPyObject)]
pub(crate) struct RunFacts {
    suite: String,
    label: String,
    n_images: usize,
    evaluators: Vec<String>,
}

/// Opens a run and says what it is.
#[pyfunction]
pub(crate) fn run_facts(py: Python<'_>, path: PathBuf) -> PyResult<RunFacts> {
    let open = move || -> Result<RunFacts, anyhow::Error> {
        let run = imgeval_scoring::Run::open(&path)?;
        Ok(RunFacts {
            suite: run.suite().id().to_owned(),
            label: run.manifest().label.as_ref().map(ToString::to_string).unwrap_or_default(),
            n_images: run.usable_images()?.len(),
            evaluators: run.evaluators().iter().map(imgeval_scoring::Evaluator::id).collect(),
        })
    };
    watched(py, open)?.map_err(raise_with_advice)
}

/// Reads the scores of a run.
#[pyfunction]
pub(crate) fn read_scores(py: Python<'_>, path: PathBuf) -> PyResult<Scores> {
    let read = move || -> Result<Scores, anyhow::Error> {
        let opened = OpenedRun::open(&path, BootstrapSettings::default())?;
        let mut table = TableBuilder::default();
        let mut full = Ok(());
        for_each_score(&opened, |row| {
            table.push(&row);
            if table.rows == BATCH_ROWS {
                full = table.finish_batch().map(|batch| table.batches.push(batch));
            }
            Ok(())
        })?;
        full?;
        Ok(Scores { batches: table.finish()? })
    };
    watched(py, read)?.map_err(raise_with_advice)
}

/// A table that Arrow's C stream hands over.
#[pyclass(frozen, module = "imgeval._native")]
pub(crate) struct Scores {
    /// At least one, which may be empty.
    batches: Vec<RecordBatch>,
}

impl Scores {
    fn schema(&self) -> Arc<Schema> {
        self.batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema)
    }
}

#[pymethods]
impl Scores {
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The stream of Arrow's PyCapsule interface. The table has the one schema that it has, whatever is requested.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        // The buffers are shared.
        let batches = self.batches.clone().into_iter().map(Ok);
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches, self.schema())));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.schema().as_ref()).map_err(|error| raise(&error))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }
}

/// The columns of the table in the making; those of the table `scores` of an exported data set.
#[derive(Default)]
struct TableBuilder {
    batches: Vec<RecordBatch>,
    rows: usize,
    case_id: StringBuilder,
    sample: Int64Builder,
    round: Int64Builder,
    evaluator_id: StringBuilder,
    evaluator: StringBuilder,
    evaluator_kind: StringBuilder,
    outcome: StringBuilder,
    detail: StringBuilder,
    score: Float64Builder,
    is_correct: BooleanBuilder,
    reasons: StringBuilder,
}

impl TableBuilder {
    fn push(&mut self, row: &ScoreRow<'_>) {
        let opinion = &row.opinion;
        self.case_id.append_value(row.sample.case.as_str());
        self.sample.append_value(row.sample.ordinal.into());
        self.round.append_value(row.sample.round.into());
        self.evaluator_id.append_value(row.evaluator_id);
        self.evaluator.append_value(row.evaluator);
        self.evaluator_kind.append_value(row.evaluator_kind);
        self.outcome.append_value(&opinion.outcome);
        self.detail.append_value(&opinion.detail);
        self.score.append_option(opinion.score);
        self.is_correct.append_option(opinion.is_correct);
        self.reasons.append_value(&opinion.reasons);
        self.rows += 1;
    }

    fn finish_batch(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        let columns: [(&str, DataType, ArrayRef); 11] = [
            ("case_id", DataType::Utf8, Arc::new(self.case_id.finish())),
            ("sample", DataType::Int64, Arc::new(self.sample.finish())),
            ("round", DataType::Int64, Arc::new(self.round.finish())),
            ("evaluator_id", DataType::Utf8, Arc::new(self.evaluator_id.finish())),
            ("evaluator", DataType::Utf8, Arc::new(self.evaluator.finish())),
            ("evaluator_kind", DataType::Utf8, Arc::new(self.evaluator_kind.finish())),
            ("outcome", DataType::Utf8, Arc::new(self.outcome.finish())),
            ("detail", DataType::Utf8, Arc::new(self.detail.finish())),
            ("score", DataType::Float64, Arc::new(self.score.finish())),
            ("is_correct", DataType::Boolean, Arc::new(self.is_correct.finish())),
            ("reasons", DataType::Utf8, Arc::new(self.reasons.finish())),
        ];
        let fields: Vec<Field> =
            columns.iter().map(|(name, kind, _)| Field::new(*name, kind.clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    fn finish(mut self) -> Result<Vec<RecordBatch>, ArrowError> {
        let last = self.finish_batch()?;
        if last.num_rows() > 0 || self.batches.is_empty() {
            self.batches.push(last);
        }
        Ok(self.batches)
    }
}
