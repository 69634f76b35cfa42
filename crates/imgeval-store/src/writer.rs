//! A run directory, opened for writing under its lock.

use std::{fs, ops::Deref, path::Path};

use imgeval_core::{ColorScores, ContentHash, Evidence, Failure, ObserverId, ObserverMeta, WorkKey};
use imgeval_files::UNFINISHED;

use crate::{
    CaseListing, ExtraFile, GenerationBatch, ImportedSample, JudgmentRecord, Label, ListedCase, Manifest,
    MeasurementRecord, ObserverKey, RecordedSample, RunReader, StoreError, StoredJudge, database::Database,
    listing, lock::RunLock,
};

/// The one writer of a run, which reads as a [`RunReader`] does.
#[derive(Debug)]
pub struct RunWriter {
    reader: RunReader,
    _lock: RunLock,
}

impl Deref for RunWriter {
    type Target = RunReader;

    fn deref(&self) -> &RunReader {
        &self.reader
    }
}

impl RunWriter {
    /// Opens the run in `directory` for the suite and parameters of `asked`, or makes it. A run that holds no result takes on
    /// other ones.
    ///
    /// # Errors
    /// If another process writes it, if it was made for something else, or if it cannot be read or written.
    pub fn create_or_open(directory: &Path, asked: &Manifest, holder: &str) -> Result<Self, StoreError> {
        let is_run = directory.join("run.toml").exists();
        if directory.exists() && !directory.is_dir() {
            return Err(StoreError::NotAFolder { path: directory.to_owned() });
        }
        if !is_run {
            refuse_occupied(directory)?;
            fs::create_dir_all(directory).map_err(StoreError::io("create the folder", directory))?;
        }
        let lock = RunLock::acquire(directory, holder)?;
        // Looked at again under the lock: another process may just have made the run.
        let manifest = match Manifest::load(directory) {
            Ok(mut existing) => match existing.check_same(asked, directory) {
                Ok(()) => {
                    if asked.label.is_some() && asked.label != existing.label {
                        existing.label.clone_from(&asked.label);
                        existing.save(directory)?;
                    }
                    existing
                }
                Err(mismatch) => {
                    // What cannot be opened may hold a result.
                    let database = Database::open_for_writing(directory);
                    match database {
                        Ok(mut database) if !database.has_result()? => database.forget_failed_generation()?,
                        _ => return Err(mismatch),
                    }
                    asked.save(directory)?;
                    asked.clone()
                }
            },
            Err(StoreError::NotARun { .. }) => {
                asked.save(directory)?;
                asked.clone()
            }
            Err(error) => return Err(error),
        };
        Self::with_lock(directory, manifest, lock)
    }

    /// Opens an existing run.
    ///
    /// # Errors
    /// As [`Self::create_or_open`], and if there is none.
    pub fn open(directory: &Path, holder: &str) -> Result<Self, StoreError> {
        let manifest = Manifest::load(directory)?;
        let lock = RunLock::acquire(directory, holder)?;
        Self::with_lock(directory, manifest, lock)
    }

    pub(crate) fn database_mut(&mut self) -> &mut Database {
        &mut self.reader.database
    }

    /// Gives the run another label, or none.
    ///
    /// # Errors
    /// If the manifest cannot be written.
    pub fn set_label(&mut self, label: Option<Label>) -> Result<(), StoreError> {
        let mut manifest = self.reader.manifest.clone();
        manifest.label = label;
        manifest.save(&self.reader.directory)?;
        self.reader.manifest = manifest;
        Ok(())
    }

    fn with_lock(directory: &Path, manifest: Manifest, lock: RunLock) -> Result<Self, StoreError> {
        let database = Database::open_for_writing(directory)?;
        let reader = RunReader { directory: directory.to_owned(), manifest, database };
        Ok(Self { reader, _lock: lock })
    }

    /// The cases of earlier calls followed by the new ones, to be written by [`Self::put_cases`] once all their
    /// inputs are in the run.
    ///
    /// # Errors
    /// If a case has changed since the run first saw it and the run has a result, or the listing cannot be read.
    pub fn merge_cases(&self, cases: &[ListedCase]) -> Result<CaseListing, StoreError> {
        listing::merge(&self.directory, cases, || self.has_result())
    }

    /// Writes the cases next to the manifest, completely or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_cases(&self, listing: &CaseListing) -> Result<(), StoreError> {
        listing::write(&self.directory, listing)
    }

    /// Deletes these files' samples, so that none blocks another when they are imported again.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_samples(&mut self, sources: &[&str]) -> Result<(), StoreError> {
        self.reader.database.forget_samples(sources)
    }

    /// Records imported files, all or none. A second file for one sample is a duplicate, unless the first was deleted
    /// and was also in `root` or had the same bytes.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_samples(
        &mut self,
        batch: Vec<ImportedSample>,
        root: Option<&Path>,
    ) -> Result<Vec<RecordedSample>, StoreError> {
        self.reader.database.record_samples(batch, root)
    }

    /// After an import of the folder `root`: samples of renamed files give way, those of vanished ones are noted.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn settle_vanished_samples(&mut self, root: &Path) -> Result<(), StoreError> {
        self.reader.database.settle_vanished_samples(root)
    }

    /// Drops failures and extra files whose files are gone.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_vanished_files(&mut self) -> Result<(), StoreError> {
        self.reader.database.forget_vanished_files()
    }

    /// Records files that do not belong to any sample.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_extra_files(&mut self, extras: &[ExtraFile]) -> Result<(), StoreError> {
        self.reader.database.record_extra_files(extras)
    }

    /// Records an observer; a known one stays unchanged.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_observer(&self, meta: &ObserverMeta, key: &ObserverKey) -> Result<(), StoreError> {
        self.reader.database.record_observer(meta, key)
    }

    /// Records detections without colors; existing evidence stays.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_detections(&mut self, key: &ObserverKey, evidence: &Evidence) -> Result<(), StoreError> {
        self.reader.database.record_detections(key, evidence)
    }

    /// Keeps the colors of an image's detections by their places, instead of any that were there: with this the
    /// image is done.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_colors(
        &mut self,
        key: &ObserverKey,
        image: &ContentHash,
        colors: &[(usize, ColorScores)],
    ) -> Result<(), StoreError> {
        self.reader.database.record_colors(key, image, colors)
    }

    /// Keeps detections and the colors that they carry, all or nothing: with this the image is done.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_evidence(&mut self, key: &ObserverKey, evidence: &Evidence) -> Result<(), StoreError> {
        self.reader.database.record_evidence(key, evidence)
    }

    /// Records why an observer could not process an image.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_failed_observation(
        &self,
        observer: &ObserverId,
        image: &ContentHash,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        self.reader.database.record_failed_observation(observer, image, failure)
    }

    /// Drops the failures of images of which nothing is left to observe.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_failed_observations(
        &mut self,
        observer: &ObserverId,
        images: &[ContentHash],
    ) -> Result<(), StoreError> {
        self.reader.database.forget_failed_observations(observer, images)
    }

    /// From here on a commit is on the disk before it returns, so that not even a power cut loses what was paid for.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn begin_paid_work(&mut self) -> Result<(), StoreError> {
        self.reader.database.begin_paid_work()
    }

    /// Records all of the batch or nothing. A sample that is done stays; one that failed is replaced.
    ///
    /// # Errors
    /// If the database cannot be written, or a call begins that is under way.
    pub fn record_generation(&mut self, batch: &GenerationBatch) -> Result<(), StoreError> {
        self.reader.database.record_generation(batch)
    }

    /// Turns the calls whose process ended before they did into attempts with outcome `interrupted`; says how many.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn settle_interrupted_calls(&mut self) -> Result<usize, StoreError> {
        self.reader.database.settle_interrupted_calls()
    }

    /// Keeps who judges; one that is known already stays as it is.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_judge(&self, judge: &StoredJudge) -> Result<(), StoreError> {
        self.reader.database.record_judge(judge)
    }

    /// Keeps what a person said, now and for good.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_judgment(&mut self, judgment: &JudgmentRecord) -> Result<(), StoreError> {
        self.reader.database.record_judgments(std::slice::from_ref(judgment))
    }

    /// Keeps what a person said and takes back what was said before for the same piece of work, both or neither.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn replace_judgment(&mut self, judgment: &JudgmentRecord) -> Result<(), StoreError> {
        self.reader.database.replace_judgment(judgment)
    }

    /// Takes back everything said so far for this piece of work: it stays on record and counts no more.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn withdraw_judgments(&mut self, work_key: &WorkKey) -> Result<(), StoreError> {
        self.reader.database.withdraw_judgments(work_key)
    }

    /// Keeps measurements, all or none, instead of earlier ones of the same meter on the same sample.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_measurements(&mut self, batch: &[MeasurementRecord]) -> Result<(), StoreError> {
        self.reader.database.record_measurements(batch)
    }
}

/// A folder with something else in it is no place for a run.
fn refuse_occupied(directory: &Path) -> Result<(), StoreError> {
    let Ok(mut entries) = fs::read_dir(directory) else {
        return Ok(());
    };
    // A run that was killed as it began, or that another process is just making, is not foreign.
    let is_ours = |name: &str| {
        ["run.toml", "run.lock", "images"].contains(&name)
            || name.starts_with("run.db")
            || name.starts_with(UNFINISHED)
    };
    let has_foreign =
        entries.any(|entry| entry.is_ok_and(|entry| !is_ours(&entry.file_name().to_string_lossy())));
    if has_foreign {
        return Err(StoreError::Occupied { path: directory.to_owned() });
    }
    Ok(())
}
