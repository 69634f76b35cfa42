//! The runs as they were at one moment, in the form that the page reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use imgeval_core::ContentHash;
use imgeval_files::OwnFolder;
use imgeval_report::{
    figures::Figure,
    model::{ImageView, Report, SampleView},
    page::{DataSink, DataWriter, PageError},
};
use serde::Serialize;
use tempfile::TempDir;

use crate::PagesError;

/// Where the viewer gets its runs from.
pub(super) trait LiveRuns: Send + Sync + 'static {
    /// Changes whenever the runs may have changed; cheap.
    fn stamp(&self) -> String;

    /// Visits every sample of every run, and gives the report and its figures.
    ///
    /// # Errors
    /// If a run cannot be read just now, or the visitor fails.
    fn snapshot(
        &self,
        visit: &mut dyn FnMut(SampleView) -> Result<(), PagesError>,
    ) -> Result<(Report, Vec<Figure>), PagesError>;

    /// Where the picture of this run lies; `None` if the run does not hold it.
    fn path(&self, run: usize, image: &ImageView) -> Option<PathBuf>;
}

/// Sizes and times of change of the files that a run's records are in.
pub(super) fn stamp_of_runs<'a>(directories: impl IntoIterator<Item = &'a Path>) -> String {
    let of_file = |path: PathBuf| {
        let Ok(found) = fs::metadata(path) else { return "-".to_owned() };
        let since = found.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        format!("{}.{}", found.len(), since.unwrap_or_default().as_nanos())
    };
    let files = ["run.toml", "run.db", "run.db-wal"];
    let of_run =
        |run: &'a Path| files.iter().map(|name| of_file(run.join(name))).collect::<Vec<_>>().join(" ");
    directories.into_iter().map(of_run).collect::<Vec<_>>().join("\n")
}

#[derive(Debug)]
pub(super) struct Revision {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) runs: Vec<RunLine>,
    folder: TempDir,
    /// Names of files in the folder.
    names: BTreeSet<String>,
    /// By run and hash: nothing else is ever sent.
    pictures: BTreeMap<(usize, String), ImageView>,
    /// By hash.
    figures: BTreeMap<String, String>,
}

/// How far a run is.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunLine {
    name: String,
    n_prompts: usize,
    n_prompts_with_image: usize,
    n_images: usize,
    n_failed: usize,
    spend: String,
}

const INDEX: &str = "index";

impl Revision {
    pub(super) fn read(runs: &dyn LiveRuns) -> Result<Self, PagesError> {
        let folder =
            tempfile::Builder::new().prefix("imgeval-serve-").tempdir().map_err(PagesError::MakeTemporary)?;
        let own = OwnFolder::open(folder.path()).map_err(PagesError::OpenTemporary)?;
        let mut files = Files { folder: own, names: BTreeSet::new() };
        let mut pictures = BTreeMap::new();
        let mut data = DataWriter::default();
        let (report, figures) = runs.snapshot(&mut |sample| {
            for image in [&sample.image, &sample.input].into_iter().flatten() {
                pictures.insert((sample.run, image.hash.clone()), image.clone());
            }
            Ok(data.add(&sample, &mut files)?)
        })?;
        let hash = |figure: &Figure| ContentHash::of(figure.svg.as_bytes()).to_string();
        let sources: Vec<String> = figures.iter().map(|figure| format!("figure/{}", hash(figure))).collect();
        // Pictures that cannot be shown are told when somebody looks at them.
        let problems = BTreeMap::new();
        let index = data.finish(&report, &figures, &sources, &problems, &mut files)?;
        let index = serde_json::to_string(&index).map_err(PagesError::Json)?;
        files.put(INDEX, &index)?;
        let line = |run: &imgeval_report::model::RunView| RunLine {
            name: run.name.clone(),
            n_prompts: run.n_prompts,
            n_prompts_with_image: run.n_prompts_with_image,
            n_images: run.n_images,
            n_failed: run.n_failed,
            spend: run.spend.clone(),
        };
        Ok(Self {
            // The index names its files by their content.
            id: ContentHash::of(index.as_bytes()).as_str()[..16].to_owned(),
            runs: report.runs.iter().map(line).collect(),
            folder,
            names: files.names,
            pictures,
            figures: figures.iter().map(|figure| (hash(figure), figure.svg.clone())).collect(),
            title: report.title,
        })
    }

    /// The text of a data file; `None` if there is none of this name.
    pub(super) fn data(&self, name: &str) -> Option<Result<String, PagesError>> {
        let name = self.names.get(name)?;
        let path = self.folder.path().join(name);
        Some(imgeval_files::read_text(&path, u64::MAX).map_err(PagesError::TemporaryGone))
    }

    pub(super) fn picture(&self, run: usize, hash: &str) -> Option<&ImageView> {
        self.pictures.get(&(run, hash.to_owned()))
    }

    pub(super) fn figure(&self, hash: &str) -> Option<&str> {
        self.figures.get(hash).map(String::as_str)
    }
}

struct Files {
    folder: OwnFolder,
    names: BTreeSet<String>,
}

impl DataSink for Files {
    fn put(&mut self, name: &str, json: &str) -> Result<(), PageError> {
        let written = self.folder.write_unsynced(name, json.as_bytes());
        written.map_err(|source| PageError::Write { path: self.folder.path().join(name), source })?;
        self.names.insert(name.to_owned());
        Ok(())
    }
}
