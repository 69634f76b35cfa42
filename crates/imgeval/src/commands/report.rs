//! `imgeval report`: page, tables and figures of one or several runs.

use anyhow::Result;
use imgeval_report::{
    model::Board,
    tables::{
        TableOptions, render_board_csv, render_board_json, render_board_latex, render_board_markdown,
        render_board_text,
    },
};
use rayon::prelude::*;

use crate::{
    args::reporting::{ReportArgs, TableFormat},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
    report::{Assembly, OpenedRun, check_allowed},
};

pub(super) fn report(args: &ReportArgs, printer: Printer) -> Result<Exit> {
    let settings = args.comparing.settings();
    let opened: Result<Vec<OpenedRun>> =
        args.runs.par_iter().map(|run| OpenedRun::open(run, settings)).collect();
    let mut runs = opened?;
    check_allowed(&args.comparing.allow, &runs.iter().collect::<Vec<_>>())?;
    let assembly =
        Assembly { title: None, with_published: !args.no_published, allow: &args.comparing.allow, settings };
    let report = assembly.assemble(&mut runs);
    let tables = render_boards(&report.boards, args.format, TableOptions { intervals: args.intervals });
    if tables.is_empty() {
        return Err(CommandError::nothing("the runs are of no suite that has a score table").into());
    }
    printer.data(tables)?;
    Ok(Exit::Ok)
}

fn render_boards(boards: &[Board], format: TableFormat, options: TableOptions) -> String {
    let one = |board: &Board| match format {
        TableFormat::Text => render_board_text(board, options),
        TableFormat::Markdown => render_board_markdown(board, options),
        TableFormat::Latex => render_board_latex(board, options),
        TableFormat::Csv => render_board_csv(board, options),
        TableFormat::Json => String::new(),
    };
    match (boards, format) {
        ([], _) => String::new(),
        (_, TableFormat::Json) => render_board_json(boards),
        _ => boards.iter().map(one).collect::<Vec<_>>().join("\n"),
    }
}
