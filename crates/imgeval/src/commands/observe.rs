//! `imgeval observe`: the detector looks at every image that it has not seen yet.

use std::{num::NonZeroUsize, path::Path, thread};

use anyhow::Result;
use imgeval_core::Pixels;
use imgeval_runner::{ObserveSummary, Observer, observe_images};
use imgeval_store::RunWriter;
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};

use super::holder;
use crate::{
    args::ObserveArgs, exit_code::Exit, failure::CommandError, observers::load_observer, printer::Printer,
    scored_run::ScoredRun,
};

pub(super) fn observe(args: &ObserveArgs, printer: Printer) -> Result<Exit> {
    let observer = load_observer(&args.detector)?;
    let summary = observe_stage(&args.run, &observer, &holder("observe"), printer)?;
    if summary.observed + summary.failed == 0
        && ScoredRun::open_unobserved(&args.run)?.coverage()?.usable == 0
    {
        let hint = "import usable images first";
        return Err(CommandError::nothing("the run holds no usable image").with_hint(hint).into());
    }
    Ok(if summary.failed > 0 { Exit::Partial } else { Exit::Ok })
}

pub(super) fn observe_stage(
    run: &Path,
    observer: &Observer,
    holder: &str,
    printer: Printer,
) -> Result<ObserveSummary> {
    let mut run = RunWriter::open(run, holder)?;
    // Whether an image is too large was decided when it was imported.
    let limits = DecodeLimits { max_pixels: u64::MAX };
    let decode = |bytes: &[u8]| -> Result<Pixels, _> {
        inspect_and_decode(bytes, &limits).map(|image| image.pixels).map_err(|error| error.failure())
    };
    let workers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut progress = printer.progress("observe");
    let result = observe_images(&mut run, observer, workers, &decode, &mut |event| progress.show(event));
    progress.finish();
    let summary = result?;
    printer.talk(format_args!(
        "observe: {} images looked at by {}, {} failed",
        summary.observed,
        observer.meta().title,
        summary.failed
    ));
    Ok(summary)
}
