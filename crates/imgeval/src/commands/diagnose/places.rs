//! Places of images: folders, patterns, runs.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use imgeval_core::{Outcome, visible};
use imgeval_diagnose::collect::{ImageItem, ItemsError, list_images};
use imgeval_store::RunReader;

use crate::{
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// The name and the place of `NAME=PLACE`.
pub(super) fn split_name(text: &str) -> Option<(&str, &str)> {
    let (name, place) = text.split_once('=')?;
    (!name.trim().is_empty() && !place.is_empty()).then_some((name.trim(), place))
}

/// Images of one generator.
pub(super) struct Generator {
    pub(super) name: String,
    pub(super) images: Vec<ImageItem>,
}

/// Each `PLACE` or `NAME=PLACE`, those of one name together, in the order of first appearance. Without a name, the last part of the path
/// is one, or all of it where two places would have the same.
pub(super) fn generators_of(texts: &[String], printer: Printer) -> Result<Vec<Generator>> {
    let mut generators: Vec<Generator> = Vec::new();
    for text in texts {
        // A path may hold an equals sign.
        let named = split_name(text).filter(|_| !Path::new(text).exists());
        let place = named.map_or(text.as_str(), |(_, place)| place);
        let images = images_of(place, printer)?;
        let known = |name: &str| generators.iter().position(|generator| generator.name == name);
        let name = match named {
            Some((name, _)) => {
                if let Some(place) = known(name) {
                    generators[place].images.extend(images);
                    continue;
                }
                name.to_owned()
            }
            None => {
                let last = Path::new(place).file_name().map(|name| name.to_string_lossy().into_owned());
                last.filter(|name| known(name).is_none()).unwrap_or_else(|| place.to_owned())
            }
        };
        generators.push(Generator { name, images });
    }
    Ok(generators)
}

/// The images of a place. In a run, the prompt is the group, and samples without an image are reported.
pub(in crate::commands) fn images_of(place: &str, printer: Printer) -> Result<Vec<ImageItem>> {
    if Path::new(place).join("run.toml").is_file() {
        return run_images(Path::new(place), printer);
    }
    list_images(place).map_err(|error| {
        let message = sentence_of(&error);
        let error = match error {
            ItemsError::NoImage { .. } => CommandError::nothing(message)
                .with_hint("pass a folder with .png, .jpg or .webp files, a quoted pattern, or a run"),
            ItemsError::NoSuchPlace { .. } | ItemsError::Pattern { .. } => CommandError::usage(message)
                .with_hint("pass a folder, a quoted pattern such as 'out/*.png', or a run"),
            ItemsError::Manifest { .. } | ItemsError::ManifestTooLarge { .. } => CommandError::usage(message)
                .with_hint("each line of groups.jsonl is {\"file\": \"a.png\", \"group\": \"any text\"}"),
            ItemsError::Io { .. } => CommandError::mendable(message, "check its permissions"),
        };
        error.into()
    })
}

/// The images of several places, one after the other.
pub(super) fn images_of_all(places: &[String], printer: Printer) -> Result<Vec<ImageItem>> {
    let mut images = Vec::new();
    for place in places {
        images.extend(images_of(place, printer)?);
    }
    Ok(images)
}

fn run_images(run: &Path, printer: Printer) -> Result<Vec<ImageItem>> {
    let reader = RunReader::open(run)?;
    let suite = reader.manifest().suite.clone();
    let mut images = Vec::new();
    let mut absent: BTreeMap<&str, usize> = BTreeMap::new();
    reader.for_each_sample(None, |observed| {
        let sample = observed.sample;
        match sample.outcome {
            Outcome::Done(record) => images.push(ImageItem {
                path: reader.images().path(&record.image()),
                name: format!("{}/{}", sample.id.case.as_str(), sample.id.ordinal),
                group: Some(format!("{suite} {}", sample.id.case.as_str())),
            }),
            Outcome::Failed(_) if observed.is_redundant => {}
            Outcome::Failed(failure) => *absent.entry(failure.kind.code()).or_default() += 1,
        }
    })?;
    let name = visible(&run.to_string_lossy());
    if !absent.is_empty() {
        let counts: Vec<String> = absent.iter().map(|(code, count)| format!("{count} {code}")).collect();
        printer.insist(format_args!("`{name}`: samples without an image: {}", counts.join(", ")));
    }
    if images.is_empty() {
        let message = format!("the run `{name}` contains no images");
        let hint = "fill it with `imgeval import` or `imgeval generate`";
        return Err(CommandError::nothing(message).with_hint(hint).into());
    }
    Ok(images)
}
