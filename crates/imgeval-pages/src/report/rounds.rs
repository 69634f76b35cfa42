//! Sessions of edits on a page: their images and figures.

use std::path::Path;

use imgeval_report::{
    diagnosis::{Diagnosis, DiagnosisKind},
    figures::{Figure, FigureSection},
    model::{ImageView, Report},
    page::{Originals, PageOptions, PageWriter, Written},
    rounds::RoundsView,
    summary::summarize_rounds,
    tables::rounds_tables,
};
use imgeval_rounds::{Drawn, MeasuredSession, Session, draw_session, rounds_figures, strips};
use rayon::prelude::*;

use super::{
    diagnosis::keep_document,
    written::{make_names_unique, render_figures, write_tables},
};
use crate::PagesError;

const FOLDER: &str = "overlays";
/// Of more sessions the page shows numbers alone.
pub(super) const MOST_SHOWN: usize = 60;
/// Sessions that have a strip as a figure of its own.
const MOST_STRIPS: usize = 12;
/// Sessions are drawn side by side, and written after so many.
const AT_ONCE: usize = 4;

/// Sessions with what was measured of them, one by one.
#[derive(Clone, Copy)]
pub struct Rounds<'a> {
    pub sessions: &'a [Session],
    pub measured: &'a [MeasuredSession],
}

pub(super) struct NoOriginals;

impl Originals for NoOriginals {
    fn path(&self, _run: usize, _image: &ImageView) -> Option<std::path::PathBuf> {
        None
    }
}

/// Makes the folder of a page, or takes over one that holds a page, so that other files can be kept below it.
///
/// # Errors
/// If the folder is another's or cannot be written.
pub fn claim_folder(out: &Path) -> Result<(), PagesError> {
    PageWriter::create(out, PageOptions { single_file: false }, &NoOriginals)?;
    Ok(())
}

/// Writes a page that shows sessions alone, with its figures, and what [`super::read_diagnosis`] reads.
///
/// # Errors
/// If the folder is another's or cannot be written.
pub fn write_rounds_page(
    title: &str,
    view: RoundsView,
    rounds: Rounds<'_>,
    out: &Path,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Written, PagesError> {
    let mut diagnosis = Diagnosis {
        title: title.to_owned(),
        kind: DiagnosisKind::Rounds,
        findings: view.comparisons.iter().map(|comparison| comparison.conclusion.clone()).collect(),
        summary: Some(summarize_rounds(&view)),
        text: String::new(),
        tables: rounds_tables(&view),
        figures: Vec::new(),
    };
    diagnosis.findings.extend(view.notes.iter().cloned());
    let mut report = Report {
        title: title.to_owned(),
        tool: format!("imgeval {}", env!("CARGO_PKG_VERSION")),
        rounds: Some(view),
        ..Report::default()
    };
    let page = PageWriter::create(out, PageOptions { single_file: false }, &NoOriginals)?;
    let mut figures = put_rounds(&page, &mut report, rounds, MOST_SHOWN, tell)?;
    make_names_unique(&mut figures);
    render_figures(&figures, |name, bytes| Ok(page.put("figures", name, bytes)?))?;
    write_tables(&page, &report)?;
    let written = page.finish(&report, &figures)?;
    diagnosis.figures = figures;
    keep_document(diagnosis.view(0), &diagnosis.figures, out)?;
    Ok(written)
}

/// Puts images of the report's first `most_shown` sessions beside the page, and returns the figures. A report without sessions has
/// none.
pub(super) fn put_rounds(
    page: &PageWriter<'_>,
    report: &mut Report,
    rounds: Rounds<'_>,
    most_shown: usize,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Figure>, PagesError> {
    let Some(view) = &mut report.rounds else { return Ok(Vec::new()) };
    let in_rounds = |figure: Figure| figure.in_section(FigureSection::Rounds);
    let mut figures: Vec<Figure> = rounds_figures(view).into_iter().map(in_rounds).collect();
    let n_all = view.sessions.len();
    let n_shown = n_all.min(most_shown);
    if n_shown < n_all {
        view.notes.push(match n_shown {
            0 => {
                "A page in one file holds no images of sessions; the figures show the first ones.".to_owned()
            }
            _ => format!("Images of the first {n_shown} of {n_all} sessions are shown."),
        });
    }
    let n_drawn = n_all.min(most_shown.max(MOST_STRIPS));
    let places: Vec<Vec<usize>> = view.sessions[..n_drawn]
        .iter()
        .map(|session| session.models.iter().map(|model| model.place).collect())
        .collect();
    for (chunk, some) in places.chunks(AT_ONCE).enumerate() {
        let draw = |place: &usize| draw_session(&rounds.sessions[*place], &rounds.measured[*place]);
        let drawn: Vec<Vec<Drawn>> =
            some.par_iter().map(|models| models.iter().map(draw).collect()).collect();
        for (offset, drawn) in drawn.iter().enumerate() {
            let number = chunk * AT_ONCE + offset;
            if number < n_shown {
                put_session(page, view, number, drawn)?;
            }
            if number < MOST_STRIPS {
                figures.push(in_rounds(strips(view, &view.sessions[number], drawn)));
            }
            tell(number + 1, n_drawn);
        }
    }
    Ok(figures)
}

fn put_session(
    page: &PageWriter<'_>,
    view: &mut RoundsView,
    number: usize,
    drawn: &[Drawn],
) -> Result<(), PagesError> {
    let put = |name: String, bytes: &Option<Vec<u8>>| -> Result<String, PagesError> {
        let Some(bytes) = bytes else { return Ok(String::new()) };
        let name = format!("session-{number}-{name}.jpg");
        page.put(FOLDER, &name, bytes)?;
        Ok(format!("{FOLDER}/{name}"))
    };
    let session = &mut view.sessions[number];
    if let Some(first) = drawn.first() {
        session.source = put("source".to_owned(), &first.source)?;
    }
    for (model, (of_model, drawn)) in session.models.iter_mut().zip(drawn).enumerate() {
        for (round, (of_round, drawn)) in of_model.rounds.iter_mut().zip(&drawn.rounds).enumerate() {
            let named = |kind: &str| format!("{model}-{}-{kind}", round + 1);
            of_round.image = put(named("image"), &drawn.image)?;
            of_round.aligned = put(named("aligned"), &drawn.aligned)?;
            of_round.change = put(named("change"), &drawn.change)?;
        }
    }
    Ok(())
}
