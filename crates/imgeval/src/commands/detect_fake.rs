//! `imgeval detect-fake`: what a published detector of generated images says of single images.

mod canaries;

use std::path::Path;

use anyhow::{Context as _, Result};
use imgeval_core::{Failure, FailureKind, visible};
use imgeval_files::output_folder;
use imgeval_forensics::{
    DETECTORS, Description, Detector, ForensicsError, Judgment, Reader, SourceImage, Trunks, WeightsLicense,
    description, trace_map,
};
use imgeval_observe::{AskedForensics, load_forensics, trace_image};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{Column, Row, Table},
};
use imgeval_vision::{
    annotate::encode_png,
    image_file::{DecodeLimits, read_image_file},
};
use serde_json::json;

use super::read::exit_after;
use crate::{args::forensics::DetectFakeArgs, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn detect_fake(args: &DetectFakeArgs, printer: Printer) -> Result<Exit> {
    if args.list {
        return list(args, printer);
    }
    let asked = AskedForensics {
        description: known_detector(&args.detector)?,
        pipeline: args.pipeline.clone(),
        files: args.weights.clone(),
    };
    if args.map.is_some() && asked.description.native_crop.is_none() {
        let message =
            format!("`{}` scales images or analyzes them as a whole, so it has no map", args.detector);
        return Err(CommandError::usage(message)
            .with_hint("use one that analyzes native crops, such as univfd")
            .into());
    }
    if let Some(folder) = &args.canaries {
        return canaries::check(args, &asked, folder, printer);
    }
    let trunks = Trunks::default();
    let loaded = load_forensics(&asked, &trunks, &args.models.places(), args.compute.options())?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut n_failed = 0;
    for path in &args.images {
        match judge_file(path, loaded.detector.as_ref(), &limits) {
            Ok((image, judgment)) => {
                printer.data(match args.json {
                    true => render_json(path, loaded.detector.as_ref(), &judgment),
                    false => render_text(path, loaded.detector.as_ref(), &judgment),
                })?;
                if let Some(folder) = &args.map {
                    write_map(folder, path, loaded.detector.as_ref(), &image, printer)?;
                }
            }
            Err(failure) => {
                printer.unusable(path, &failure);
                n_failed += 1;
            }
        }
    }
    Ok(exit_after(n_failed, args.images.len()))
}

fn judge_file(
    path: &Path,
    detector: &dyn Detector,
    limits: &DecodeLimits,
) -> Result<(SourceImage, Judgment), Failure> {
    let image = read_image_file(path)
        .and_then(|bytes| SourceImage::read(&bytes, limits))
        .map_err(|error| error.failure())?;
    let judgment = detector.judge(&image).map_err(|error| failure_of(&error))?;
    Ok((image, judgment))
}

/// The detector of an id, or the ids that there are.
pub(super) fn known_detector(id: &str) -> Result<&'static Description, CommandError> {
    description(id).ok_or_else(|| {
        let ids: Vec<&str> = DETECTORS.iter().map(|detector| detector.id).collect();
        CommandError::usage(format!("unknown detector `{}`", visible(id)))
            .with_hint(format!("available: {}", ids.join(", ")))
    })
}

fn failure_of(error: &ForensicsError) -> Failure {
    let kind = match error {
        ForensicsError::TooSmall { .. } => FailureKind::NotMeasurable,
        ForensicsError::Memory(_) => FailureKind::NotEnoughMemory,
        _ => FailureKind::DetectorFailed,
    };
    Failure { kind, detail: error.to_string() }
}

fn verdict_of(judgment: &Judgment) -> &'static str {
    if judgment.is_fake { "fake" } else { "real" }
}

fn render_json(path: &Path, detector: &dyn Detector, judgment: &Judgment) -> String {
    let line = json!({
        "image": path.to_string_lossy(),
        "detector": detector.description().id,
        "pipeline": detector.pipeline(),
        "logits": judgment.logits,
        "score": judgment.score,
        "verdict": verdict_of(judgment),
        "crop_sha256": judgment.crop_sha256,
    });
    format!("{}\n", Schema::DetectFake.stamp(line))
}

fn render_text(path: &Path, detector: &dyn Detector, judgment: &Judgment) -> String {
    let name = visible(&path.to_string_lossy());
    let (id, pipeline) = (detector.description().id, detector.pipeline());
    format!("{name}: {} by {id} ({pipeline}), score {:.4}\n", verdict_of(judgment), judgment.score)
}

fn write_map(
    folder: &Path,
    path: &Path,
    detector: &dyn Detector,
    image: &SourceImage,
    printer: Printer,
) -> Result<()> {
    let name = path.file_stem().map_or_else(|| "image".into(), |stem| stem.to_string_lossy().into_owned());
    let map = match trace_map(detector, image) {
        Ok(map) => map,
        Err(error) => {
            printer.insist(format_args!("`{}` has no map: {error}", visible(&path.to_string_lossy())));
            return Ok(());
        }
    };
    let png = encode_png(&trace_image(image.read_by(Reader::Pillow), &map))?;
    let file = format!("{name}.map.png");
    output_folder(folder)?
        .write_whole(&file, &png)
        .with_context(|| format!("could not write `{}`", folder.join(&file).display()))
}

fn list(args: &DetectFakeArgs, printer: Printer) -> Result<Exit> {
    let places = args.models.places();
    let state = |description: &'static Description| {
        let asked = AskedForensics { description, pipeline: None, files: Vec::new() };
        if asked.is_here(&places) { "installed" } else { "not installed" }
    };
    if args.json {
        let rows = DETECTORS.iter().map(|one| {
            json!({
                "id": one.id,
                "name": one.name,
                "paper": one.paper,
                "license": license_of(one.license),
                "pipelines": one.pipelines.iter().map(|pipeline| json!({"name": pipeline.name, "what": pipeline.what})).collect::<Vec<_>>(),
                "threshold": one.threshold,
                "canaries": one.canaries.iter().map(|canary| json!({"image": canary.image, "from": canary.from})).collect::<Vec<_>>(),
                "weights": state(one),
            })
        });
        let rows: Vec<_> = rows.collect();
        printer.data(format_args!("{:#}\n", Schema::ForensicDetectors.stamp(json!({"detectors": rows}))))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new([
        Column::text("detector"),
        Column::text("weights"),
        Column::text("license of weights").wrapped(),
        Column::text("pipelines").wrapped(),
        Column::text("paper").wrapped().normal(),
    ]);
    for one in DETECTORS {
        let pipelines: Vec<&str> = one.pipelines.iter().map(|pipeline| pipeline.name).collect();
        table.push(Row::new([one.id, state(one), license_of(one.license), &pipelines.join(", "), one.paper]));
    }
    table.below.push(
        "The first pipeline is the default. Fetch weights with `imgeval models pull DETECTOR`.".to_owned(),
    );
    printer.table(&table)?;
    Ok(Exit::Ok)
}

fn license_of(license: WeightsLicense) -> &'static str {
    match license {
        WeightsLicense::Free(name) | WeightsLicense::NonCommercial(name) => name,
        WeightsLicense::NotStated => "none stated",
    }
}
