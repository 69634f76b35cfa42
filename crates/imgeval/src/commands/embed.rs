//! `imgeval embed`: CLIP's embeddings of images and texts.

use imgeval_report::schema::Schema;
use std::path::{Path, PathBuf};

use anyhow::Result;
use imgeval_core::{Pixels, visible};
use imgeval_observe::{Model, ObserverError, given_or_pulled};
use imgeval_vision::{
    clip::Clip,
    image_file::{DecodeLimits, ImageFileError, load_image},
};
use serde_json::json;

use crate::{args::models::EmbedArgs, exit_code::Exit, printer::Printer};

/// Images, and texts, that are encoded together.
const BATCH: usize = 8;

/// How many numbers of an embedding are shown to people.
const SHOWN: usize = 4;

pub(super) fn embed(args: &EmbedArgs, printer: Printer) -> Result<Exit> {
    let path = given_or_pulled(args.clip.as_deref(), Model::Clip, &args.models.places())?;
    let clip = Clip::load(&path, &args.compute.options()).map_err(ObserverError::from)?;
    let mut n_failed = 0;
    let mut waiting = args.images.as_slice();
    while !waiting.is_empty() {
        let (n_tried, paths, pixels) = load_batch(waiting, args.max_pixels, printer);
        waiting = &waiting[n_tried..];
        n_failed += n_tried - paths.len();
        let embeddings = clip.encode_images(&pixels).map_err(ObserverError::from)?;
        for ((path, pixels), embedding) in paths.iter().zip(&pixels).zip(&embeddings) {
            let name = path.to_string_lossy();
            printer.data(match args.json {
                true => {
                    let (width, height) = (pixels.width(), pixels.height());
                    let line =
                        json!({"image": name, "width": width, "height": height, "embedding": embedding});
                    format!("{}\n", Schema::Embedding.stamp(line))
                }
                false => format!("{}: {}\n", visible(&name), summary_of(embedding)),
            })?;
        }
    }
    for batch in args.texts.chunks(BATCH) {
        let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
        let embeddings = clip.encode_texts(&texts).map_err(ObserverError::from)?;
        for (text, encoded) in texts.iter().zip(&embeddings) {
            printer.data(match args.json {
                true => {
                    let line = json!({"text": text, "ids": encoded.ids, "embedding": encoded.embedding});
                    format!("{}\n", Schema::Embedding.stamp(line))
                }
                false => format!("\"{}\": {}\n", visible(text), summary_of(&encoded.embedding)),
            })?;
        }
    }
    Ok(match n_failed {
        0 => Exit::Ok,
        n if n == args.images.len() && args.texts.is_empty() => Exit::NothingFound,
        _ => Exit::Partial,
    })
}

/// The images of the next batch that can be used; of the others it is said why not. As many as were tried: fewer than a batch
/// where more do not fit in memory together.
fn load_batch(waiting: &[PathBuf], max_pixels: u64, printer: Printer) -> (usize, Vec<&Path>, Vec<Pixels>) {
    let limits = DecodeLimits { max_pixels };
    let (mut paths, mut pixels) = (Vec::new(), Vec::new());
    for (n_tried, path) in waiting.iter().take(BATCH).enumerate() {
        match load_image(path, &limits) {
            Ok(image) => {
                paths.push(path.as_path());
                pixels.push(image.pixels);
            }
            Err(ImageFileError::NotEnoughMemory(_)) if !pixels.is_empty() => return (n_tried, paths, pixels),
            Err(error) => printer.unusable(path, &error.failure()),
        }
    }
    (waiting.len().min(BATCH), paths, pixels)
}

/// `768 numbers, norm 10.213: 0.1213 -0.0213 …`
fn summary_of(embedding: &[f32]) -> String {
    let norm = embedding.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let first: Vec<String> = embedding.iter().take(SHOWN).map(|value| format!("{value:.4}")).collect();
    let more = if embedding.len() > SHOWN { " ..." } else { "" };
    format!("{} numbers, norm {norm:.4}: {}{more}", embedding.len(), first.join(" "))
}
