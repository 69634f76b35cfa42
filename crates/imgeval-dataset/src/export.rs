//! Writes a run as a data set.

use std::{collections::BTreeSet, path::Path};

use imgeval_metrics::BootstrapSettings;
use imgeval_runner::Progress;
use imgeval_scoring::OpenedRun;

use crate::{
    DatasetError, Description,
    card::{CARD, Card, render_card},
    evidence,
    folder::DatasetFolder,
    samples::{self, SampleRows},
    scores,
    table_writer::{Limits, TableWriter, WrittenTable},
};

/// What goes into a data set.
#[derive(Debug, Clone, Copy)]
pub struct ExportSettings {
    /// Without them, images are only named by file name and SHA-256.
    pub with_images: bool,
    pub bootstrap: BootstrapSettings,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportSummary {
    /// Rows, missing samples included.
    pub samples: usize,
    pub scores: usize,
    pub evidence: usize,
}

/// Writes the run in `directory` into the folder `target`; an earlier data set there is replaced file by file. `on_progress` hears
/// of each sample.
///
/// # Errors
/// If the run cannot be read, or the folder is somebody else's or cannot be written.
pub fn export_run(
    directory: &Path,
    target: &Path,
    settings: ExportSettings,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<ExportSummary, DatasetError> {
    let opened = OpenedRun::open(directory, settings.bootstrap)?;
    let mut description = Description::of(opened.run.manifest(), settings.with_images);
    let folder = DatasetFolder::begin(target, &description)?;
    let samples = write_samples(&opened, &folder, settings.with_images, on_progress)?;
    let mut table = TableWriter::new(&folder.root, "scores", scores::COLUMNS.to_vec(), Limits::TEXTS);
    scores::write_scores(&opened, &mut table)?;
    let scores = table.finish()?;
    let mut table = TableWriter::new(&folder.root, "evidence", evidence::COLUMNS.to_vec(), Limits::TEXTS);
    evidence::write_evidence(&opened.run, &mut table)?;
    let evidence = table.finish()?;
    let summary = ExportSummary { samples: samples.n_rows, scores: scores.n_rows, evidence: evidence.n_rows };
    let card =
        Card { opened: &opened, summary, with_images: settings.with_images, bootstrap: settings.bootstrap };
    folder.write(CARD, &render_card(&card)?)?;
    let tables = [samples.files, scores.files, evidence.files];
    description.files = tables.into_iter().flatten().chain([CARD.to_owned()]).collect::<BTreeSet<_>>();
    folder.finish(description)?;
    Ok(summary)
}

fn write_samples(
    opened: &OpenedRun,
    folder: &DatasetFolder,
    with_images: bool,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<WrittenTable, DatasetError> {
    let limits = if with_images { Limits::IMAGES } else { Limits::TEXTS };
    let mut table = TableWriter::new(&folder.root, "samples", samples::columns(with_images), limits);
    let manifest = opened.run.manifest();
    let model = manifest.label.as_ref().map(|label| label.as_str());
    let model = model.or_else(|| manifest.generation.get("model").map(String::as_str)).unwrap_or_default();
    SampleRows { run: &opened.run, model, with_images }.write(&mut table, on_progress)?;
    table.finish()
}
