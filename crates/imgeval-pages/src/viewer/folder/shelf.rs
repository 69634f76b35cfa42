//! The runs of a folder on the disk.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use imgeval_core::ContentHash;
use imgeval_metrics::BootstrapSettings;
use imgeval_report::model::Report;
use imgeval_scoring::{ListedRun, ScoringError, find_runs, list_run};
use rayon::prelude::*;

use crate::{
    PagesError, RunsOnDisk,
    viewer::{
        revision::{LiveRuns, stamp_of_runs},
        server::lock,
    },
};

/// Where the index gets its runs from.
pub(super) trait Shelf: Send + Sync + 'static {
    /// What is there now, in order of the names.
    fn entries(&self) -> Vec<Arc<Entry>>;

    /// The runs of these directories, for a page of theirs.
    ///
    /// # Errors
    /// If one cannot be read.
    fn open(&self, directories: &[PathBuf]) -> Result<Box<dyn LiveRuns>, PagesError>;
}

/// One line of the index.
#[derive(Debug)]
pub(super) struct Entry {
    /// Names the run in addresses; of its directory, so that it stays when other runs come and go.
    pub(super) id: String,
    /// The directory, seen from the folder.
    pub(super) name: String,
    pub(super) directory: PathBuf,
    pub(super) run: Result<ListedRun, ScoringError>,
}

/// A folder in which runs are looked for whenever somebody asks for its index.
pub struct FolderOfRuns {
    folder: PathBuf,
    allow: Vec<String>,
    settings: BootstrapSettings,
    explain: fn(&mut Report),
    /// By directory: a run is read anew only when its files have changed.
    known: Mutex<BTreeMap<PathBuf, (String, Arc<Entry>)>>,
}

impl FolderOfRuns {
    /// `allow`, `settings` and `explain` are those of each page, as in [`RunsOnDisk::open`].
    #[must_use]
    pub fn new(
        folder: &Path,
        allow: &[String],
        settings: BootstrapSettings,
        explain: fn(&mut Report),
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            allow: allow.to_owned(),
            settings,
            explain,
            known: Mutex::new(BTreeMap::new()),
        }
    }

    fn entry(&self, directory: PathBuf) -> (PathBuf, (String, Arc<Entry>)) {
        let stamp = stamp_of_runs([directory.as_path()]);
        let known = lock(&self.known).get(&directory).filter(|(before, _)| *before == stamp).cloned();
        let entry = known.unwrap_or_else(|| {
            let relative = directory.strip_prefix(&self.folder).unwrap_or(&directory);
            let name = relative.to_string_lossy().into_owned();
            let id =
                ContentHash::of(relative.as_os_str().as_encoded_bytes()).as_str()[..ID_LENGTH].to_owned();
            let run = list_run(&directory);
            (stamp, Arc::new(Entry { id, name, directory: directory.clone(), run }))
        });
        (directory, entry)
    }
}

/// Characters of an id: hexadecimal digits.
pub(super) const ID_LENGTH: usize = 16;

impl Shelf for FolderOfRuns {
    fn entries(&self) -> Vec<Arc<Entry>> {
        let found: BTreeMap<PathBuf, (String, Arc<Entry>)> =
            find_runs(&self.folder).into_par_iter().map(|directory| self.entry(directory)).collect();
        let entries = found.values().map(|(_, entry)| Arc::clone(entry)).collect();
        // Runs that are gone are forgotten.
        *lock(&self.known) = found;
        entries
    }

    fn open(&self, directories: &[PathBuf]) -> Result<Box<dyn LiveRuns>, PagesError> {
        Ok(Box::new(RunsOnDisk::open(directories, &self.allow, self.settings, self.explain)?))
    }
}
