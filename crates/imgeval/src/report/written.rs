//! A report on disk: the page with its pictures, every table in every form, every figure as SVG and PNG.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use imgeval_core::{ContentHash, ImageFormat, ImageNote, Pixels};
use imgeval_report::{
    figures::Figure,
    model::{ImageView, Report},
    page::{Originals, PageOptions, PageWriter, Written},
    tables::{
        TableOptions, render_board_csv, render_board_json, render_board_latex, render_board_markdown,
        render_board_text, render_comparison_csv, render_comparison_json, render_comparison_latex,
        render_comparison_markdown, render_comparison_text,
    },
};
use imgeval_store::image_path;
use imgeval_vision::{DecodeLimits, LITTLE_WORK, inspect_and_decode_for};
use rayon::prelude::*;

use super::{
    Examples, OpenedRun,
    figures::{Confidences, all_figures, examples_figure},
};

/// Fit for a paper.
const PAPER_DPI: u32 = 300;
/// Every table with its intervals; without them they can be printed.
const TABLES: TableOptions = TableOptions { intervals: true };

/// The runs' directories.
pub(crate) struct RunImages(Vec<PathBuf>);

impl RunImages {
    pub(crate) fn of(runs: &[OpenedRun]) -> Self {
        Self(runs.iter().map(|run| run.directory.clone()).collect())
    }
}

impl Originals for RunImages {
    fn path(&self, run: usize, image: &ImageView) -> Option<PathBuf> {
        let hash = ContentHash::parse(&image.hash)?;
        Some(image_path(self.0.get(run)?, &hash, ImageFormat::from_extension(&image.extension)?))
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

/// Writes everything into the folder `out`; also returns which of the examples asked for no run has.
///
/// # Errors
/// If a run cannot be read, or the folder is another's or cannot be written.
pub(crate) fn write_report(
    report: &Report,
    runs: &[OpenedRun],
    out: &Path,
    single_file: bool,
    mut examples: Examples,
) -> Result<(Written, Vec<String>)> {
    let originals = RunImages::of(runs);
    let mut page = PageWriter::create(out, PageOptions { single_file }, &originals)?;
    let mut confidences = Confidences::default();
    for (index, run) in runs.iter().enumerate() {
        run.for_each_sample(index, &mut |view| {
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
    let mut figures = all_figures(report, &confidences);
    figures.extend(examples_figure(&examples, pictures?));
    make_names_unique(&mut figures);
    let written = page.finish(report, &figures)?;
    fresh_folder(&out.join("figures"))?;
    write_figures(&out.join("figures"), &figures)?;
    write_tables(&out.join("tables"), report)?;
    Ok((written, not_found))
}

/// Everything but the examples.
pub(crate) fn page_figures(report: &Report, confidences: &Confidences) -> Vec<Figure> {
    let mut figures = all_figures(report, confidences);
    make_names_unique(&mut figures);
    figures
}

/// Names become files, and may come from runs.
pub(crate) fn make_names_unique(figures: &mut [Figure]) {
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

/// SVG and PNG of each.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write_figures(folder: &Path, figures: &[Figure]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("could not create `{}`", folder.display()))?;
    figures.par_iter().try_for_each(|figure| {
        write(&folder.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
        let png =
            figure.render_png(PAPER_DPI).with_context(|| format!("could not draw `{}`", figure.name))?;
        write(&folder.join(format!("{}.png", figure.name)), &png)
    })
}

fn write_tables(folder: &Path, report: &Report) -> Result<()> {
    fresh_folder(folder)?;
    for board in &report.boards {
        let name = |extension: &str| folder.join(format!("{}.{extension}", board.suite));
        write(&name("txt"), render_board_text(board, TABLES).as_bytes())?;
        write(&name("md"), render_board_markdown(board, TABLES).as_bytes())?;
        write(&name("tex"), render_board_latex(board, TABLES).as_bytes())?;
        write(&name("csv"), render_board_csv(board, TABLES).as_bytes())?;
    }
    write(&folder.join("scores.json"), render_board_json(&report.boards).as_bytes())?;
    for (place, comparison) in report.comparisons.iter().enumerate() {
        let name = |extension: &str| folder.join(format!("comparison-{}.{extension}", place + 1));
        write(&name("txt"), render_comparison_text(comparison).as_bytes())?;
        write(&name("md"), render_comparison_markdown(comparison).as_bytes())?;
        write(&name("tex"), render_comparison_latex(comparison).as_bytes())?;
        write(&name("csv"), render_comparison_csv(comparison).as_bytes())?;
    }
    write(&folder.join("comparisons.json"), render_comparison_json(&report.comparisons).as_bytes())
}

/// Without what an earlier report left there.
fn fresh_folder(folder: &Path) -> Result<()> {
    let context = || format!("could not write `{}`", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(context)?;
    }
    fs::create_dir_all(folder).with_context(context)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("could not write `{}`", path.display()))
}
