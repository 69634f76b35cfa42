//! `imgeval diagnose weaknesses`.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{CaseId, counted, visible};
use imgeval_diagnose::collect::ImageItem;
use imgeval_observe::{measures::mean_lab, pictures::write_pictures};
use imgeval_report::{
    schema::Schema,
    tables::{weaknesses_json, weaknesses_table},
};
use imgeval_scoring::{ColorReference, Run};
use imgeval_vision::image_file::{DecodeLimits, load_image};
use serde_json::json;

use super::places::images_of;
use crate::{
    args::diagnose::WeaknessesArgs,
    commands::{
        holder,
        measure::{ShownStage, measure_for_checks},
        run::first_not_ok,
    },
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn weaknesses(args: &WeaknessesArgs, printer: Printer) -> Result<Exit> {
    let reference = args.reference.as_deref().map(|place| reference_of(place, args, printer)).transpose()?;
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
            printer.insist(format_args!("`{name}`: nothing can be measured of its cases"));
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
        printer.talk(format_args!("pictures: {images} drawn anew, so that no change map can be drawn"));
    }
    Ok(if summary.failed > 0 { Exit::Partial } else { Exit::Ok })
}

fn name_of(directory: &Path) -> String {
    directory
        .file_name()
        .map_or_else(|| directory.to_string_lossy(), |name| name.to_string_lossy())
        .into_owned()
}

/// The mean colors of a run's or folder's images; those that cannot be read are told of and left out.
fn reference_of(place: &str, args: &WeaknessesArgs, printer: Printer) -> Result<ColorReference> {
    let items = images_of(place, printer)?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let is_run = Path::new(place).join("run.toml").is_file();
    let mean = |item: &ImageItem| -> Result<_, String> {
        let image = load_image(&item.path, &limits).map_err(|error| error.failure().detail)?;
        // Cases are named before the number of the sample.
        let case = is_run.then(|| item.name.rsplit_once('/')).flatten();
        Ok((case.map(|(case, _)| CaseId::new(case)), mean_lab(&image.pixels)))
    };
    let means: Vec<_> = items.iter().map(|item| (item, mean(item))).collect();
    let mut reference = ColorReference { name: name_of(Path::new(place)), means: Vec::new() };
    for (item, mean) in means {
        match mean {
            Ok(mean) => reference.means.push(mean),
            Err(detail) => printer.insist(format_args!("`{}`: {}", visible(&item.name), visible(&detail))),
        }
    }
    if reference.means.is_empty() {
        let message = format!("no image of the reference `{}` can be read", visible(place));
        return Err(CommandError::nothing(message).into());
    }
    Ok(reference)
}
