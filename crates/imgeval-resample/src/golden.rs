//! Held against SciPy, Pillow and OpenCV: a small fixture of our own (`scripts/reference/degrade.py`), and golden values of an image
//! where they are at hand.

use std::path::{Path, PathBuf};

use imgeval_core::Pixels;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    blur::{opencv_gaussian, pillow_gaussian, scipy_gaussian, torchvision_gaussian},
    opencv, opencv_sampling, pillow,
};

const FIXTURE: &str = include_str!("../tests/fixtures/degrade.json");

fn sha256(pixels: &Pixels) -> String {
    Sha256::digest(pixels.rgb()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a name such as `pillow_BOX_224x224` stands for; none of what is not rebuilt here.
fn rebuilt(source: &Pixels, name: &str) -> Option<Pixels> {
    if let Some(sigma) = name.strip_prefix("scipy_sigma_") {
        return Some(scipy_gaussian(source, sigma.parse().unwrap()));
    }
    let opencv_blur = |size, sigma| Some(opencv_gaussian(source, size, sigma).unwrap());
    match name {
        "cv2_GaussianBlur_k0_s1.0" => return opencv_blur(0, 1.0),
        "cv2_GaussianBlur_k0_s2.0" => return opencv_blur(0, 2.0),
        "cv2_GaussianBlur_k3_s0" => return opencv_blur(3, 0.0),
        "cv2_GaussianBlur_k5_s0" => return opencv_blur(5, 0.0),
        "cv2_GaussianBlur_k7_s1.5" => return opencv_blur(7, 1.5),
        "torchvision_GaussianBlur_k5_s1.0" => return Some(torchvision_gaussian(source, 5, 1.0).unwrap()),
        "torchvision_GaussianBlur_k5_s2.0" => return Some(torchvision_gaussian(source, 5, 2.0).unwrap()),
        "pillow_GaussianBlur_r1" => return Some(pillow_gaussian(source, 1.0)),
        "pillow_GaussianBlur_r2" => return Some(pillow_gaussian(source, 2.0)),
        _ => {}
    }
    if let Some(factor) = name.strip_prefix("cv2_scale_drct_") {
        let scaled = |side: u32| (f64::from(side) * factor.parse::<f64>().unwrap()) as u32;
        return Some(opencv::resize_bilinear(source, scaled(source.width()), scaled(source.height())));
    }
    let (kind, size) = name.rsplit_once('_')?;
    let (width, height) = size.split_once('x')?;
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    let filter = match kind {
        "pillow_NEAREST" => pillow::Filter::Nearest,
        "pillow_BOX" => pillow::Filter::Box,
        "pillow_BILINEAR" => pillow::Filter::Bilinear,
        "pillow_HAMMING" => pillow::Filter::Hamming,
        "pillow_BICUBIC" => pillow::Filter::Bicubic,
        "pillow_LANCZOS" => pillow::Filter::Lanczos,
        "cv2_LINEAR" => return Some(opencv::resize_bilinear(source, width, height)),
        "cv2_NEAREST" => return Some(opencv_sampling::resize_nearest(source, width, height)),
        "cv2_AREA" => return Some(opencv_sampling::resize_area(source, width, height)),
        "cv2_LANCZOS4" => return Some(opencv_sampling::resize_lanczos4(source, width, height)),
        _ => return None,
    };
    Some(pillow::resize(source, width, height, filter))
}

/// A pattern with every frequency, the same as in the script.
fn pattern(width: u32, height: u32) -> Pixels {
    let value =
        |x: u32, y: u32, channel: u32| ((x * x * 7 + y * y * 5 + x * y * 3 + 40 * channel) % 256) as u8;
    let rgb = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |channel| value(x, y, channel))))
        .collect();
    Pixels::new(width, height, rgb).unwrap()
}

#[test]
fn the_libraries_own_bytes_come_out() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let source = pattern(37, 23);
    let cases = fixture["cases"].as_object().unwrap();
    for (name, expected) in cases {
        let found = rebuilt(&source, name).unwrap_or_else(|| panic!("{name} is not rebuilt"));
        assert_eq!(sha256(&found), expected.as_str().unwrap(), "{name}");
    }
    assert!(cases.len() >= 12);
}

#[test]
fn golden_degradations_come_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/forensics/degrade");
    let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else { return };
    let expected: Value = serde_json::from_str(&text).unwrap();
    let source = load(&folder.join("source.png"));
    let mut missing = Vec::new();
    for (name, golden) in
        expected["blur"].as_object().unwrap().iter().chain(expected["resize"].as_object().unwrap())
    {
        let golden = golden.get("uint8_in_place").unwrap_or(golden);
        match rebuilt(&source, name) {
            Some(found) => assert_eq!(sha256(&found), golden["sha256"].as_str().unwrap(), "{name}"),
            None => missing.push(name),
        }
    }
    // OpenCV's cubic and exact kinds are not rebuilt; torchvision's scalings belong to the detectors' preparation.
    let is_known = |name: &&String| {
        ["cv2_CUBIC", "_EXACT_", "torchvision_pil", "torchvision_tensor", "_down_up_"]
            .iter()
            .any(|part| name.contains(part))
    };
    assert!(missing.iter().all(is_known), "{missing:?}");
}

fn load(path: &PathBuf) -> Pixels {
    let image = image::open(path).unwrap().to_rgb8();
    Pixels::new(image.width(), image.height(), image.into_raw()).unwrap()
}
