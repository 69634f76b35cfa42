//! What each step of a study came to, kept in the study's folder.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use imgeval_files::{Lock, OwnFolder};
use serde::{Deserialize, Serialize};

use crate::{Step, StudyError, prints::print_of};

const LEDGER: &str = "steps.json";
const LOCK: &str = ".study.lock";
/// Steps are few and their messages are cut.
const MAX_BYTES: u64 = 16 << 20;
const MAX_MESSAGE_CHARS: usize = 600;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done,
    /// Finished, but some images could not be used; running it again tries them again.
    Partial,
    /// The cost limit was reached.
    OverBudget,
    Interrupted,
    Failed,
}

/// The record of a step's last execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub outcome: Outcome,
    /// What went wrong, or what was left out; empty if nothing.
    #[serde(default)]
    pub message: String,
    pub seconds: f64,
    /// Of the task and of the files that it read.
    print: String,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Never carried out.
    New,
    /// Carried out before its task, or what it reads, became another.
    Changed,
    /// Nothing to do.
    UpToDate,
    /// Carried out without success; it is tried again.
    Unfinished(Outcome),
}

/// The records of a study's steps.
#[derive(Debug)]
pub struct Ledger {
    folder: OwnFolder,
    records: BTreeMap<String, Record>,
    /// Held while steps are carried out.
    _lock: Option<File>,
}

impl Ledger {
    /// Opens the ledger to carry steps out, in a folder that is made if it does not exist.
    ///
    /// # Errors
    /// If the folder or the records cannot be used, or another process runs the study.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        let failed = |source| StudyError::Folder { path: folder.to_owned(), source };
        let own = OwnFolder::make(folder).map_err(failed)?;
        let lock = match own.lock(LOCK).map_err(failed)? {
            Lock::Taken(file) => file,
            Lock::Held(_) => return Err(StudyError::Busy { path: folder.to_owned() }),
        };
        Ok(Self { records: read_records(&own)?, folder: own, _lock: Some(lock) })
    }

    /// Reads the records alone; `None` if there is no folder yet.
    ///
    /// # Errors
    /// If the folder or the records cannot be used.
    pub fn read(folder: &Path) -> Result<Option<Self>, StudyError> {
        match OwnFolder::open(folder) {
            Ok(own) => Ok(Some(Self { records: read_records(&own)?, folder: own, _lock: None })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StudyError::Folder { path: folder.to_owned(), source }),
        }
    }

    /// The folder in which steps leave their output.
    #[must_use]
    pub fn folder(&self) -> &OwnFolder {
        &self.folder
    }

    /// The record of a step's last execution.
    #[must_use]
    pub fn record_of(&self, step: &Step) -> Option<&Record> {
        self.records.get(&step.id)
    }

    /// Where a step stands, by its task and the files that it reads.
    #[must_use]
    pub fn state_of(&self, step: &Step) -> StepState {
        let Some(record) = self.records.get(&step.id) else { return StepState::New };
        match record.outcome {
            Outcome::Done if record.print == print_of(step) => StepState::UpToDate,
            Outcome::Done => StepState::Changed,
            outcome => StepState::Unfinished(outcome),
        }
    }

    /// Records an execution that has just ended.
    ///
    /// # Errors
    /// If the records cannot be written.
    pub fn record(
        &mut self,
        step: &Step,
        outcome: Outcome,
        message: &str,
        seconds: f64,
    ) -> Result<(), StudyError> {
        let message = message.chars().take(MAX_MESSAGE_CHARS).collect();
        self.records.insert(step.id.clone(), Record { outcome, message, seconds, print: print_of(step) });
        let failed = |source| StudyError::Folder { path: self.folder.path().to_owned(), source };
        let text = serde_json::to_vec_pretty(&self.records).map_err(|error| failed(error.into()))?;
        self.folder.write_whole(LEDGER, &text).map_err(failed)
    }
}

fn read_records(folder: &OwnFolder) -> Result<BTreeMap<String, Record>, StudyError> {
    let path: PathBuf = folder.path().join(LEDGER);
    let bytes = match folder.read(LEDGER, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(StudyError::Ledger { path, detail: error.to_string() }),
    };
    serde_json::from_slice(&bytes).map_err(|error| StudyError::Ledger { path, detail: error.to_string() })
}
