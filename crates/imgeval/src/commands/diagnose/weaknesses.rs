//! `imgeval diagnose weaknesses`.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{counted, visible};
use imgeval_observe::pictures::write_pictures;
use imgeval_report::{
    schema::Schema,
    tables::{weaknesses_json, weaknesses_table},
};
use imgeval_scoring::Run;
use imgeval_vision::image_file::DecodeLimits;
use serde_json::json;

use crate::{
    args::diagnose::WeaknessesArgs,
    commands::{
        color_reference::{color_reference, name_of},
        holder,
        measure::{ShownStage, measure_for_checks},
        run::first_not_ok,
    },
    exit_code::Exit,
    printer::Printer,
};

pub(super) fn weaknesses(args: &WeaknessesArgs, printer: Printer) -> Result<Exit> {
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let reference = args.reference.as_deref().map(|place| color_reference(place, &limits, printer));
    let reference = reference.transpose()?;
    let mut exits = Exit::Ok;
    let mut runs = Vec::new();
    for directory in &args.runs {
        if !args.no_measuring {
            let places = args.models.places();
            let measured = measure_for_checks(directory, &places, &holder("diagnose"), printer)?;
            exits = first_not_ok([exits, measured]);
        }
        let run = Run::open(directory)?;
        let view = run.weaknesses(&name_of(directory), reference.as_ref(), args.settings())?;
        if view.lines.is_empty() {
            let name = visible(&directory.to_string_lossy());
            printer.insist(format_args!("`{name}`: nothing can be measured for its cases"));
            exits = first_not_ok([exits, Exit::Partial]);
        }
        if let Some(folder) = &args.pictures {
            let into = match args.runs.len() {
                1 => folder.clone(),
                _ => folder.join(name_of(directory)),
            };
            exits = first_not_ok([exits, draw(directory, &into, printer)?]);
        }
        if args.json {
            runs.push(weaknesses_json(&view));
        } else {
            printer.table(&weaknesses_table(&view))?;
        }
    }
    if args.json {
        let document = Schema::Weaknesses.stamp(json!({"runs": runs}));
        printer.data(format_args!("{document:#}\n"))?;
    }
    Ok(exits)
}

/// Draws what was measured.
fn draw(run: &Path, into: &Path, printer: Printer) -> Result<Exit> {
    let mut shown = ShownStage::new("pictures", printer);
    let summary = write_pictures(run, into, &mut |event| shown.show(event));
    shown.finish();
    let summary = summary?;
    let (pictures, figures) =
        (counted(summary.written.len(), "picture"), counted(summary.figures.len(), "figure"));
    printer.talk(format_args!("pictures: {pictures} and {figures} in {}", into.display()));
    if summary.unregistered > 0 {
        let images = counted(summary.unregistered, "image");
        printer.talk(format_args!("pictures: {images} redrawn, so no change map is available"));
    }
    Ok(if summary.failed > 0 { Exit::Partial } else { Exit::Ok })
}
