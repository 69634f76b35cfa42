//! A run directory, opened for reading.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::{CaseId, ObserverId, ObserverMeta, Outcome, SampleId, Usd, WorkKey};

use crate::{
    AttemptRecord, ExtraFile, GeneratedSample, Images, JudgmentRecord, KeptReply, KnownFile, ListedCase,
    Manifest, MeasurementRecord, ObservedSample, ObserverKey, Spend, StoreError, StoredImage, StoredJudge,
    StoredJudgment, UnusedJudgment, UnusedReply, database::Database, listing,
};

/// A run opened for reading; never writes, needs no lock.
#[derive(Debug)]
pub struct RunReader {
    pub(crate) directory: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) database: Database,
}

impl RunReader {
    /// Opens the run in `directory` for the suite and parameters of `asked`; `None` if there is none, or if it has no
    /// results and would accept them.
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

    /// Opens the run in `directory`.
    ///
    /// # Errors
    /// If there is no run in `directory` or it cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let manifest = Manifest::load(directory)?;
        let database = Database::open_for_reading(directory)?;
        Ok(Self { directory: directory.to_owned(), manifest, database })
    }

    /// What was asked of the run when it was made.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder of the run.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The images of the run, to be used from several threads.
    #[must_use]
    pub fn images(&self) -> Images {
        Images::at(&self.directory)
    }

    /// Whether the run holds anything that its parameters and cases must stay the same for.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn has_result(&self) -> Result<bool, StoreError> {
        self.database.has_result()
    }

    /// The cases that the run keeps in `cases.jsonl`, in order.
    ///
    /// # Errors
    /// If there is no such file, or a line of it is not as this version wrote it.
    pub fn cases(&self) -> Result<Vec<ListedCase>, StoreError> {
        listing::read_cases(&self.directory)
    }

    /// Every file imported so far.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn known_files(&self) -> Result<BTreeMap<String, KnownFile>, StoreError> {
        let images = self.images();
        let mut known = self.database.known_files()?;
        for file in known.values_mut() {
            file.image.take_if(|image| !images.path(image).is_file());
        }
        Ok(known)
    }

    /// Files that do not belong to any sample.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn extra_files(&self) -> Result<Vec<ExtraFile>, StoreError> {
        self.database.extra_files()
    }

    /// The wordings other than the suite's that images were made for, in order of their cases, each once. A wording is
    /// empty if the run was imported by a version that did not keep it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn rewritten_prompts(&self) -> Result<Vec<(CaseId, String)>, StoreError> {
        self.database.rewritten_prompts()
    }

    /// The observers, in order of their first use.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn observers(&self) -> Result<Vec<ObserverMeta>, StoreError> {
        self.database.observers()
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

    /// The samples that providers were asked for.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn generated_samples(&self) -> Result<BTreeMap<SampleId, GeneratedSample>, StoreError> {
        self.database.generated_samples()
    }

    /// Visits every finished call for an image, one at a time, in the order of recording.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_attempt(&self, visit: impl FnMut(AttemptRecord)) -> Result<(), StoreError> {
        self.database.for_each_attempt(visit)
    }

    /// Failed attempts at samples that have no image, those at one sample together and the newest first.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn unused_replies(&self) -> Result<Vec<UnusedReply>, StoreError> {
        self.database.unused_replies()
    }

    /// The whole reply to an attempt, if it was kept, and its text without images.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn reply_of_attempt(&self, attempt_id: i64) -> Result<(Option<KeptReply>, String), StoreError> {
        self.database.reply_of_attempt(attempt_id)
    }

    /// The last answers to requests to rewrite a prompt, by their work.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn rewrites(&self) -> Result<BTreeMap<WorkKey, Outcome<String>>, StoreError> {
        self.database.rewrites()
    }

    /// Everything that the run has ever spent.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn spend(&self) -> Result<Spend, StoreError> {
        self.database.spend()
    }

    /// The samples with known costs, each with the highest.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn image_costs(&self) -> Result<Vec<(SampleId, Usd)>, StoreError> {
        self.database.image_costs()
    }

    /// The prompts with known rewriting costs, each with the mean of its calls.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn rewrite_costs(&self) -> Result<Vec<(String, Usd)>, StoreError> {
        self.database.rewrite_costs()
    }

    /// The highest known cost of a call to this judge.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn dearest_judgment(&self, judge_id: &str) -> Result<Option<Usd>, StoreError> {
        self.database.dearest_judgment(judge_id)
    }

    /// The judges that were ever set to work on this run, in the order in which they came.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn judges(&self) -> Result<Vec<StoredJudge>, StoreError> {
        self.database.judges()
    }

    /// Visits what was said, by one judge or all, one at a time, in the order of recording; what was taken back is left
    /// out.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_judgment(
        &self,
        judge_id: Option<&str>,
        visit: impl FnMut(StoredJudgment),
    ) -> Result<(), StoreError> {
        self.database.for_each_judgment(judge_id, visit)
    }

    /// The whole replies behind [`Self::for_each_judgment`], with what they cost.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_judgment_call(&self, visit: impl FnMut(JudgmentRecord)) -> Result<(), StoreError> {
        self.database.for_each_judgment_call(visit)
    }

    /// Failed judgments of items about which their judge has said nothing else, those of one item together and the newest
    /// first.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn unused_judgments(&self) -> Result<Vec<UnusedJudgment>, StoreError> {
        self.database.unused_judgments()
    }

    /// The whole reply to a judgment, if it was kept, and its text.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn reply_of_judgment(&self, judgment_id: i64) -> Result<(Option<KeptReply>, String), StoreError> {
        self.database.reply_of_judgment(judgment_id)
    }

    /// What programs measured on the samples, by meter and sample.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn measurements(&self) -> Result<Vec<MeasurementRecord>, StoreError> {
        self.database.measurements()
    }
}
