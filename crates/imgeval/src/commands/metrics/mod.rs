//! `imgeval metrics`: measures of single images and pairs.

mod aligned;
mod edit;
pub(crate) mod image;
pub(crate) mod measured_edit;
mod outside;
pub(crate) mod register;
mod text;

use std::path::Path;

use anyhow::Result;
use imgeval_core::{ImageNote, Pixels, visible};
use imgeval_vision::image_file::{DecodeLimits, load_image};

use crate::{args::metrics::MetricsCommand, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn metrics(command: &MetricsCommand, printer: Printer) -> Result<Exit> {
    match command {
        MetricsCommand::Edit(args) => edit::edit(args, printer),
        MetricsCommand::Image(args) => image::image(args, printer),
        MetricsCommand::Text(args) => text::text(args, printer),
        MetricsCommand::Register(args) => register::register(args, printer),
    }
}

/// An image that the user named.
fn read(path: &Path, limits: &DecodeLimits, printer: Printer) -> Result<Pixels, CommandError> {
    let name = path.to_string_lossy();
    let image = load_image(path, limits)
        .map_err(|error| CommandError::usage(format!("cannot use `{name}`: {}", error.failure().detail)))?;
    if image.notes.contains(&ImageNote::ExifRotated) {
        let name = visible(&name);
        printer.warn(format_args!(
            "warning: `{name}` was rotated upright, which the official evaluation does not do"
        ));
    }
    Ok(image.pixels)
}
