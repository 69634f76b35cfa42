//! A small network with a known answer, run on the machine that is about to score.
//!
//! It shows that this build computes right with this processor's instructions, or on this device. What it cannot show is
//! that the weights are the published ones: their checksum does that. The loaded network itself must give finite numbers
//! on the same image.

use std::path::Path;

use imgeval_core::Pixels;

use super::{decoder::Prediction, keys::Family, network::Network, postprocess::Sizes, preprocess::prepare};
use crate::{
    canary::{is_near, largest_difference, picture_of},
    checkpoint::Checkpoint,
    compute::Backend,
    model_error::{CanaryError, ModelError},
};

// Made by `scripts/reference/mask2former.py` with transformers; the tests use them too.
const WEIGHTS: &[u8] = include_bytes!("../../tests/fixtures/mask2former/model.safetensors");
const ANSWERS: &[u8] = include_bytes!("../../tests/fixtures/mask2former/expected.safetensors");
const PICTURE: &[u8] = include_bytes!("../../tests/fixtures/mask2former/picture.png");

/// Runs the small network and the loaded one.
pub(super) fn check(loaded: &Network, backend: &Backend) -> Result<(), ModelError> {
    let built_in = |bytes: &[u8]| Checkpoint::from_bytes(Path::new("built in"), bytes.to_vec());
    let answers = built_in(ANSWERS)?;
    let picture = picture_of(PICTURE)?;
    let prediction = predict(&Network::from_checkpoint(built_in(WEIGHTS)?)?, &picture, backend)?;
    let masks = prediction.mask_logits.pixels.t()?.narrow(0, 0, 4)?;
    for (name, found) in [("even/classes", &prediction.class_logits), ("even/masks", &masks)] {
        let difference = largest_difference(found, &answers.read_f32(name)?)?;
        if !is_near(difference, backend) {
            let what = format!("the built-in network's {name} are");
            return Err(CanaryError::Off { what, difference }.into());
        }
    }
    let prediction = predict(loaded, &picture, backend)?;
    for logits in [&prediction.class_logits, &prediction.mask_logits.pixels] {
        let sum = logits.to_dtype(candle_core::DType::F32)?.abs()?.sum_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            return Err(CanaryError::NotFinite.into());
        }
    }
    Ok(())
}

/// Of the image as it is: its sides are multiples of 32.
fn predict(network: &Network, picture: &Pixels, backend: &Backend) -> Result<Prediction, ModelError> {
    let size = (picture.height() as usize, picture.width() as usize);
    let sizes = Sizes { original: size, resized: size, padded: size };
    Ok(network.forward(&prepare(Family::Mmdetection, picture, &sizes, backend)?)?)
}
