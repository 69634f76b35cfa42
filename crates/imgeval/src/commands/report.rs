//! `imgeval report`: page, tables and figures of one or several runs.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{counted, visible};
use imgeval_pages::{BesideRuns, ReportOptions, Rounds, claim_folder, read_diagnosis, write_report};
use imgeval_report::{
    model::Board,
    page::Written,
    tables::{
        TableOptions, board_table, render_board_csv, render_board_json, render_board_latex,
        render_board_markdown, render_board_text,
    },
};

use imgeval_rounds::{MEASURES, MeasureStore, MeasuredSession, Session, sessions_of_run};
use imgeval_scoring::{Assembly, Examples, OpenedRun, check_allowed};
use imgeval_vision::image_file::DecodeLimits;

use super::{
    color_reference::color_reference,
    measure::ShownStage,
    session_measures::{Eyes, eyes_of, measure, sum_up},
};
use crate::{
    advice::explain_report,
    args::reporting::{ReportArgs, TableFormat},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn report(args: &ReportArgs, printer: Printer) -> Result<Exit> {
    let settings = args.comparing.settings();
    let limits = DecodeLimits::default();
    let reference = args.reference.as_deref().map(|place| color_reference(place, &limits, printer));
    let reference = reference.transpose()?;
    let mut runs = OpenedRun::open_all(&args.runs, settings)?;
    check_allowed(&args.comparing.allow, &runs.iter().collect::<Vec<_>>())?;
    let assembly = Assembly {
        title: args.title.as_deref(),
        with_published: !args.no_published,
        allow: &args.comparing.allow,
        settings,
        reference: reference.as_ref(),
    };
    let mut report = assembly.assemble(&mut runs)?;
    explain_report(&mut report);
    if let Some(format) = args.format {
        if report.boards.is_empty() {
            return Err(
                CommandError::nothing("none of the runs belongs to a suite with a score table").into()
            );
        }
        let options = TableOptions { intervals: args.intervals };
        match format {
            TableFormat::Text => {
                printer.tables(report.boards.iter().map(|board| board_table(board, options)))?;
            }
            format => printer.data(render_boards(&report.boards, format, options))?,
        }
    }
    let Some(out) = &args.out else { return Ok(Exit::Ok) };
    let examples = Examples::new(&args.examples, args.examples_seed);
    let sessions = sessions_of(&runs)?;
    let mut measured = Vec::new();
    if !sessions.is_empty() {
        let eyes = eyes_of(Some(&args.models.small_detector()), printer)?;
        measured = measure_into(&sessions, &eyes, out, printer)?;
        report.rounds = Some(sum_up(&sessions, &measured, &eyes, settings));
    }
    let rounds = Rounds { sessions: &sessions, measured: &measured };
    let diagnoses = args.diagnosis.iter().map(|folder| read_diagnosis(folder));
    let diagnoses = diagnoses.collect::<Result<Vec<_>, _>>()?;
    let beside = BesideRuns { rounds: Some(rounds), diagnoses };
    let options = ReportOptions { single_file: args.single_file, overlays: !args.no_overlays };
    let mut shown = ShownStage::new("overlays", printer);
    let written = write_report(report, &runs, out, options, examples, beside, &mut |event| {
        shown.show(event);
    });
    shown.finish();
    let (written, not_found) = written?;
    tell(&written, &not_found, printer);
    Ok(if written.n_broken > 0 || !not_found.is_empty() { Exit::Partial } else { Exit::Ok })
}

/// The sessions of runs whose cases have several rounds.
fn sessions_of(runs: &[OpenedRun]) -> Result<Vec<Session>> {
    let has_rounds = |run: &&OpenedRun| run.run.cases().values().any(|case| case.rounds.len() > 1);
    let mut sessions = Vec::new();
    for run in runs.iter().filter(has_rounds) {
        sessions.extend(sessions_of_run(&run.run, Some(&run.view.name))?);
    }
    Ok(sessions)
}

/// Measures sessions, and keeps below the page's folder what was measured.
fn measure_into(
    sessions: &[Session],
    eyes: &Eyes,
    out: &Path,
    printer: Printer,
) -> Result<Vec<MeasuredSession>> {
    claim_folder(out)?;
    measure(sessions, eyes, &MeasureStore::at(&out.join(MEASURES))?, printer)
}

fn tell(written: &Written, not_found: &[String], printer: Printer) {
    printer.talk(format_args!(
        "report: open {} to see {} with {}",
        written.page.display(),
        counted(written.n_samples, "sample"),
        counted(written.n_images, "different image")
    ));
    if written.n_left_over > 0 {
        printer.warn(format_args!(
            "{} files were left in its folders: an earlier version did not list the files it wrote, so none was deleted",
            written.n_left_over
        ));
    }
    if written.n_broken > 0 {
        let images = counted(written.n_broken, "image");
        printer.warn(format_args!("{images} cannot be shown; the page says why"));
    }
    if !not_found.is_empty() {
        let ids: Vec<String> = not_found.iter().map(|id| visible(id)).collect();
        printer.insist(format_args!("no run contains an image of {}", ids.join(", ")));
    }
}

fn render_boards(boards: &[Board], format: TableFormat, options: TableOptions) -> String {
    let one = |board: &Board| match format {
        TableFormat::Text => render_board_text(board, options),
        TableFormat::Markdown => render_board_markdown(board, options),
        TableFormat::Latex => render_board_latex(board, options),
        TableFormat::Csv => render_board_csv(board, options),
        TableFormat::Json => String::new(),
    };
    match format {
        TableFormat::Json => render_board_json(boards),
        _ => boards.iter().map(one).collect::<Vec<_>>().join("\n"),
    }
}
