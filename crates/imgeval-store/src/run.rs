//! A run directory, opened for writing (locked) or for reading.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use imgeval_core::{
    CaseId, ColorScores, ContentHash, Evidence, Failure, ImageFormat, ImageNote, ImageRef, ObserverId,
    ObserverMeta, Sample, SampleId,
};
use imgeval_files::{OwnFolder, UNFINISHED};

use crate::{
    Manifest, ObservedSample, ObserverKey, StoreError, StoredImage, database::Database, images, lock::RunLock,
};

/// Size and time of change of an imported file: equal means that it need not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    pub size: i64,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
}

/// A sample with the stamp of the file that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedSample {
    pub sample: Sample,
    pub stamp: FileStamp,
    /// The wording it was made for, if that is not the suite's.
    pub rewritten_prompt: Option<String>,
}

/// What a run knows of an imported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    pub stamp: FileStamp,
    pub id: SampleId,
    pub notes: Vec<ImageNote>,
    /// The wording it was made for, if that is not the suite's.
    pub rewritten_prompt: Option<String>,
    /// The image that it gave; `None` if it gave none, or the stored one is gone or damaged.
    pub image: Option<ImageRef>,
}

/// What became of an imported file when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedSample {
    Imported,
    /// It took the place of another image for the same sample.
    Replaced,
    /// Another file with the same bytes holds the sample, so nothing was recorded.
    AlreadyThere,
    Failed,
}

/// A file beside the samples that belongs to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFile {
    pub source: String,
    pub reason: String,
}

/// The one writer of a run.
#[derive(Debug)]
pub struct RunWriter {
    directory: PathBuf,
    manifest: Manifest,
    pub(crate) database: Database,
    _lock: RunLock,
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
            Ok(existing) => match existing.check_same(asked, directory) {
                Ok(()) => existing,
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

    fn with_lock(directory: &Path, manifest: Manifest, lock: RunLock) -> Result<Self, StoreError> {
        let database = Database::open_for_writing(directory)?;
        Ok(Self { directory: directory.to_owned(), manifest, database, _lock: lock })
    }

    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether the run holds anything that its parameters and cases must stay the same for.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn has_result(&self) -> Result<bool, StoreError> {
        self.database.has_result()
    }

    /// The folder for images, to be used from several threads.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a text of the run's own beside the manifest, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_text(&self, name: &'static str, text: &str) -> Result<(), StoreError> {
        let path = self.directory.join(name);
        OwnFolder::open(&self.directory)
            .and_then(|run| run.write_whole(name, text.as_bytes()))
            .map_err(StoreError::io("write", &path))
    }

    /// Stores image bytes under their hash. Needs no database, so that many threads can do it at once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_image(
        directory: &Path,
        hash: &ContentHash,
        format: ImageFormat,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        images::put_image(directory, hash, format, bytes)
    }

    /// As [`Self::put_image`]; afterwards not even a power cut loses the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_paid_image(
        directory: &Path,
        hash: &ContentHash,
        format: ImageFormat,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        images::put_paid_image(directory, hash, format, bytes)
    }

    /// As [`Self::put_paid_image`], for a picture of a format that cannot be decoded; gives its path within the run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_unread_image(
        directory: &Path,
        hash: &ContentHash,
        extension: &'static str,
        bytes: &[u8],
    ) -> Result<PathBuf, StoreError> {
        images::put_unread_image(directory, hash, extension, bytes)
    }

    /// Reads a stored image, checking its hash.
    ///
    /// # Errors
    /// If it is missing or its bytes have changed.
    pub fn read_image(
        directory: &Path,
        hash: &ContentHash,
        format: ImageFormat,
    ) -> Result<Vec<u8>, StoreError> {
        images::read_image(directory, hash, format)
    }

    /// Every file imported so far.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn known_files(&self) -> Result<BTreeMap<String, KnownFile>, StoreError> {
        let mut known = self.database.known_files()?;
        for file in known.values_mut() {
            file.image
                .take_if(|image| !images::image_path(&self.directory, &image.hash, image.format).is_file());
        }
        Ok(known)
    }

    /// Forgets these files' samples, so that none stands in the way when they are imported again.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_samples(&mut self, sources: &[&str]) -> Result<(), StoreError> {
        self.database.forget_samples(sources)
    }

    /// Records imported files, all or none. A second file for one sample is a duplicate, unless the first is gone and
    /// lay below `root` too or had the same bytes.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_samples(
        &mut self,
        batch: Vec<ImportedSample>,
        root: Option<&Path>,
    ) -> Result<Vec<RecordedSample>, StoreError> {
        self.database.record_samples(batch, root)
    }

    /// After an import of the folder `root`: samples of renamed files give way, those of vanished ones are noted.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn settle_vanished_samples(&mut self, root: &Path) -> Result<(), StoreError> {
        self.database.settle_vanished_samples(root)
    }

    /// Drops failures and extra files whose files are gone.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_vanished_files(&mut self) -> Result<(), StoreError> {
        self.database.forget_vanished_files()
    }

    /// # Errors
    /// If the database cannot be written.
    pub fn record_extra_files(&mut self, extras: &[ExtraFile]) -> Result<(), StoreError> {
        self.database.record_extra_files(extras)
    }

    /// # Errors
    /// If the database cannot be written.
    pub fn record_observer(&self, meta: &ObserverMeta, key: &ObserverKey) -> Result<(), StoreError> {
        self.database.record_observer(meta, key)
    }

    /// Visits the distinct images with what the observer saw in them, one at a time, in order of their first sample.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_image(
        &self,
        key: &ObserverKey,
        visit: impl FnMut(StoredImage),
    ) -> Result<(), StoreError> {
        self.database.for_each_image(key, visit)
    }

    /// Keeps what the detector saw; colours are not looked at, and evidence that is there already stays.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_detections(&mut self, key: &ObserverKey, evidence: &Evidence) -> Result<(), StoreError> {
        self.database.record_detections(key, evidence)
    }

    /// Keeps the colours of an image's detections by their places, instead of any that were there: with this the
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
        self.database.record_colors(key, image, colors)
    }

    /// Keeps detections and the colours that they carry, all or nothing: with this the image is done.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_evidence(&mut self, key: &ObserverKey, evidence: &Evidence) -> Result<(), StoreError> {
        self.database.record_evidence(key, evidence)
    }

    /// # Errors
    /// If the database cannot be written.
    pub fn record_failed_observation(
        &self,
        observer: &ObserverId,
        image: &ContentHash,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        self.database.record_failed_observation(observer, image, failure)
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
        self.database.forget_failed_observations(observer, images)
    }
}

/// A run opened for reading; never writes, needs no lock.
#[derive(Debug)]
pub struct RunReader {
    manifest: Manifest,
    pub(crate) database: Database,
}

impl RunReader {
    /// Opens the run in `directory` for the suite and parameters of `asked`; `None` if there is none, or one that would take
    /// them on because it holds no result.
    ///
    /// # Errors
    /// As [`Self::open`], and if it was made for something else.
    pub fn open_same(directory: &Path, asked: &Manifest) -> Result<Option<Self>, StoreError> {
        let run = match Self::open(directory) {
            Err(StoreError::NotARun { .. } | StoreError::Empty { .. }) => return Ok(None),
            run => run?,
        };
        match run.manifest.check_same(asked, directory) {
            Err(_) if !run.database.has_result()? => Ok(None),
            checked => checked.map(|()| Some(run)),
        }
    }

    /// # Errors
    /// If there is no run in `directory` or it cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let manifest = Manifest::load(directory)?;
        let database = Database::open_for_reading(directory)?;
        Ok(Self { manifest, database })
    }

    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The wordings other than the suite's that images were made for, in order of their cases, each once. A wording is
    /// empty if the run was imported by a version that did not keep it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn rewritten_prompts(&self) -> Result<Vec<(CaseId, String)>, StoreError> {
        self.database.rewritten_prompts()
    }

    /// # Errors
    /// If the database cannot be read.
    pub fn observers(&self) -> Result<Vec<ObserverMeta>, StoreError> {
        self.database.observers()
    }

    /// # Errors
    /// If the database cannot be read.
    pub fn extra_files(&self) -> Result<Vec<ExtraFile>, StoreError> {
        self.database.extra_files()
    }

    /// Visits every sample with its evidence, one at a time, ordered by case, ordinal, round and source.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_sample(
        &self,
        observer: Option<&ObserverId>,
        visit: impl FnMut(ObservedSample),
    ) -> Result<(), StoreError> {
        self.database.for_each_sample(observer, visit)
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
