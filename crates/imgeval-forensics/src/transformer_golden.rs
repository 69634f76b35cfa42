//! The transformer detectors against `shared/golden/forensics` (the detectors' own code over torch 2.15, torchvision, timm and transformers;
//! CPU, f32), where it is there.

use std::path::PathBuf;

use imgeval_vision::compute::ComputeOptions;

use crate::{
    convolutional_golden::{TOLERANCE, check_all, folder},
    port::LoadRequest,
    registry::description,
    trunks::Trunks,
};

/// Loads the detector from these files below `weights/` and compares all images with the entry `item`.
fn check(item: &str, id: &str, pipeline: Option<&str>, files: &[&str]) {
    let Some(folder) = folder() else { return };
    let files: Vec<PathBuf> = files.iter().map(|file| folder.join("weights").join(file)).collect();
    let (trunks, compute) = (Trunks::default(), ComputeOptions::default());
    let request = LoadRequest { files: &files, pipeline, compute, trunks: &trunks };
    check_all(item, (description(id).unwrap().load)(&request).unwrap().as_ref(), &TOLERANCE);
}

#[test]
fn univfd_agrees() {
    check("univfd", "univfd", None, &["clip_trunk_hf.safetensors", "univfd_head_random.pth"]);
    check("univfd_true_head", "univfd", None, &["fc_weights.pth", "clip_trunk_hf.safetensors"]);
}

#[test]
fn community_forensics_agrees() {
    check("commfor384", "community-forensics", None, &["commfor384.safetensors"]);
}

#[test]
fn rine_agrees() {
    check("rine", "rine", None, &["rine_trainable.pth", "clip_trunk_hf.safetensors"]);
}

#[test]
fn clipdet_agrees() {
    check("clipdet", "clipdet", None, &["clip_trunk_hf.safetensors", "clipdet_head.pth"]);
}

#[test]
fn effort_agrees() {
    check("effort_demo", "effort", Some("demo"), &["effort.pth"]);
    check("effort_fork", "effort", Some("fork"), &["effort.pth"]);
}

#[test]
fn c2p_clip_agrees() {
    check("c2p_clip", "c2p-clip", None, &["c2p_clip.pth"]);
}

#[test]
fn b_free_agrees() {
    check("bfree", "b-free", None, &["bfree.pth"]);
}

#[test]
fn fatformer_agrees() {
    check("fatformer", "fatformer", None, &["fatformer.pth"]);
}

#[test]
fn drct_over_clip_agrees() {
    check("drct_clip", "drct", None, &["drct_clip.pth"]);
}
