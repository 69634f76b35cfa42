//! `imgeval label`: a page on which people score the images of a run.

use anyhow::{Context as _, Result};

use super::holder;
use crate::{
    args::judging::LabelArgs,
    exit_code::Exit,
    label::{Session, serve},
    printer::Printer,
};

pub(super) fn label(args: &LabelArgs, printer: Printer) -> Result<Exit> {
    let session = Session::open(&args.run, &holder("label"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("could not start the threads of the server")?;
    runtime.block_on(async {
        tokio::select! {
            ended = serve(session, args.port, args.rater.as_deref(), printer) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })?;
    Ok(Exit::Ok)
}
