//! `imgeval merge`: joins the runs that several machines filled.

use anyhow::Result;
use imgeval_core::counted;
use imgeval_store::{MergeSummary, RunReader, RunWriter};

use super::holder;
use crate::{args::scoring::MergeArgs, exit_code::Exit, printer::Printer};

pub(super) fn merge(args: &MergeArgs, printer: Printer) -> Result<Exit> {
    // All of them are opened first: one that cannot be read stops the work before it begins.
    let parts = args.parts.iter().map(|part| RunReader::open(part)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = parts.first() else { return Ok(Exit::NothingFound) };
    let mut run = RunWriter::create_or_open(&args.run, first.manifest(), &holder("merge"))?;
    for part in &parts {
        let MergeSummary { samples, observations, calls, images } = run.merge(part)?;
        let added = [(samples, "sample"), (observations, "observation"), (calls, "call"), (images, "image")];
        let added: Vec<String> = added.iter().map(|(n, what)| counted(*n, what)).collect();
        printer.talk(format_args!("merge: {}: added {}", part.directory().display(), added.join(", ")));
    }
    printer.talk(format_args!("run: {}", args.run.display()));
    Ok(Exit::Ok)
}
