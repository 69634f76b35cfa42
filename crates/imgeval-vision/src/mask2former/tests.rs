//! Against mmdetection: `shared/golden/mask2former` (mmdet 3.3.0, mmcv 2.1.0, torch 2.1.2, CPU, f32), if it is there.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, npy::NpzTensors};
use imgeval_core::{Detection, Detector};

use super::Mask2FormerDetector;
use crate::{
    DecodeLimits,
    compute::{Backend, ComputeOptions},
    load_image,
};

const IMAGES: [(&str, &str); 3] = [
    ("ge_cow_left_of_stop_sign.png", "data/images/geneval_gpt4o/00394/samples/0000.png"),
    ("re_orange_gpt4o.png", "data/images/reason_edit/edited/gpt4o/Reasoning_metrics_1/0001.png"),
    ("wise_south_africa_sport.png", "data/images/portrait.png"),
];

fn shared() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    shared.join("golden/mask2former").is_dir().then_some(shared)
}

/// The largest difference, relative to the largest expected value.
fn relative_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs())) / largest
}

fn numbers(tensor: &candle_core::Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn check_logits(weights: &str, dtype: DType) {
    let Some(shared) = shared() else { return };
    let golden = shared.join("golden/mask2former");
    let tensors = NpzTensors::new(golden.join("tensors.npz")).unwrap();
    let expected = |name: String| numbers(&tensors.get(&name).unwrap().unwrap());
    let mut detector = Mask2FormerDetector::load(&golden.join(weights), &ComputeOptions::default()).unwrap();
    detector.backend = Backend { device: Device::Cpu, dtype };
    for (name, path) in IMAGES {
        let Ok(image) = load_image(&shared.join(path), &DecodeLimits::default()) else {
            panic!("{path} is not readable")
        };
        let (sizes, prediction) = detector.predict(&image.pixels).unwrap();
        let difference =
            relative_difference(&numbers(&prediction.class_logits), &expected(format!("cls/{name}")));
        assert!(difference < 2e-4, "{weights}, {name}: class logits differ by {difference}");
        let (height, width) = (sizes.padded.0 / 4, sizes.padded.1 / 4);
        let masks = prediction.mask_logits.pixels.t().unwrap().narrow(0, 0, 4).unwrap();
        let difference = relative_difference(&numbers(&masks), &expected(format!("mask/{name}")));
        assert!(difference < 2e-4, "{weights}, {name}, {height}x{width}: mask logits differ by {difference}");
    }
}

#[test]
fn logits_equal_mmdetection_2() {
    check_logits("model.pth", DType::F32);
}

#[test]
fn logits_equal_mmdetection_3() {
    check_logits("model_mmdet3.pth", DType::F32);
}

/// Numbers of 64 bits take the composed operations, which are what CUDA and Metal compute with.
#[test]
fn composed_operations_give_the_same_logits() {
    check_logits("model.pth", DType::F64);
}

/// Whether each of `expected` has a partner of its own within the tolerances of `shared/README.md`.
fn assert_same_set(found: &[Detection], expected: &[serde_json::Value], name: &str) {
    assert_eq!(found.len(), expected.len());
    let mut left: Vec<&Detection> = found.iter().collect();
    for one in expected {
        let number = |key: &str| one[key].as_f64().unwrap();
        let matches = |detection: &&Detection| {
            let corners = detection.bounding_box.to_array();
            let mask_area = detection.mask.as_ref().map_or(0, imgeval_core::Mask::area) as f64;
            detection.category.index() as f64 == number("label")
                && (f64::from(detection.score) - number("score")).abs() < 1e-3
                && corners
                    .iter()
                    .zip(one["box"].as_array().unwrap())
                    .all(|(corner, expected)| (f64::from(*corner) - expected.as_f64().unwrap()).abs() <= 1.0)
                && (mask_area - number("mask_area")).abs() <= (0.005 * number("mask_area")).max(1.0)
        };
        let place = left.iter().position(matches);
        left.remove(place.unwrap_or_else(|| panic!("{name}: nothing like {one} among {} left", left.len())));
    }
}

#[test]
fn detections_equal_mmdetection() {
    let Some(shared) = shared() else { return };
    let golden = shared.join("golden/mask2former");
    let expected = std::fs::read_to_string(golden.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    for weights in ["model.pth", "model_mmdet3.pth"] {
        let detector = Mask2FormerDetector::load(&golden.join(weights), &ComputeOptions::default()).unwrap();
        for (name, path) in IMAGES {
            let image = load_image(&shared.join(path), &DecodeLimits::default()).unwrap();
            let expected = &expected[name];
            let size = detector.input_size(image.pixels.width(), image.pixels.height()).unwrap();
            let original = [image.pixels.width(), image.pixels.height()];
            for (key, [width, height]) in
                [("ori", original), ("resized", size.resized), ("padded", size.padded)]
            {
                assert_eq!(serde_json::json!([height, width]), expected[key]);
            }
            let found = detector.inspect(&image.pixels).unwrap();
            assert_same_set(&found, expected["detections"].as_array().unwrap(), name);
        }
    }
}
