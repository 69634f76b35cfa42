//! `imgeval detect`: what a detector sees in images, as text, JSON and annotated images.

use imgeval_report::schema::Schema;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};
use imgeval_core::{DetectError, Detection, Failure, FailureKind, Mask, Pixels, visible};
use imgeval_observe::{LoadedObserver, load_eyes};
use imgeval_runner::{NamingLimits, Observer};
use imgeval_scoring::comparability_note;
use imgeval_vision::{
    annotate::{annotate, encode_png, label_detections},
    image_file::{DecodeLimits, LITTLE_WORK, load_image_for},
};
use serde_json::json;

use crate::{args::models::DetectArgs, exit_code::Exit, failure::CommandError, printer::Printer};
use imgeval_files::output_folder;

pub(super) fn detect(args: &DetectArgs, printer: Printer) -> Result<Exit> {
    if !(0.0..=1.0).contains(&args.min_score) {
        return Err(CommandError::usage("--min-score must be between 0 and 1, exclusive").into());
    }
    let LoadedObserver { observer, working_bytes, .. } = load_eyes(&args.detector.settings())?;
    let limits = DecodeLimits { max_pixels: args.max_pixels };
    let shared_folder = shared_folder(&args.images);
    let mut n_failed = 0;
    for path in &args.images {
        // An annotated image is a copy, and then a file.
        let looked = load_image_for(path, &limits, working_bytes + 2 * LITTLE_WORK)
            .map_err(|error| error.failure())
            .and_then(|image| {
                let failure = |error: DetectError| Failure {
                    kind: FailureKind::DetectorFailed,
                    detail: error.to_string(),
                };
                observer
                    .look(&image.pixels, NamingLimits::default())
                    .map(|detections| (image, detections))
                    .map_err(failure)
            });
        let (image, mut detections) = match looked {
            Ok(seen) => seen,
            Err(failure) => {
                printer.unusable(path, &failure);
                n_failed += 1;
                continue;
            }
        };
        detections.retain(|detection| args.min_score == 0.0 || detection.score > args.min_score);
        let shown = Shown { path, pixels: &image.pixels, detections: &detections, observer: &observer };
        printer.data(if args.json { shown.render_json() } else { shown.render_text() })?;
        if let Some(folder) = &args.annotate {
            let name = annotated_name(path, &shared_folder);
            write_annotated(folder, &name, &image.pixels, &detections)?;
        }
    }
    Ok(match n_failed {
        0 => Exit::Ok,
        n if n == args.images.len() => Exit::NothingFound,
        _ => Exit::Partial,
    })
}

struct Shown<'a> {
    path: &'a Path,
    pixels: &'a Pixels,
    detections: &'a [Detection],
    observer: &'a Observer,
}

impl Shown<'_> {
    fn render_text(&self) -> String {
        let name = visible(&self.path.to_string_lossy());
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let mut text = format!("{name}: {width}x{height}, {} objects", self.detections.len());
        let note = comparability_note(self.observer.meta());
        if !note.is_empty() {
            text.push_str(&format!(" ({note})"));
        }
        text.push('\n');
        for detection in self.detections {
            let [x1, y1, x2, y2] = detection.bounding_box.to_array();
            let (class, score) = (detection.category, detection.score);
            let color = match detection.colors {
                None => "",
                Some(scores) => scores.best().map_or("no named color", |color| color.name()),
            };
            let line = format!("  {class:<16} {score:.3}  box {x1:.1} {y1:.1} {x2:.1} {y2:.1}  {color}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn render_json(&self) -> String {
        let object = |detection: &Detection| {
            json!({
                "label": detection.category.index(),
                "class": detection.category.name(),
                "score": detection.score,
                "box": detection.bounding_box.to_array(),
                "mask_area": detection.mask.as_ref().map(Mask::area),
                "color": detection.colors.and_then(|scores| scores.best()).map(|color| color.name()),
                "color_scores": detection.colors.map(|scores| scores.values),
            })
        };
        let (size, meta) = (self.observer.input_size(self.pixels), self.observer.meta());
        let line = json!({
            "image": self.path.to_string_lossy(),
            "width": self.pixels.width(),
            "height": self.pixels.height(),
            "resized": size.map(|size| size.resized),
            "padded": size.map(|size| size.padded),
            "detector": meta.title,
            "comparable": meta.is_comparable,
            "note": comparability_note(meta),
            "detections": self.detections.iter().map(object).collect::<Vec<_>>(),
        });
        format!("{}\n", Schema::Detections.stamp(line))
    }
}

fn write_annotated(folder: &Path, name: &Path, pixels: &Pixels, detections: &[Detection]) -> Result<()> {
    let png = encode_png(&annotate(pixels, &label_detections(detections)))?;
    output_folder(folder)?
        .below(name)
        .and_then(|(folder, name)| folder.write_whole(name, &png))
        .with_context(|| format!("could not write `{}`", folder.join(name).display()))
}

/// The deepest folder that holds all images.
fn shared_folder(images: &[PathBuf]) -> PathBuf {
    let folder_of = |path: &PathBuf| absolute(path).parent().map(Path::to_owned).unwrap_or_default();
    let mut folders = images.iter().map(folder_of);
    let mut shared = folders.next().unwrap_or_default();
    for folder in folders {
        while !folder.starts_with(&shared) && shared.pop() {}
    }
    shared
}

/// Where the annotated copy goes, below the folder for all: the image's own place below the folder that all images
/// share, so that two images never meet. `00052/samples/0000.png` becomes `00052/samples/0000.annotated.png`.
fn annotated_name(path: &Path, shared_folder: &Path) -> PathBuf {
    let path = absolute(path);
    let relative = path.strip_prefix(shared_folder).unwrap_or(&path);
    let inside = relative.components().filter(|component| matches!(component, Component::Normal(_)));
    let mut name: PathBuf = inside.collect();
    // Another extension stays in the name, so that `a.png` and `a.jpg` do not meet.
    if name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        name.set_extension("");
    }
    let file_name = name.file_name().unwrap_or_default().to_string_lossy();
    name.with_file_name(format!("{file_name}.annotated.png"))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
