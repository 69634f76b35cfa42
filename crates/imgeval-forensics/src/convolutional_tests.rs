//! The convolutional detectors with tiny random weights, against torch (`scripts/reference/forensics_convolutional.py`); and files and
//! images that they refuse.

use std::path::{Path, PathBuf};

use imgeval_core::Pixels;
use imgeval_vision::{DecodeLimits, checkpoint::Checkpoint, compute::ComputeOptions};
use serde_json::Value;

use crate::{
    port::{Detector, ForensicsError, LoadRequest},
    registry::description,
    source::SourceImage,
    trunks::Trunks,
};

/// The reference computes with 64 bits; logits reach 450.
const RELATIVE_TOLERANCE: f64 = 2e-5;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/convolutional")
}

fn load(id: &str, pipeline: Option<&str>, file: PathBuf) -> Result<Box<dyn Detector>, ForensicsError> {
    let (compute, trunks) = (ComputeOptions::default(), Trunks::default());
    let request = LoadRequest { files: &[file], pipeline, compute, trunks: &trunks };
    (description(id).unwrap().load)(&request)
}

fn load_tiny(id: &str, pipeline: Option<&str>) -> Box<dyn Detector> {
    load(id, pipeline, fixtures().join(format!("{id}.safetensors"))).unwrap()
}

fn gray(width: u32, height: u32) -> SourceImage {
    SourceImage::of_pixels(Pixels::new(width, height, vec![128; 3 * (width * height) as usize]).unwrap())
}

#[test]
fn every_pipeline_agrees_with_torch() {
    let image = std::fs::read(fixtures().join("image.png")).unwrap();
    let image = SourceImage::read(&image, &DecodeLimits::default()).unwrap();
    let expected: Value =
        serde_json::from_slice(&std::fs::read(fixtures().join("expected.json")).unwrap()).unwrap();
    for case in expected.as_array().unwrap() {
        let (id, pipeline) = (case["detector"].as_str().unwrap(), case["pipeline"].as_str().unwrap());
        let judgment = load_tiny(id, Some(pipeline)).judge(&image).unwrap();
        let logits: Vec<f64> = serde_json::from_value(case["logits"].clone()).unwrap();
        assert_eq!(judgment.logits.len(), logits.len());
        for (found, expected) in judgment.logits.iter().zip(logits) {
            let difference = (f64::from(*found) - expected).abs();
            assert!(
                difference <= RELATIVE_TOLERANCE * expected.abs().max(1.0),
                "{id} {pipeline}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn images_of_one_color_and_of_one_pixel_are_judged_or_refused() {
    for id in ["cnnspot", "npr", "safe", "drct", "aide"] {
        for pipeline in description(id).unwrap().pipelines {
            let detector = load_tiny(id, Some(pipeline.name));
            assert!(detector.judge(&gray(40, 33)).unwrap().score.is_finite(), "{id} {}", pipeline.name);
            match detector.judge(&gray(1, 1)) {
                Ok(judgment) => assert!(judgment.score.is_finite(), "{id} {}", pipeline.name),
                Err(ForensicsError::TooSmall { needed, .. }) => {
                    assert_eq!(needed, if id == "aide" { 32 } else { 2 });
                }
                Err(error) => panic!("{id} {}: {error}", pipeline.name),
            }
        }
    }
}

/// The tiny file of a detector with its tensors' names changed; `None` leaves a tensor out.
fn renamed(id: &str, rename: impl Fn(&str) -> Option<String>) -> tempfile::NamedTempFile {
    let checkpoint = Checkpoint::open(&fixtures().join(format!("{id}.safetensors"))).unwrap();
    let mut header = serde_json::Map::new();
    let mut data: Vec<u8> = Vec::new();
    for (name, info) in checkpoint.tensors().filter(|(name, _)| !name.ends_with("num_batches_tracked")) {
        let Some(new) = rename(name) else { continue };
        let start = data.len();
        data.extend(checkpoint.read_f32(name).unwrap().into_iter().flat_map(f32::to_le_bytes));
        let entry = serde_json::json!({
            "dtype": "F32", "shape": info.shape, "data_offsets": [start, data.len()],
        });
        header.insert(new, entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

#[test]
fn no_half_of_a_network_is_loaded() {
    let check = |id: &str, rename: &dyn Fn(&str) -> Option<String>, expected: &str| {
        let file = renamed(id, rename);
        let error = load(id, None, file.path().to_owned()).err().map(|error| error.to_string());
        let error = error.unwrap_or_else(|| panic!("{id} was loaded"));
        assert!(error.contains(expected), "{error}");
    };
    let without = |part: &'static str| move |name: &str| (name != part).then(|| name.to_owned());
    check("npr", &without("layer2.3.bn3.bias"), "1 missing: `layer2.3.bn3.bias`");
    check("npr", &without("fc1.bias"), "1 missing: `fc1.bias`");
    check("safe", &without("conv1.weight"), "does not contain SAFE's network");
    check("drct", &without("model.stages.3.blocks.0.gamma"), "1 missing");
    check("aide", &without("convnext_proj.0.bias"), "1 missing");
    let misnamed = |name: &str| Some(name.replace("layer1.1.bn3", "layer1.1.norm3"));
    check("cnnspot", &misnamed, "4 missing: `layer1.1.bn3.weight`");
    // A pair of logits is not a logit.
    let other = fixtures().join("safe.safetensors");
    let error = load("npr", None, other).err().unwrap().to_string();
    assert!(error.contains("2 of another shape: `fc1.bias` [2] instead of [1]"), "{error}");
}

#[test]
fn prefixes_of_training_frameworks_come_off() {
    for id in ["cnnspot", "npr", "safe", "drct", "aide"] {
        let file = renamed(id, |name| Some(format!("module.{name}")));
        assert!(load(id, None, file.path().to_owned()).is_ok(), "{id}");
    }
}

#[test]
fn weights_that_are_not_numbers_give_no_verdict() {
    let detector = load_tiny("npr", None);
    assert!(detector.judge(&gray(8, 8)).is_ok());
    // A variance below zero has no root.
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = std::fs::read(fixtures().join("npr.safetensors")).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let place = header["bn1.running_var"]["data_offsets"][0].as_u64().unwrap() as usize + 8 + length;
    let mut broken = bytes;
    broken[place..place + 4].copy_from_slice(&(-9.0_f32).to_le_bytes());
    std::fs::write(file.path(), broken).unwrap();
    let detector = load("npr", None, file.path().to_owned()).unwrap();
    let error = detector.judge(&gray(8, 8)).unwrap_err().to_string();
    assert!(error.contains("not finite"), "{error}");
}
