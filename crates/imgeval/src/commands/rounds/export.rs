//! `imgeval rounds export`.

use anyhow::Result;
use imgeval_core::{counted, visible};
use imgeval_files::output_folder;
use imgeval_report::schema::Schema;
use imgeval_rounds::{Exported, export_sessions, gather_edits};
use serde_json::json;

use crate::{args::rounds::RoundsExportArgs, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn export(args: &RoundsExportArgs, printer: Printer) -> Result<Exit> {
    let benchmark = args.benchmark.benchmark();
    let sessions = gather_edits(&args.places)?;
    let out = output_folder(&args.out)?;
    let exported = export_sessions(benchmark, &sessions, &out)?;
    let Exported { n_sessions, files, left_out } = &exported;
    if args.json {
        let left_out = left_out.iter().map(
            |of| json!({"model": of.model, "session": of.session, "round": of.round, "reason": of.reason}),
        );
        let document = Schema::RoundsExport.stamp(json!({
            "benchmark": benchmark.id(),
            "folder": args.out.to_string_lossy(),
            "n_sessions": n_sessions,
            "files": files,
            "left_out": left_out.collect::<Vec<_>>(),
        }));
        printer.data(format_args!("{document:#}\n"))?;
    }
    for of in left_out {
        printer.warn(format_args!(
            "export: round {} of {} by {} skipped: {}",
            of.round,
            visible(&of.session),
            visible(&of.model),
            visible(&of.reason)
        ));
    }
    if files.is_empty() {
        return Err(CommandError::nothing("no images to export").into());
    }
    printer.talk(format_args!(
        "export: {} of {} in {}",
        counted(files.len(), "image"),
        counted(*n_sessions, "session"),
        args.out.display()
    ));
    Ok(if left_out.is_empty() { Exit::Ok } else { Exit::Partial })
}
