//! Tiny networks in the published names, from `scripts/reference/forensics_transformers.py` (torch 2.15, torchvision 0.29, timm 1.0.31,
//! transformers 5.24; CPU, f32).

use std::path::{Path, PathBuf};

use candle_core::safetensors::{load, save};
use imgeval_vision::{DecodeLimits, compute::ComputeOptions};
use serde_json::Value;

use crate::{Detector, ForensicsError, LoadRequest, SourceImage, Trunks, description};

const IMAGES: [&str; 2] = ["large.png", "small.png"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transformers").join(name)
}

fn image(name: &str) -> SourceImage {
    SourceImage::read(&std::fs::read(fixture(name)).unwrap(), &DecodeLimits::default()).unwrap()
}

fn load_from(
    files: &[PathBuf],
    id: &str,
    pipeline: Option<&str>,
    trunks: &Trunks,
) -> Result<Box<dyn Detector>, ForensicsError> {
    let request = LoadRequest { files, pipeline, compute: ComputeOptions::default(), trunks };
    (description(id).unwrap().load)(&request)
}

fn loaded(id: &str, pipeline: Option<&str>, files: &[&str], trunks: &Trunks) -> Box<dyn Detector> {
    let files: Vec<PathBuf> = files.iter().map(|file| fixture(file)).collect();
    load_from(&files, id, pipeline, trunks).unwrap()
}

/// Compares all images that the entry `item` has.
fn check(item: &str, detector: &dyn Detector) {
    let expected: Value = serde_json::from_slice(&std::fs::read(fixture("expected.json")).unwrap()).unwrap();
    let expected = expected["expected"][item].as_object().unwrap();
    for (name, expected) in expected {
        let judgment = detector.judge(&image(name)).unwrap();
        assert_eq!(judgment.crop_sha256.as_deref(), expected["crop_sha256"].as_str(), "{item} {name}");
        let logits: Vec<f32> = serde_json::from_value(expected["logits"].clone()).unwrap();
        assert_eq!(judgment.logits.len(), logits.len(), "{item} {name}");
        for (found, expected) in judgment.logits.iter().zip(&logits) {
            assert!((found - expected).abs() <= 2e-5, "{item} {name}: {found} instead of {expected}");
        }
    }
}

#[test]
fn detectors_over_the_shared_encoder_cost_one_pass_an_image() {
    let trunks = Trunks::default();
    let trunk = "clip_hf.safetensors";
    let detectors = [
        ("univfd_0", loaded("univfd", None, &[trunk, "univfd_0.pth"], &trunks)),
        ("univfd_1", loaded("univfd", None, &["univfd_1.pth", trunk], &trunks)),
        ("rine_0", loaded("rine", None, &["rine_0.pth", trunk], &trunks)),
        ("rine_1", loaded("rine", None, &[trunk, "rine_1.pth"], &trunks)),
    ];
    for name in IMAGES {
        detectors.iter().for_each(|(_, detector)| drop(detector.judge(&image(name)).unwrap()));
    }
    assert_eq!(trunks.passes(), 2);
    detectors.iter().for_each(|(item, detector)| check(item, &**detector));
    assert_eq!(trunks.passes(), 2);
    // The middle of the image is one of the ten crops, and remembered.
    let ten = loaded("rine", Some("ten-crops"), &[trunk, "rine_0.pth"], &trunks);
    check("rine_ten_crops", &*ten);
    assert_eq!(trunks.passes(), 2 + 9);
    assert!(matches!(ten.judge(&image("small.png")), Err(ForensicsError::TooSmall { needed: 16, .. })));
    // The exact activation is another network, and so is another file.
    check("clipdet", &*loaded("clipdet", None, &[trunk, "clipdet.pth"], &trunks));
    check("univfd_0", &*loaded("univfd", None, &["clip_openai.pth", "univfd_0.pth"], &trunks));
    assert_eq!(trunks.passes(), 2 + 9 + 2 + 2);
}

#[test]
fn detectors_of_one_file_agree_with_their_references() {
    let trunks = Trunks::default();
    for (item, id, pipeline, file) in [
        ("community", "community-forensics", None, "community.safetensors"),
        ("effort_demo", "effort", Some("demo"), "effort.safetensors"),
        ("effort_fork", "effort", Some("fork"), "effort.safetensors"),
        ("c2p_clip", "c2p-clip", None, "c2p_clip.safetensors"),
        ("drct_clip", "drct", None, "drct_clip.safetensors"),
        ("fatformer", "fatformer", None, "fatformer.safetensors"),
        ("bfree", "b-free", None, "bfree.safetensors"),
    ] {
        check(item, &*loaded(id, pipeline, &[file], &trunks));
    }
}

/// What loading says of a file that was changed.
fn refusal(id: &str, file: &str, rename: impl Fn(&str) -> Option<String>, others: &[&str]) -> String {
    let tensors = load(fixture(file), &candle_core::Device::Cpu).unwrap();
    let changed = tensors.into_iter().filter_map(|(name, tensor)| Some((rename(&name)?, tensor)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.safetensors");
    save(&changed.collect(), &path).unwrap();
    let files = others.iter().map(|file| fixture(file)).chain([path]).collect::<Vec<_>>();
    match load_from(&files, id, None, &Trunks::default()) {
        Ok(_) => panic!("{id} was loaded"),
        Err(error) => error.to_string().replace(folder.path().to_str().unwrap(), ""),
    }
}

#[test]
fn half_a_network_is_never_loaded() {
    let without = |part: &'static str| move |name: &str| (!name.contains(part)).then(|| name.to_owned());
    // The demonstration loads whatever fits: a wrong prefix gives a random head there.
    let prefixed = |name: &str| Some(name.replace("module.backbone.", "net.backbone."));
    let said = refusal("effort", "effort.safetensors", prefixed, &[]);
    assert!(said.contains("does not contain the network of Effort"), "{said}");
    let head = |name: &str| Some(name.replace("module.head.", "module.classifier."));
    let said = refusal("effort", "effort.safetensors", head, &[]);
    assert!(
        said.contains("missing: `head.bias`, `head.weight`") && said.contains("2 not expected"),
        "{said}"
    );
    for (id, file, part) in [
        ("effort", "effort.safetensors", "1.self_attn.k_proj.S_residual"),
        ("c2p-clip", "c2p_clip.safetensors", "visual_projection"),
        ("community-forensics", "community.safetensors", "blocks.1.mlp.fc2.bias"),
        ("b-free", "bfree.safetensors", "ls2.gamma"),
        ("fatformer", "fatformer.safetensors", "second_conv_layer.weight"),
    ] {
        let said = refusal(id, file, without(part), &[]);
        assert!(said.contains("missing"), "{id}: {said}");
    }
    let said = refusal("univfd", "clip_hf.safetensors", without("visual_projection"), &["univfd_0.pth"]);
    assert!(said.contains("has no projection"), "{said}");
}

#[test]
fn files_are_told_apart_by_their_tensors() {
    let refused = |id: &str, files: &[&str]| {
        let files: Vec<PathBuf> = files.iter().map(|file| fixture(file)).collect();
        load_from(&files, id, None, &Trunks::default()).err().unwrap()
    };
    let trunk = "clip_hf.safetensors";
    assert!(matches!(refused("univfd", &[trunk, "clip_openai.pth"]), ForensicsError::NoHead { .. }));
    assert!(matches!(refused("rine", &["rine_0.pth", "rine_1.pth"]), ForensicsError::NoTrunk { .. }));
    assert!(matches!(refused("univfd", &[trunk]), ForensicsError::FileCount { needed: 2, found: 1, .. }));
    let said = refused("univfd", &[trunk, "rine_0.pth"]).to_string();
    assert!(said.contains("2 missing: `bias`, `weight`"), "{said}");
    let said = refused("community-forensics", &["bfree.safetensors"]).to_string();
    assert!(said.contains("does not contain the network of Community Forensics"), "{said}");
}
