//! A report on disk: the page with its pictures, every table in every form, every figure as SVG, PDF and PNG.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, ImageFormat, ImageNote, ImageRef, Pixels};
use imgeval_observe::StageEvent;
use imgeval_report::{
    diagnosis::DiagnosisView,
    figures::Figure,
    model::{ImageView, Report},
    page::{Originals, PageError, PageOptions, PageWriter, Written},
    tables::table_files,
};
use imgeval_scoring::{Examples, OpenedRun};
use imgeval_store::Images;
use imgeval_vision::{DecodeLimits, LITTLE_WORK, inspect_and_decode_for};
use rayon::prelude::*;

use super::{
    figures::{Confidences, all_figures, examples_figure},
    overlays::Overlays,
    rounds::{MOST_SHOWN, Rounds, put_rounds},
};
use crate::PagesError;

/// Fit for a paper.
const PAPER_DPI: u32 = 300;

/// The runs' directories.
pub(crate) struct RunImages(Vec<PathBuf>);

impl RunImages {
    pub(crate) fn of(runs: &[OpenedRun]) -> Self {
        Self(runs.iter().map(|opened| opened.run.directory().to_owned()).collect())
    }
}

impl Originals for RunImages {
    fn path(&self, run: usize, image: &ImageView) -> Option<PathBuf> {
        let (hash, format) =
            (ContentHash::parse(&image.hash)?, ImageFormat::from_extension(&image.extension)?);
        Some(Images::at(self.0.get(run)?).path(&ImageRef { hash, format }))
    }

    fn opaque_pixels(&self, bytes: &[u8]) -> Option<Pixels> {
        opaque_pixels(bytes)
    }
}

/// The pixels of a file as evaluators see them, if nothing of it is transparent.
pub(crate) fn opaque_pixels(bytes: &[u8]) -> Option<Pixels> {
    let image = inspect_and_decode_for(bytes, &DecodeLimits::default(), LITTLE_WORK).ok()?;
    (!image.notes.contains(&ImageNote::Alpha)).then_some(image.pixels)
}

/// How a report is written.
#[derive(Debug, Clone, Copy)]
pub struct ReportOptions {
    /// One file without originals and without overlays.
    pub single_file: bool,
    /// Draw where in each image that was measured something was found.
    pub overlays: bool,
}

/// What a page shows beside the scores of its runs.
#[derive(Default)]
pub struct BesideRuns<'a> {
    /// The sessions of runs whose cases have several rounds.
    pub rounds: Option<Rounds<'a>>,
    /// What [`super::read_diagnosis`] gave.
    pub diagnoses: Vec<(DiagnosisView, Vec<Figure>)>,
}

/// Writes everything into the folder `out`, with what diagnoses of their own found ([`super::read_diagnosis`]); also returns which of the examples asked for no run has.
///
/// # Errors
/// If a run cannot be read, or the folder is another's or cannot be written.
pub fn write_report(
    mut report: Report,
    runs: &[OpenedRun],
    out: &Path,
    options: ReportOptions,
    mut examples: Examples,
    beside: BesideRuns<'_>,
    tell: &mut dyn FnMut(StageEvent<'_>),
) -> Result<(Written, Vec<String>), PagesError> {
    let originals = RunImages::of(runs);
    let mut page = PageWriter::create(out, PageOptions { single_file: options.single_file }, &originals)?;
    let mut confidences = Confidences::default();
    for (index, run) in runs.iter().enumerate() {
        let draws = options.overlays && !options.single_file && run.run.all_measured()?.holds_measures();
        let mut overlays = draws.then(|| Overlays::draw(&page, index, run, tell)).transpose()?;
        if let Some(overlays) = &mut overlays {
            overlays.give_figures(&mut report);
        }
        run.for_each_sample(index, |mut view| -> Result<(), PagesError> {
            if let Some(overlays) = &mut overlays {
                overlays.give(&mut view);
            }
            examples.offer(&view);
            confidences.add(&view);
            Ok(page.add(&view)?)
        })?;
    }
    let (examples, not_found) = examples.finish();
    let pictures: Result<Vec<_>, _> = examples
        .iter()
        .map(|view| view.image.as_ref().map_or(Ok(None), |image| page.thumbnail(image)))
        .collect();
    // Files beside a page in one file would be seen by nobody.
    let most_shown = if options.single_file { 0 } else { MOST_SHOWN };
    let BesideRuns { rounds, diagnoses } = beside;
    let of_rounds = rounds.map(|rounds| put_rounds(&page, &mut report, rounds, most_shown, &mut |_, _| {}));
    let mut figures = all_figures(&report, &confidences);
    figures.extend(of_rounds.transpose()?.unwrap_or_default());
    figures.extend(examples_figure(&examples, pictures?));
    for (mut diagnosis, drawn) in diagnoses {
        diagnosis.figures.iter_mut().for_each(|place| *place += figures.len());
        report.diagnoses.push(diagnosis);
        figures.extend(drawn);
    }
    make_names_unique(&mut figures);
    render_figures(&figures, |name, bytes| Ok(page.put("figures", name, bytes)?))?;
    write_tables(&page, &report)?;
    Ok((page.finish(&report, &figures)?, not_found))
}

/// Everything but the examples.
pub(crate) fn page_figures(report: &Report, confidences: &Confidences) -> Vec<Figure> {
    let mut figures = all_figures(report, confidences);
    make_names_unique(&mut figures);
    figures
}

/// Names become files, and may come from runs.
pub(super) fn make_names_unique(figures: &mut [Figure]) {
    let mut seen = BTreeSet::new();
    for figure in figures {
        let stem = figure.name.clone();
        let mut number = 2;
        while !seen.insert(figure.name.clone()) {
            figure.name = format!("{stem}-{number}");
            number += 1;
        }
    }
}

/// SVG, PDF and PNG of each, by name.
pub(super) fn render_figures(
    figures: &[Figure],
    put: impl Fn(&str, &[u8]) -> Result<(), PagesError> + Sync,
) -> Result<(), PagesError> {
    figures.par_iter().try_for_each(|figure| {
        put(&format!("{}.svg", figure.name), figure.svg.as_bytes())?;
        let refuse = |source| PagesError::Draw { name: figure.name.clone(), source };
        put(&format!("{}.pdf", figure.name), &figure.render_pdf().map_err(refuse)?)?;
        put(&format!("{}.png", figure.name), &figure.render_png(PAPER_DPI).map_err(refuse)?)
    })
}

pub(super) fn write_tables(page: &PageWriter<'_>, report: &Report) -> Result<(), PageError> {
    table_files(report).iter().try_for_each(|file| page.put("tables", &file.name, file.text.as_bytes()))
}
