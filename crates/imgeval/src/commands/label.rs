//! `imgeval label`: a page on which people score the images of a run.

use anyhow::{Context as _, Result};

use super::holder;
use crate::{
    args::judging::LabelArgs,
    exit_code::Exit,
    failure::CommandError,
    label::{Session, check_rater, serve},
    printer::Printer,
};

pub(super) fn label(args: &LabelArgs, printer: Printer) -> Result<Exit> {
    let rater = args.rater.as_deref().map(check_rater).transpose().map_err(CommandError::usage)?;
    let session = Session::open(&args.run, &holder("label"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("could not start the threads of the server")?;
    runtime.block_on(async {
        tokio::select! {
            ended = serve(session, args.port, rater, printer) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })?;
    // A label that is just being written is written to its end.
    drop(runtime);
    printer.talk("label: ended; every label that the page called saved is in the run");
    Ok(Exit::Ok)
}
