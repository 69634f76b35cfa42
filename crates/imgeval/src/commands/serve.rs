//! `imgeval serve`: the page of a report while its runs go on.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use imgeval_metrics::BootstrapSettings;
use imgeval_report::{
    figures::Figure,
    model::{ImageView, Report, SampleView},
    page::Originals as _,
};

use imgeval_scoring::{Assembly, OpenedRun, check_allowed};

use crate::{
    advice::explain_report,
    args::reporting::ServeArgs,
    exit_code::Exit,
    printer::Printer,
    report::{Confidences, RunImages, page_figures},
    serve::{LiveRuns, ServeOptions, run_server, stamp_of_runs},
};

pub(super) fn serve(args: &ServeArgs, printer: Printer) -> Result<Exit> {
    let settings = args.comparing.settings();
    let runs = OpenedRun::open_all(&args.runs, settings)?;
    check_allowed(&args.comparing.allow, &runs.iter().collect::<Vec<_>>())?;
    let live = RunsOnDisk {
        directories: args.runs.clone(),
        images: RunImages::of(&runs),
        allow: args.comparing.allow.clone(),
        settings,
    };
    let options = ServeOptions { host: args.host, port: args.port, every: Duration::from_secs(args.every) };
    let runtime = tokio::runtime::Runtime::new().context("could not start the server")?;
    runtime.block_on(run_server(Box::new(live), options, printer))?;
    Ok(Exit::Ok)
}

/// Runs that others may be writing.
struct RunsOnDisk {
    directories: Vec<PathBuf>,
    images: RunImages,
    allow: Vec<String>,
    settings: BootstrapSettings,
}

impl LiveRuns for RunsOnDisk {
    fn stamp(&self) -> String {
        stamp_of_runs(self.directories.iter().map(PathBuf::as_path))
    }

    fn snapshot(&self, visit: &mut dyn FnMut(SampleView) -> Result<()>) -> Result<(Report, Vec<Figure>)> {
        let mut runs = OpenedRun::open_all(&self.directories, self.settings)?;
        let assembly =
            Assembly { title: None, with_published: true, allow: &self.allow, settings: self.settings };
        let mut report = assembly.assemble(&mut runs);
        explain_report(&mut report);
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
