//! Reads the samples of a data set back into a run.

use std::path::{Path, PathBuf};

use imgeval_core::{
    CaseId, ContentHash, Failure, FailureKind, ImageNote, ImageRecord, ImageRef, Outcome, Sample, SampleId,
};
use imgeval_files::OwnFolder;
use imgeval_runner::{ImageFacts, ImportSummary, Progress};
use imgeval_store::{FileStamp, ImportedSample, RecordedSample, RunWriter};
use imgeval_suites::parquet_table::{self, Shape};
use parquet::record::{Field, Row};

use crate::{
    DatasetError, Description,
    description::{MARKER, MAX_MARKER_BYTES},
    samples::{IMAGE, MISSING, OK},
};

/// A data set with more samples is none of ours.
const MAX_ROWS: usize = 10_000_000;
/// Longer texts are refused.
const MAX_TEXT_BYTES: usize = 64 << 10;
const MAX_ORDINAL: i64 = 1_000_000;
const MAX_ROUND: i64 = 10_000;
/// Rows that are in memory at the same time, with their images stored already.
const BATCH: usize = 256;

/// How images are read.
pub struct ReadSettings<'a> {
    /// Longer files are refused.
    pub max_file_bytes: u64,
    /// Gets a file's bytes; must be safe on any input.
    pub decode: &'a dyn Fn(&[u8]) -> Result<ImageFacts, Failure>,
    /// Whether the suite has such a case.
    pub is_case: &'a dyn Fn(&CaseId) -> bool,
}

/// What the data set in `folder` says of its run.
///
/// # Errors
/// If there is none, it is incomplete, or has no images.
pub fn read_description(folder: &Path) -> Result<Description, DatasetError> {
    let missing = |_| DatasetError::NotADataset { path: folder.to_owned() };
    let root = OwnFolder::open(folder).map_err(missing)?;
    let bytes = match root.read(MARKER, MAX_MARKER_BYTES) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing(error)),
        read => read.map_err(|source| DatasetError::Read { path: folder.join(MARKER), source })?,
    };
    let description = Description::parse(&bytes, folder)?;
    if !description.is_complete {
        return Err(DatasetError::Unfinished { path: folder.to_owned() });
    }
    if !description.has_images {
        return Err(DatasetError::WithoutImages { path: folder.to_owned() });
    }
    Ok(description)
}

/// Takes the samples of the data set in `folder` over into `run`, failed ones too. Each image must have the SHA-256 that its row names;
/// what the run holds already stays.
///
/// # Errors
/// If a table cannot be read, a row says what no export writes, or the run cannot be written; rows before it stay.
pub fn import_samples(
    folder: &Path,
    description: &Description,
    run: &mut RunWriter,
    settings: &ReadSettings<'_>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<ImportSummary, DatasetError> {
    let folder = std::fs::canonicalize(folder)
        .map_err(|source| DatasetError::Read { path: folder.to_owned(), source })?;
    let files: Vec<PathBuf> = description.files_of("samples").map(|name| folder.join(name)).collect();
    let mut tables = Vec::with_capacity(files.len());
    let mut total = 0_usize;
    for path in &files {
        let table = parquet_table::open(path, shape_of)?;
        total = total.saturating_add(table.n_rows);
        if total > MAX_ROWS {
            let detail = format!("the data set has more than {MAX_ROWS} samples");
            return Err(DatasetError::Damaged { path: path.clone(), detail });
        }
        tables.push(table.n_rows);
    }
    on_progress(Progress::Planned { total, finished: 0 });
    let mut summary = ImportSummary::default();
    for (path, n_rows) in files.iter().zip(tables) {
        import_table(path, n_rows, run, settings, &mut summary, on_progress)?;
    }
    Ok(summary)
}

fn shape_of(column: &str) -> Option<Shape> {
    match column {
        "case_id" | "outcome" | "detail" | "rewritten_prompt" | "image_sha256" | "notes" => Some(Shape::Text),
        "sample" | "round" => Some(Shape::Integer),
        IMAGE => Some(Shape::Image),
        _ => None,
    }
}

fn import_table(
    path: &Path,
    n_rows: usize,
    run: &mut RunWriter,
    settings: &ReadSettings<'_>,
    summary: &mut ImportSummary,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(), DatasetError> {
    // Opened anew: a table that is open holds its file.
    let mut table = parquet_table::open(path, shape_of)?;
    let mut batch = Vec::with_capacity(BATCH);
    for row in 0..n_rows {
        let problem = |problem: String| DatasetError::Row { name: table.name.clone(), row, problem };
        let read = parquet_table::unless_it_panics(|| table.rows.next().transpose());
        let fields = match read {
            Ok(Some(fields)) => fields,
            Ok(None) => return Err(problem("it is missing".to_owned())),
            Err(error) => return Err(problem(format!("it cannot be read: {error}"))),
        };
        match read_row(&fields, settings).map_err(problem)? {
            None => on_progress(Progress::Advanced { has_failed: false }),
            Some(found) => {
                // One row of one file is what a sample comes from. The number is padded, because failures are told in order.
                let source = format!("{}#{row:08}", path.to_string_lossy());
                batch.push(found.keep(source, run, settings)?);
            }
        }
        if batch.len() == BATCH {
            record(run, std::mem::take(&mut batch), summary, on_progress)?;
        }
    }
    record(run, batch, summary, on_progress)
}

fn record(
    run: &mut RunWriter,
    batch: Vec<ImportedSample>,
    summary: &mut ImportSummary,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(), DatasetError> {
    for recorded in run.record_samples(batch, None)? {
        match recorded {
            RecordedSample::Imported => summary.imported += 1,
            RecordedSample::Replaced => {
                summary.imported += 1;
                summary.replaced += 1;
            }
            RecordedSample::AlreadyThere => summary.unchanged += 1,
            RecordedSample::Failed => summary.failed += 1,
        }
        on_progress(Progress::Advanced { has_failed: recorded == RecordedSample::Failed });
    }
    Ok(())
}

/// A sample as its row has it.
struct FoundSample {
    id: SampleId,
    rewritten_prompt: Option<String>,
    notes: Vec<ImageNote>,
    outcome: Outcome<(ContentHash, Vec<u8>)>,
}

impl FoundSample {
    /// Stores the image.
    fn keep(
        self,
        source: String,
        run: &RunWriter,
        settings: &ReadSettings<'_>,
    ) -> Result<ImportedSample, DatasetError> {
        let Self { id, rewritten_prompt, notes, outcome } = self;
        let mut size = -1;
        let outcome = match outcome {
            Outcome::Failed(failure) => Outcome::Failed(failure),
            Outcome::Done((hash, bytes)) => match (settings.decode)(&bytes) {
                Err(failure) => Outcome::Failed(failure),
                Ok(ImageFacts { format, width, height, notes: found }) => {
                    run.images().put(&ImageRef { hash: hash.clone(), format }, &bytes)?;
                    size = i64::try_from(bytes.len()).unwrap_or(-1);
                    let new = found.into_iter().filter(|note| !notes.contains(note));
                    let notes = notes.iter().copied().chain(new).collect();
                    Outcome::Done(ImageRecord { hash, format, width, height, notes })
                }
            },
        };
        let stamp = FileStamp { size, modified_ns: 0 };
        Ok(ImportedSample { sample: Sample { id, source, outcome }, stamp, rewritten_prompt })
    }
}

/// `None` for a row that only says that a sample is missing.
fn read_row(row: &Row, settings: &ReadSettings<'_>) -> Result<Option<FoundSample>, String> {
    let case = CaseId::new(text(row, "case_id")?.ok_or("it names no case")?);
    let ordinal = integer(row, "sample", 0..=MAX_ORDINAL)?;
    let round = integer(row, "round", 0..=MAX_ROUND)?;
    let outcome = text(row, "outcome")?.ok_or("it has no outcome")?;
    if outcome == MISSING {
        return Ok(None);
    }
    // Files of prompts that the suite does not have are failures of their own.
    if outcome == OK && !(settings.is_case)(&case) {
        return Err(format!("the suite has no case `{}`", imgeval_core::visible(case.as_str())));
    }
    let outcome = match outcome {
        OK => Outcome::Done(image(row, settings.max_file_bytes)?),
        code => {
            let kind = FailureKind::from_code(code)
                .ok_or_else(|| format!("unknown outcome `{}`", imgeval_core::visible(code)))?;
            Outcome::Failed(Failure { kind, detail: text(row, "detail")?.unwrap_or_default().to_owned() })
        }
    };
    let notes = text(row, "notes")?.unwrap_or_default().split_whitespace();
    Ok(Some(FoundSample {
        id: SampleId { case, ordinal, round },
        rewritten_prompt: text(row, "rewritten_prompt")?.map(str::to_owned),
        notes: notes.filter_map(ImageNote::from_code).collect(),
        outcome,
    }))
}

fn text<'a>(row: &'a Row, column: &str) -> Result<Option<&'a str>, String> {
    match parquet_table::value(row, column) {
        None => Ok(None),
        Some(Field::Str(text)) if text.len() <= MAX_TEXT_BYTES => Ok(Some(text)),
        Some(Field::Str(_)) => Err(format!("`{column}` is longer than {MAX_TEXT_BYTES} bytes")),
        Some(_) => Err(format!("`{column}` holds no text")),
    }
}

fn integer(row: &Row, column: &str, range: std::ops::RangeInclusive<i64>) -> Result<u32, String> {
    let number = match parquet_table::value(row, column) {
        Some(Field::Int(number)) => i64::from(*number),
        Some(Field::Long(number)) => *number,
        _ => return Err(format!("`{column}` holds no number")),
    };
    match u32::try_from(number) {
        Ok(fitting) if range.contains(&number) => Ok(fitting),
        _ => Err(format!("`{column}` is {number}")),
    }
}

/// The bytes of the row's image, which must be those that the row names.
fn image(row: &Row, max_bytes: u64) -> Result<(ContentHash, Vec<u8>), String> {
    let hash =
        text(row, "image_sha256")?.and_then(ContentHash::parse).ok_or("`image_sha256` is no SHA-256")?;
    let Some(Field::Group(group)) = parquet_table::value(row, IMAGE) else {
        return Err("it has no image".to_owned());
    };
    let Some(Field::Bytes(bytes)) = parquet_table::value(group, "bytes") else {
        return Err("it has no image".to_owned());
    };
    if bytes.len() as u64 > max_bytes {
        return Err(format!("its image has more than {max_bytes} bytes"));
    }
    let bytes = bytes.data().to_vec();
    match ContentHash::of(&bytes) == hash {
        true => Ok((hash, bytes)),
        false => Err("its image does not have the SHA-256 that it names".to_owned()),
    }
}
