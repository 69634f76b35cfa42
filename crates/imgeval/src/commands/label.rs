//! `imgeval label`: a page on which people score the images of a run.

use anyhow::{Context as _, Result};
use imgeval_core::sentence_of;
use imgeval_pages::{LabelEvent, LabelOptions, Session, check_rater, run_label_page};

use super::holder;
use crate::{args::judging::LabelArgs, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn label(args: &LabelArgs, printer: Printer) -> Result<Exit> {
    let rater = args.rater.as_deref().map(check_rater).transpose();
    let rater = rater.map_err(|error| CommandError::usage(error.to_string()))?;
    let session = Session::open(&args.run, &holder("label"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("could not start the server threads")?;
    let options = LabelOptions { port: args.port, rater };
    runtime.block_on(async {
        tokio::select! {
            ended = run_label_page(session, options, move |event| tell(event, printer)) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })?;
    // A label that is just being written is written to its end.
    drop(runtime);
    printer.talk("label: stopped; every label that the page showed as saved is in the run");
    Ok(Exit::Ok)
}

fn tell(event: LabelEvent<'_>, printer: Printer) {
    match event {
        LabelEvent::Listening { address, query, n_images } => printer.insist(format_args!(
            "label: http://{address}/{query} shows {n_images} images; Ctrl-C stops, every label is saved at once"
        )),
        LabelEvent::ImageUnreadable(error) => {
            printer.insist(format_args!("label: cannot show an image: {}", sentence_of(error)));
        }
        LabelEvent::RunUnusable(error) => printer.insist(format_args!("label: {}", sentence_of(error))),
    }
}
