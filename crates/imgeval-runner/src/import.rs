//! Takes over images that exist: reads, checks and stores them, a bounded batch at a time.

use std::path::{Path, PathBuf};

use imgeval_core::{
    ContentHash, Failure, FailureKind, ImageFormat, ImageNote, ImageRecord, ImageRef, Outcome, Sample,
    SampleId, memory::reserve_file,
};
use imgeval_files::Unsuitable;
use imgeval_store::{FileStamp, ImportedSample, RecordedSample, RunWriter, StoreError};
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
    /// `None` if the file's metadata cannot be read.
    pub stamp: Option<FileStamp>,
    /// Why it cannot be used, if that is known before reading it.
    pub rejected: Option<Failure>,
    /// Facts known before reading it.
    pub notes: Vec<ImageNote>,
    /// The wording it was made for, if that is not the suite's.
    pub rewritten_prompt: Option<String>,
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
    /// Files or prompts that had changed since they were first imported.
    pub replaced: usize,
    /// Taken over before, from this file or from another one of the same bytes.
    pub unchanged: usize,
    /// Not usable.
    pub failed: usize,
}

/// How files are read.
pub struct ImportSettings<'a> {
    /// The folder of the candidates, if it is a single one: deleted files in it give way to new ones.
    pub root: Option<&'a Path>,
    /// Longer files are not read.
    pub max_file_bytes: u64,
    /// Gets a file's bytes; must be safe on any input.
    pub decode: &'a (dyn Fn(&[u8]) -> Result<ImageFacts, Failure> + Sync),
}

/// Imports the candidates that the run does not hold yet, in the given order.
///
/// # Errors
/// If the store cannot be written; what was recorded before stays. A file that cannot be used is not an error.
pub fn import_files(
    run: &mut RunWriter,
    candidates: &[CandidateFile],
    settings: &ImportSettings<'_>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<ImportSummary, StoreError> {
    let work = plan_import(candidates, &run.known_files()?);
    let planned = |wanted: FileWork| {
        candidates.iter().zip(&work).filter(move |(_, work)| **work == wanted).map(|(candidate, _)| candidate)
    };
    let unchanged = planned(FileWork::Nothing).count();
    let to_replace: Vec<&str> =
        planned(FileWork::Replace).map(|candidate| candidate.source.as_str()).collect();
    let mut summary = ImportSummary { unchanged, replaced: to_replace.len(), ..ImportSummary::default() };
    run.forget_samples(&to_replace)?;
    on_progress(Progress::Planned { total: candidates.len(), finished: unchanged });

    let images = run.images();
    let to_do: Vec<_> =
        candidates.iter().zip(&work).filter(|(_, work)| **work != FileWork::Nothing).collect();
    for batch in to_do.chunks(BATCH) {
        let samples: Vec<ImportedSample> = batch
            .par_iter()
            .map(|(candidate, _)| {
                let outcome = import_file(candidate, settings, |image, bytes| images.put(image, bytes))?;
                let sample = Sample { id: candidate.id.clone(), source: candidate.source.clone(), outcome };
                let stamp = candidate.stamp.unwrap_or(FileStamp { size: -1, modified_ns: 0 });
                let rewritten_prompt = candidate.rewritten_prompt.clone();
                Ok(ImportedSample { sample, stamp, rewritten_prompt })
            })
            .collect::<Result<_, StoreError>>()?;
        for recorded in run.record_samples(samples, settings.root)? {
            let has_failed = recorded == RecordedSample::Failed;
            match recorded {
                RecordedSample::Imported => summary.imported += 1,
                RecordedSample::Replaced => {
                    summary.imported += 1;
                    summary.replaced += 1;
                }
                RecordedSample::AlreadyThere => summary.unchanged += 1,
                RecordedSample::Failed => summary.failed += 1,
            }
            on_progress(Progress::Advanced { has_failed });
        }
    }
    if let Some(root) = settings.root {
        run.settle_vanished_samples(root)?;
    }
    Ok(summary)
}

fn import_file(
    candidate: &CandidateFile,
    settings: &ImportSettings<'_>,
    store: impl Fn(&ImageRef, &[u8]) -> Result<(), StoreError>,
) -> Result<Outcome<ImageRecord>, StoreError> {
    if let Some(failure) = &candidate.rejected {
        return Ok(Outcome::Failed(failure.clone()));
    }
    let length = candidate.stamp.map_or(0, |stamp| u64::try_from(stamp.size).unwrap_or(0));
    let _bytes = reserve_file(length.min(settings.max_file_bytes));
    let bytes = match read_file(candidate, settings.max_file_bytes) {
        Ok(bytes) => bytes,
        Err(failure) => return Ok(Outcome::Failed(failure)),
    };
    let facts = match (settings.decode)(&bytes) {
        Ok(facts) => facts,
        Err(failure) => return Ok(Outcome::Failed(failure)),
    };
    let image = ImageRef { hash: ContentHash::of(&bytes), format: facts.format };
    store(&image, &bytes)?;
    let mut notes = candidate.notes.clone();
    notes.extend(facts.notes);
    let claimed = candidate.path.extension().and_then(|extension| extension.to_str());
    if claimed.is_some_and(|extension| ImageFormat::from_extension(extension) != Some(facts.format)) {
        notes.push(ImageNote::MisleadingExtension);
    }
    let (ImageRef { hash, format }, width, height) = (image, facts.width, facts.height);
    Ok(Outcome::Done(ImageRecord { hash, format, width, height, notes }))
}

fn read_file(candidate: &CandidateFile, max_file_bytes: u64) -> Result<Vec<u8>, Failure> {
    imgeval_files::read_regular(&candidate.path, max_file_bytes).map_err(|error| {
        match Unsuitable::of(&error) {
            Some(Unsuitable::TooLong { limit }) => Failure {
                kind: FailureKind::TooManyPixels,
                detail: format!("more than {limit} bytes, which no image within the limit needs"),
            },
            _ => Failure { kind: FailureKind::of_unread(&error), detail: error.to_string() },
        }
    })
}
