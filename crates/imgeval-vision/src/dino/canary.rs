//! A small DINO with known answers, run on the machine that is about to score; see the canary of `mask2former`.

use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::Value;

use super::Dino;
use crate::{
    canary::{is_near, largest_difference, picture_of},
    checkpoint::Checkpoint,
    clip::Heads,
    compute::Backend,
    model_error::{CanaryError, ModelError},
};

// Made by `scripts/reference/round_features.py` with torch and timm; the tests use them too.
const WEIGHTS: &[u8] = include_bytes!("../../tests/fixtures/dino/tiny.safetensors");
const ANSWERS: &[u8] = include_bytes!("../../tests/fixtures/dino/expected.json");
/// The one of CLIP's canary.
const PICTURE: &[u8] = include_bytes!("../../tests/fixtures/clip/picture.png");

/// The class token and the keys of the built-in image.
pub(super) fn check(backend: Backend) -> Result<(), ModelError> {
    let answers: Value = serde_json::from_slice(ANSWERS)
        .map_err(|error| CanaryError::Answers { detail: error.to_string() })?;
    let heads = answers["heads"].as_u64().and_then(|heads| usize::try_from(heads).ok()).unwrap_or_default();
    let checkpoint = Checkpoint::from_bytes(Path::new("built in"), WEIGHTS.to_vec())?;
    let small = Dino::from_checkpoint(checkpoint, Heads::Count(heads), backend.clone())?;
    let picture = picture_of(PICTURE)?;
    let class_token = small.class_tokens(std::slice::from_ref(&picture))?.concat();
    let keys = small.tokens(&picture)?.keys;
    let first_keys = keys.get(..small.dimensions().width).unwrap_or_default();
    for (name, found) in [("class_token", class_token.as_slice()), ("first_keys", first_keys)] {
        let expected = answers["picture"][name].as_array().map(Vec::as_slice).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "was written from 32 bits")]
        let expected: Vec<f32> = expected.iter().filter_map(Value::as_f64).map(|x| x as f32).collect();
        let difference = largest_difference(&Tensor::new(found, &Device::Cpu)?, &expected)?;
        if !is_near(difference, &backend) {
            let what = format!("the built-in DINO's {name} is");
            return Err(CanaryError::Off { what, difference }.into());
        }
    }
    Ok(())
}
