//! `imgeval serve`: the report page while its runs are in progress, or an index of a folder of runs.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use imgeval_core::sentence_of;
use imgeval_pages::{FolderOfRuns, RunsOnDisk, ViewerEvent, ViewerOptions, run_folder_viewer, run_viewer};
use imgeval_scoring::{find_runs, is_run};

use crate::{advice::explain_report, args::reporting::ServeArgs, exit_code::Exit, printer::Printer};

pub(super) fn serve(args: &ServeArgs, printer: Printer) -> Result<Exit> {
    let comparing = &args.comparing;
    let (allow, settings) = (&comparing.allow, comparing.settings());
    let options = ViewerOptions { host: args.host, port: args.port, every: Duration::from_secs(args.every) };
    let runtime = tokio::runtime::Runtime::new().context("could not start the server")?;
    if let [folder] = args.runs.as_slice()
        && is_folder_of_runs(folder)
    {
        let title = folder.display().to_string();
        let folder = FolderOfRuns::new(folder, allow, settings, explain_report);
        runtime.block_on(run_folder_viewer(folder, title, options, move |event| tell(event, printer)))?;
    } else {
        let runs = RunsOnDisk::open(&args.runs, allow, settings, explain_report)?;
        runtime.block_on(run_viewer(runs, options, move |event| tell(event, printer)))?;
    }
    Ok(Exit::Ok)
}

fn is_folder_of_runs(folder: &Path) -> bool {
    !is_run(folder) && !find_runs(folder).is_empty()
}

fn tell(event: ViewerEvent<'_>, printer: Printer) {
    match event {
        ViewerEvent::Listening { address } => {
            printer.insist(format_args!(
                "serve: http://{address}/ shows the runs as they grow; press Ctrl-C to stop"
            ));
            if !address.ip().is_loopback() {
                printer.insist(format_args!(
                    "serve: anyone who can reach {address} can see every image, prompt and reply of these runs; there is no password"
                ));
            }
        }
        ViewerEvent::RunsUnreadable(error) => {
            printer.insist(format_args!("serve: cannot read the runs: {}", sentence_of(error)));
        }
        ViewerEvent::DataUnreadable(error) => {
            printer.insist(format_args!("serve: {}", sentence_of(error)));
        }
    }
}
