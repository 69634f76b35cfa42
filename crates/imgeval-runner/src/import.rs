//! Takes over images that exist: reads, checks and stores them, a bounded batch at a time.

use std::{fs, path::PathBuf};

use imgeval_core::{
    ContentHash, Failure, FailureKind, ImageFormat, ImageNote, ImageRecord, Outcome, Sample, SampleId,
};
use imgeval_store::{FileStamp, ImportedSample, RunWriter, StoreError};
use rayon::prelude::*;

use crate::{FileWork, Progress, plan_import};

/// Files that are in memory at the same time are at most as many as threads; a batch is one transaction.
const BATCH: usize = 256;

/// A file that is meant to be a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateFile {
    /// Its identity in the run.
    pub source: String,
    pub path: PathBuf,
    pub id: SampleId,
    /// `None` if the file cannot be looked at.
    pub stamp: Option<FileStamp>,
    /// Why it cannot be used, if that is known before reading it.
    pub rejected: Option<Failure>,
    /// What is known about it before reading it.
    pub notes: Vec<ImageNote>,
}

/// What decoding tells about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    pub format: ImageFormat,
    pub width: u32,
    pub height: u32,
    pub notes: Vec<ImageNote>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Taken over now.
    pub imported: usize,
    /// Of those, files that had changed since they were first imported.
    pub replaced: usize,
    /// Taken over before.
    pub unchanged: usize,
    /// Not usable.
    pub failed: usize,
}

/// Imports the candidates that the run does not hold yet, in the given order.
///
/// `decode` gets a file's bytes; it must be safe on any input. A file longer than `max_file_bytes` is not read.
///
/// # Errors
/// If the store cannot be written; what was recorded before stays. A file that cannot be used is not an error.
pub fn import_files(
    run: &mut RunWriter,
    candidates: &[CandidateFile],
    max_file_bytes: u64,
    decode: &(dyn Fn(&[u8]) -> Result<ImageFacts, Failure> + Sync),
    on_progress: &mut dyn FnMut(Progress),
) -> Result<ImportSummary, StoreError> {
    let work = plan_import(candidates, &run.known_files()?);
    let unchanged = work.iter().filter(|work| **work == FileWork::Nothing).count();
    let mut summary = ImportSummary { unchanged, ..ImportSummary::default() };
    on_progress(Progress::Planned { total: candidates.len(), finished: unchanged });

    let directory = run.directory().to_owned();
    let to_do: Vec<_> =
        candidates.iter().zip(&work).filter(|(_, work)| **work != FileWork::Nothing).collect();
    for batch in to_do.chunks(BATCH) {
        let samples: Vec<ImportedSample> = batch
            .par_iter()
            .map(|(candidate, _)| {
                let outcome = import_file(candidate, max_file_bytes, decode, |hash, format, bytes| {
                    RunWriter::put_image(&directory, hash, format, bytes)
                })?;
                let sample = Sample { id: candidate.id.clone(), source: candidate.source.clone(), outcome };
                let stamp = candidate.stamp.unwrap_or(FileStamp { size: -1, modified_ns: 0 });
                Ok(ImportedSample { sample, stamp })
            })
            .collect::<Result<_, StoreError>>()?;
        let recorded = run.record_samples(samples)?;
        for (imported, (_, work)) in recorded.iter().zip(batch) {
            let has_failed = imported.sample.outcome.done().is_none();
            if has_failed {
                summary.failed += 1;
            } else {
                summary.imported += 1;
                summary.replaced += usize::from(**work == FileWork::Replace);
            }
            on_progress(Progress::Advanced { has_failed });
        }
    }
    Ok(summary)
}

fn import_file(
    candidate: &CandidateFile,
    max_file_bytes: u64,
    decode: &(dyn Fn(&[u8]) -> Result<ImageFacts, Failure> + Sync),
    store: impl Fn(&ContentHash, ImageFormat, &[u8]) -> Result<(), StoreError>,
) -> Result<Outcome<ImageRecord>, StoreError> {
    if let Some(failure) = &candidate.rejected {
        return Ok(Outcome::Failed(failure.clone()));
    }
    let bytes = match read_file(candidate, max_file_bytes) {
        Ok(bytes) => bytes,
        Err(failure) => return Ok(Outcome::Failed(failure)),
    };
    let facts = match decode(&bytes) {
        Ok(facts) => facts,
        Err(failure) => return Ok(Outcome::Failed(failure)),
    };
    let hash = ContentHash::of(&bytes);
    store(&hash, facts.format, &bytes)?;
    let mut notes = candidate.notes.clone();
    notes.extend(facts.notes);
    let claimed = candidate.path.extension().and_then(|extension| extension.to_str());
    if claimed.is_some_and(|extension| ImageFormat::from_extension(extension) != Some(facts.format)) {
        notes.push(ImageNote::MisleadingExtension);
    }
    let (format, width, height) = (facts.format, facts.width, facts.height);
    Ok(Outcome::Done(ImageRecord { hash, format, width, height, notes }))
}

fn read_file(candidate: &CandidateFile, max_file_bytes: u64) -> Result<Vec<u8>, Failure> {
    let failure = |kind, detail: String| Failure { kind, detail };
    let size = candidate.stamp.map_or(0, |stamp| stamp.size.unsigned_abs());
    if size > max_file_bytes {
        let detail = format!("{size} bytes are more than any image within the limit needs");
        return Err(failure(FailureKind::TooManyPixels, detail));
    }
    fs::read(&candidate.path).map_err(|error| failure(FailureKind::NotAccessible, error.to_string()))
}
