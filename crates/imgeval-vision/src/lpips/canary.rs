//! The check before measuring: a small network with a known answer (`tests/fixtures/lpips`).

use std::path::Path;

use serde_json::Value;

use super::Lpips;
use crate::{
    canary::picture_of,
    checkpoint::Checkpoint,
    model_error::{CanaryError, ModelError},
};

const TRUNK: &[u8] = include_bytes!("../../tests/fixtures/lpips/trunk.pth");
const HEADS: &[u8] = include_bytes!("../../tests/fixtures/lpips/heads.pth");
const ANSWERS: &[u8] = include_bytes!("../../tests/fixtures/lpips/expected.json");
const PICTURE: &[u8] = include_bytes!("../../tests/fixtures/lpips/picture.png");

/// Relative to the expected distance; sums in another order differ by far less.
const TOLERANCE: f64 = 1e-3;

/// The distance of the built-in image to its negative.
pub(super) fn check() -> Result<(), ModelError> {
    let built_in = |bytes: &[u8]| Checkpoint::from_bytes(Path::new("built in"), bytes.to_vec());
    let small = Lpips::from_checkpoints(built_in(TRUNK)?, built_in(HEADS)?)?;
    let answers: Value = serde_json::from_slice(ANSWERS)
        .map_err(|error| CanaryError::Answers { detail: error.to_string() })?;
    let picture = picture_of(PICTURE)?;
    let numbers: Vec<f32> = picture.rgb().iter().map(|value| f32::from(*value) / 255.0).collect();
    let negative: Vec<f32> = numbers.iter().map(|number| 1.0 - number).collect();
    let found = small.distance(&numbers, &negative, (picture.width(), picture.height()))?;
    let expected = answers["negative"].as_f64().unwrap_or(f64::NAN);
    if (found - expected).abs() <= TOLERANCE * expected {
        return Ok(());
    }
    Err(CanaryError::Distance { found, expected }.into())
}
