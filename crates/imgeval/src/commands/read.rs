//! `imgeval read`: the text in images.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{Failure, FailureKind, ObserverMeta, Pixels, ReadError, TextLine, counted, visible};
use imgeval_observe::load_reader;
use imgeval_report::schema::Schema;
use imgeval_vision::image_file::{DecodeLimits, load_image};
use serde_json::{Value, json};

use crate::{args::models::ReadTextArgs, exit_code::Exit, printer::Printer};

pub(super) fn read(args: &ReadTextArgs, printer: Printer) -> Result<Exit> {
    let reader = load_reader(&args.models.places())?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut n_failed = 0;
    for path in &args.images {
        let seen = load_image(path, &limits)
            .map_err(|error| error.failure())
            .and_then(|image| Ok((reader.read(&image.pixels).map_err(|error| failure_of(&error))?, image)));
        match seen {
            Ok((lines, image)) if args.json => {
                let document = json!({
                    "image": path.to_string_lossy(),
                    "width": image.pixels.width(),
                    "height": image.pixels.height(),
                    "reader": reader_json(reader.meta()),
                    "lines": lines_json(&lines),
                });
                printer.data(format_args!("{}\n", Schema::Reading.stamp(document)))?;
            }
            Ok((lines, image)) => printer.data(render_text(path, &image.pixels, &lines))?,
            Err(failure) => {
                printer.unusable(path, &failure);
                n_failed += 1;
            }
        }
    }
    Ok(exit_after(n_failed, args.images.len()))
}

/// The exit code of commands that evaluate images.
pub(super) fn exit_after(n_failed: usize, n_images: usize) -> Exit {
    match n_failed {
        0 => Exit::Ok,
        n if n == n_images => Exit::NothingFound,
        _ => Exit::Partial,
    }
}

pub(super) fn failure_of(error: &ReadError) -> Failure {
    let kind = match error {
        ReadError::TooThin { .. } => FailureKind::NotMeasurable,
        ReadError::Network(_) => FailureKind::DetectorFailed,
    };
    Failure { kind, detail: error.to_string() }
}

/// Who read, as JSON has it.
pub(crate) fn reader_json(meta: &ObserverMeta) -> Value {
    json!({
        "observer": meta.observer_id().as_str(),
        "id": meta.id,
        "title": meta.title,
        "version": meta.version,
        "weights_sha256": meta.weights_sha256,
        "parameters": meta.parameters,
    })
}

pub(crate) fn lines_json(lines: &[TextLine]) -> Value {
    lines
        .iter()
        .map(|line| json!({"box": line.corners, "text": line.text, "score": line.confidence}))
        .collect()
}

fn render_text(path: &Path, pixels: &Pixels, lines: &[TextLine]) -> String {
    let name = visible(&path.to_string_lossy());
    let n_lines = counted(lines.len(), "line");
    let mut text = format!("{name}: {}x{}, {n_lines}\n", pixels.width(), pixels.height());
    for line in lines {
        let corners = line.corners.map(|[x, y]| format!("{x:.0},{y:.0}")).join(" ");
        text.push_str(&format!("  {:.3}  {corners}  {}\n", line.confidence, visible(&line.text)));
    }
    text
}
