//! `imgeval rounds sessions`.

use anyhow::Result;
use imgeval_core::{counted, visible};
use imgeval_report::schema::Schema;
use imgeval_rounds::{WrittenCases, sessions_json, sessions_table, write_cases};
use serde_json::json;

use super::read_benchmark;
use crate::{args::rounds::SessionsArgs, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn sessions(args: &SessionsArgs, printer: Printer) -> Result<Exit> {
    let benchmark = args.benchmark.benchmark();
    let mut sessions = read_benchmark(args.benchmark, &args.path, args.images.as_deref())?;
    if args.single_turns {
        let single = benchmark.single_turns(&sessions, &args.path);
        sessions = single.ok_or_else(|| {
            CommandError::usage(format!("{} has no turns that are edited individually", benchmark.id()))
        })?;
    }
    let written = args.out.as_deref().map(|out| write_cases(&sessions, out)).transpose()?;
    if args.json {
        let mut document = sessions_json(benchmark, &sessions);
        document["cases"] = written.as_ref().map_or(serde_json::Value::Null, |written| {
            json!({
                "file": args.out.as_ref().map(|out| out.to_string_lossy()),
                "n_cases": written.n_cases,
                "n_images": written.n_images,
                "left_out": written.left_out.iter()
                    .map(|(session, reason)| json!({"session": session, "reason": reason}))
                    .collect::<Vec<_>>(),
            })
        });
        printer.data(format_args!("{:#}\n", Schema::RoundsSessions.stamp(document)))?;
    } else if written.is_none() {
        printer.table(&sessions_table(benchmark, &sessions))?;
    }
    let (Some(WrittenCases { n_cases, left_out, .. }), Some(out)) = (written, &args.out) else {
        return Ok(Exit::Ok);
    };
    if let Some((session, reason)) = left_out.first() {
        let n = counted(left_out.len(), "session");
        printer.warn(format_args!(
            "sessions: {n} skipped without a source image, first {}: {}",
            visible(session),
            visible(reason)
        ));
    }
    if n_cases == 0 {
        return Err(CommandError::nothing("no session has a source image, so no case was written").into());
    }
    printer.talk(format_args!("sessions: {} in {}", counted(n_cases, "case"), out.display()));
    Ok(if left_out.is_empty() { Exit::Ok } else { Exit::Partial })
}
