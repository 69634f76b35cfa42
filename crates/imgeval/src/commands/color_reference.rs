//! Images whose colors those of a run are compared with.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{CaseId, visible};
use imgeval_diagnose::collect::ImageItem;
use imgeval_observe::measures::mean_lab;
use imgeval_scoring::ColorReference;
use imgeval_vision::image_file::{DecodeLimits, load_image};

use super::diagnose::images_of;
use crate::{failure::CommandError, printer::Printer};

/// The mean colors of a run's or folder's images; unreadable ones are reported and skipped.
pub(super) fn color_reference(
    place: &str,
    limits: &DecodeLimits,
    printer: Printer,
) -> Result<ColorReference> {
    let items = images_of(place, printer)?;
    let is_run = Path::new(place).join("run.toml").is_file();
    let mean = |item: &ImageItem| -> Result<_, String> {
        let image = load_image(&item.path, limits).map_err(|error| error.failure().detail)?;
        // Cases are named before the number of the sample.
        let case = is_run.then(|| item.name.rsplit_once('/')).flatten();
        Ok((case.map(|(case, _)| CaseId::new(case)), mean_lab(&image.pixels)))
    };
    let mut reference = ColorReference { name: name_of(Path::new(place)), means: Vec::new() };
    for item in &items {
        match mean(item) {
            Ok(mean) => reference.means.push(mean),
            Err(detail) => printer.warn(format_args!("`{}`: {}", visible(&item.name), visible(&detail))),
        }
    }
    if reference.means.is_empty() {
        let message = format!("cannot read any image of the reference `{}`", visible(place));
        return Err(CommandError::nothing(message).into());
    }
    Ok(reference)
}

/// The last part of a path.
pub(super) fn name_of(directory: &Path) -> String {
    directory
        .file_name()
        .map_or_else(|| directory.to_string_lossy(), |name| name.to_string_lossy())
        .into_owned()
}
