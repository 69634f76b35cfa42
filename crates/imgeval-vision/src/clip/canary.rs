//! A small CLIP with known answers, run on the machine that is about to score; see the canary of `mask2former`. The loaded
//! model is not run: packing its 1.7 GB would delay every start, also where no color is asked for. Scores that are not
//! finite fail image by image.

use std::{io::Read, path::Path};

use candle_core::{Device, Tensor};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::{
    Clip,
    configuration::{Configuration, Heads},
};
use crate::{
    canary::{is_near, largest_difference, picture_of},
    checkpoint::Checkpoint,
    model_error::{CanaryError, ModelError},
};

// Made by `scripts/reference/clip.py` with transformers and open_clip; the tests use them too.
const WEIGHTS: &[u8] = include_bytes!("../../tests/fixtures/clip/model.safetensors.gz");
const ANSWERS: &[u8] = include_bytes!("../../tests/fixtures/clip/expected.json");
const PICTURE: &[u8] = include_bytes!("../../tests/fixtures/clip/picture.png");

/// Runs the small model on an image and a text, where and how `loaded` computes.
pub(super) fn check(loaded: &Clip) -> Result<(), ModelError> {
    let broken = |error: &dyn std::fmt::Display| CanaryError::Answers { detail: error.to_string() };
    let mut weights = Vec::new();
    GzDecoder::new(WEIGHTS).read_to_end(&mut weights).map_err(|error| broken(&error))?;
    let answers: Value = serde_json::from_slice(ANSWERS).map_err(|error| broken(&error))?;
    let heads = answers["heads"].as_u64().and_then(|heads| usize::try_from(heads).ok());
    let heads = Heads::Count(heads.unwrap_or_default());
    let configuration = Configuration { vision_heads: heads, text_heads: heads, ..Configuration::OPENAI };
    let checkpoint = Checkpoint::from_bytes(Path::new("built in"), weights)?;
    let small = Clip::from_checkpoint(checkpoint, configuration, loaded.backend().clone())?;

    let picture = picture_of(PICTURE)?;
    let text = answers["texts"][3].as_str().unwrap_or_default();
    let answers = &answers["answers"]["quick_gelu"];
    let image = small.encode_images(std::slice::from_ref(&picture))?;
    let texts = small.encode_texts(&[text])?;
    for (name, found, expected) in [
        ("image", &image[0], &answers["images_open_clip"][0]),
        ("text", &texts[0].embedding, &answers["texts"][3]),
    ] {
        let expected = expected.as_array().map(Vec::as_slice).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "was written from 32 bits")]
        let expected: Vec<f32> = expected.iter().filter_map(Value::as_f64).map(|x| x as f32).collect();
        let found = Tensor::new(found.as_slice(), &Device::Cpu)?;
        let difference = largest_difference(&found, &expected)?;
        if !is_near(difference, loaded.backend()) {
            let what = format!("the built-in model's {name} embedding is");
            return Err(CanaryError::Off { what, difference }.into());
        }
    }
    Ok(())
}
