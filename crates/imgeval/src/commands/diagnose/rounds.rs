//! `imgeval diagnose rounds`.

use std::path::Path;

use anyhow::Result;
use imgeval_core::counted;
use imgeval_pages::{Rounds, claim_folder, write_rounds_page};
use imgeval_report::{
    schema::Schema,
    tables::{rounds_json, rounds_tables},
};
use imgeval_rounds::{MEASURES, MeasureStore, codec_sessions, gather, gather_outputs};
use imgeval_runner::Progress;

use crate::{
    args::diagnose::RoundsArgs,
    commands::{
        rounds::read_benchmark,
        session_measures::{eyes_of, measure, store_of_run, sum_up},
    },
    exit_code::Exit,
    printer::Printer,
};

pub(super) fn rounds(args: &RoundsArgs, printer: Printer) -> Result<Exit> {
    let mut sessions = match (args.layout, &args.data) {
        (Some(layout), Some(data)) => {
            let known = read_benchmark(layout, data, args.images.as_deref())?;
            gather_outputs(layout.benchmark(), &known, &args.places)?
        }
        _ => gather(&args.places)?,
    };
    if args.controls {
        let controls = codec_sessions(&sessions);
        sessions.extend(controls);
    }
    let store = match &args.out {
        Some(out) => {
            // The page's folder is made first, because it takes over no folder of others.
            claim_folder(out)?;
            MeasureStore::at(&out.join(MEASURES))?
        }
        None => match args.places.as_slice() {
            [run] if Path::new(run).join("run.toml").is_file() => {
                MeasureStore::at(&store_of_run(Path::new(run)))?
            }
            _ => MeasureStore::default(),
        },
    };
    let eyes = eyes_of(args.detector().as_ref(), printer)?;
    let measured = measure(&sessions, &eyes, &store, printer)?;
    let view = sum_up(&sessions, &measured, &eyes, args.settings());
    let n_broken = measured.iter().filter(|session| !session.problem.is_empty()).count();
    match args.json {
        true => {
            let document = Schema::Rounds.stamp(rounds_json(&view)?);
            printer.data(format_args!("{document:#}\n"))?;
        }
        false => printer.tables(rounds_tables(&view))?,
    }
    if let Some(out) = &args.out {
        let rounds = Rounds { sessions: &sessions, measured: &measured };
        let mut progress = printer.progress("draw sessions", "session");
        let written = write_rounds_page("Rounds of edits", view, rounds, out, &mut |done, total| {
            if done == 1 {
                progress.show(Progress::Planned { total, finished: 0 });
            }
            progress.show(Progress::Advanced { has_failed: false });
        });
        progress.finish();
        let page = written?.page;
        printer.talk(format_args!(
            "rounds: open {} for {}",
            page.display(),
            counted(sessions.len(), "session")
        ));
    }
    Ok(if n_broken > 0 { Exit::Partial } else { Exit::Ok })
}
