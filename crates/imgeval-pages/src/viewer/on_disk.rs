//! Runs on the disk that others may be writing.

use std::path::{Path, PathBuf};

use imgeval_metrics::BootstrapSettings;
use imgeval_report::{
    figures::Figure,
    model::{ImageView, Report, SampleView},
    page::Originals as _,
};
use imgeval_scoring::{Assembly, OpenedRun, check_allowed};

use super::revision::{LiveRuns, stamp_of_runs};
use crate::{
    PagesError,
    report::{Confidences, RunImages, page_figures},
};

/// The runs that the viewer shows, read anew whenever their files have changed.
pub struct RunsOnDisk {
    directories: Vec<PathBuf>,
    images: RunImages,
    allow: Vec<String>,
    settings: BootstrapSettings,
    explain: fn(&mut Report),
}

impl RunsOnDisk {
    /// Runs that are compared though they differ in the fields `allow`; `explain` adds to each report what only its
    /// caller knows.
    ///
    /// # Errors
    /// If a run cannot be read, or no run has a field of such a name.
    pub fn open(
        directories: &[PathBuf],
        allow: &[String],
        settings: BootstrapSettings,
        explain: fn(&mut Report),
    ) -> Result<Self, PagesError> {
        let runs = OpenedRun::open_all(directories, settings)?;
        check_allowed(allow, &runs.iter().collect::<Vec<_>>())?;
        Ok(Self {
            directories: directories.to_owned(),
            images: RunImages::of(&runs),
            allow: allow.to_owned(),
            settings,
            explain,
        })
    }
}

impl LiveRuns for RunsOnDisk {
    fn stamp(&self) -> String {
        stamp_of_runs(self.directories.iter().map(PathBuf::as_path))
    }

    fn snapshot(
        &self,
        visit: &mut dyn FnMut(SampleView) -> Result<(), PagesError>,
    ) -> Result<(Report, Vec<Figure>), PagesError> {
        let mut runs = OpenedRun::open_all(&self.directories, self.settings)?;
        let assembly = Assembly {
            title: None,
            with_published: true,
            allow: &self.allow,
            settings: self.settings,
            reference: None,
        };
        let mut report = assembly.assemble(&mut runs)?;
        (self.explain)(&mut report);
        let mut confidences = Confidences::default();
        for (index, run) in runs.iter().enumerate() {
            run.for_each_sample(index, |view| {
                confidences.add(&view);
                visit(view)
            })?;
        }
        let figures = page_figures(&report, &confidences);
        Ok((report, figures))
    }

    fn path(&self, run: usize, image: &ImageView) -> Option<PathBuf> {
        self.images.path(run, image).filter(|path| Path::is_file(path))
    }
}
