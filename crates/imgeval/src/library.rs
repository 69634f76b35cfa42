//! What the command shares with the Python package, so that both give the same numbers, sentences and places.

use std::path::PathBuf;

use imgeval_core::{GrayPixels, Pixels, TextReader, memory::set_max_memory, visible};
use imgeval_fetch::weights::Places;
use imgeval_observe::{EditWeights, MaskThreshold, mask_of};
use imgeval_vision::machine_memory::default_max_memory;
use serde_json::{Map, Value};

use crate::{
    advice::mask_hint,
    commands::{
        metrics::{
            image::image_numbers,
            measured_edit::{EditQuestion, MeasuredEdit},
            register::MeasuredRegistration,
        },
        read::{lines_json, reader_json},
    },
    environment,
    failure::{self, CommandError, sentence_of},
};

/// Numbers, texts and lists by their names, as the command prints them in JSON.
pub type Document = Map<String, Value>;

/// Where weights are on this machine: as the environment says, unless a folder is given.
#[must_use]
pub fn places(models_dir: Option<PathBuf>) -> Places {
    environment::places(models_dir)
}

/// Bounds what images may take together in this process, as the command does unless it is told otherwise.
pub fn limit_memory() {
    set_max_memory(default_max_memory(environment::threads()));
}

/// An error as the command says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// In one sentence, with its causes.
    pub sentence: String,
    /// What to do about it, in words of the command line.
    pub hint: Option<String>,
}

/// Puts an error into the command's words.
#[must_use]
pub fn explain(error: &anyhow::Error) -> Explained {
    let (hint, _) = failure::advice(error);
    Explained { sentence: visible(&sentence_of(error.as_ref())), hint: hint.map(|hint| visible(&hint)) }
}

/// What is asked about an edit.
pub struct EditOptions<'a> {
    /// White where the image should be edited, with how grays are read.
    pub mask: Option<(&'a Pixels, Option<MaskThreshold>)>,
    /// What the region should show, for CLIPScore.
    pub text: Option<&'a str>,
    /// Whether the images are aligned, and compared outside the edit.
    pub is_registered: bool,
    pub weights: &'a EditWeights,
}

/// Measures an edit, as `imgeval metrics edit` does.
///
/// # Errors
/// If the mask is none, the images cannot be registered, or weights cannot be used.
pub fn measure_edit(
    source: &Pixels,
    edited: &Pixels,
    options: &EditOptions<'_>,
) -> Result<Document, anyhow::Error> {
    let to_mask = |(pixels, threshold): (&Pixels, Option<MaskThreshold>)| {
        mask_of(GrayPixels::luma_of(pixels), threshold)
            .map_err(|error| CommandError::usage(format!("mask: {error}")).with_hint(mask_hint(&error)))
    };
    let mask = options.mask.map(to_mask).transpose()?;
    let question = EditQuestion {
        mask: mask.as_ref(),
        text: options.text,
        is_registered: options.is_registered,
        weights: options.weights,
    };
    let measured = MeasuredEdit::measure(source, edited, &question).map_err(CommandError::from)?;
    Ok(measured.numbers())
}

/// Registers an edited image with its source, as `imgeval metrics register` does.
///
/// # Errors
/// If an image cannot be registered at all.
pub fn measure_registration(source: &Pixels, edited: &Pixels) -> Result<Document, anyhow::Error> {
    Ok(MeasuredRegistration::measure(source, edited)?.numbers())
}

/// Measures one image, as `imgeval metrics image` does.
#[must_use]
pub fn measure_image(pixels: &Pixels) -> Document {
    image_numbers(pixels)
}

/// Reads the text in an image, as `imgeval read` does.
///
/// # Errors
/// If the reader cannot read it.
pub fn read_text(reader: &dyn TextReader, pixels: &Pixels) -> Result<Document, anyhow::Error> {
    let lines = reader.read(pixels)?;
    let mut document = Document::new();
    document.insert("width".to_owned(), pixels.width().into());
    document.insert("height".to_owned(), pixels.height().into());
    document.insert("reader".to_owned(), reader_json(reader.meta()));
    document.insert("lines".to_owned(), lines_json(&lines));
    Ok(document)
}
