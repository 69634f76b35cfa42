//! Against transformers: `tests/fixtures/mask2former`, made by `scripts/reference/mask2former.py`, under the hub's and
//! mmdetection's names. And against mmdetection itself: `shared/golden/mask2former` (mmdet 3.3.0, mmcv 2.1.0, torch
//! 2.1.2, CPU, f32), if it is there.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, npy::NpzTensors};
use imgeval_core::{Detection, Detector};
use serde_json::Value;

use super::{
    Mask2FormerDetector,
    detector::instances,
    keys::Family,
    postprocess::Sizes,
    preprocess::{prepare, sizes},
};
use crate::{
    DecodeLimits,
    compute::{Backend, ComputeOptions},
    load_image,
    random_weights::ramp_picture,
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

fn check_logits(weights: &str) {
    let Some(shared) = shared() else { return };
    let golden = shared.join("golden/mask2former");
    let tensors = NpzTensors::new(golden.join("tensors.npz")).unwrap();
    let expected = |name: String| numbers(&tensors.get(&name).unwrap().unwrap());
    let detector = Mask2FormerDetector::load(&golden.join(weights), "", &ComputeOptions::default()).unwrap();
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
    check_logits("model.pth");
}

#[test]
fn logits_equal_mmdetection_3() {
    check_logits("model_mmdet3.pth");
}

/// Whether each of `expected` has a partner of its own within the tolerances of `shared/README.md`.
fn assert_same_set(found: &[Detection], expected: &[Value], name: &str) {
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
    let expected: Value = serde_json::from_str(&expected).unwrap();
    for weights in ["model.pth", "model_mmdet3.pth"] {
        let detector =
            Mask2FormerDetector::load(&golden.join(weights), "", &ComputeOptions::default()).unwrap();
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

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mask2former")
}

fn expected_fixture() -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join("expected.json")).unwrap()).unwrap()
}

fn pair(value: &Value) -> (usize, usize) {
    let side = |index: usize| usize::try_from(value[index].as_u64().unwrap()).unwrap();
    (side(1), side(0))
}

/// Logits and detections of both fixture images; `rules` names the post-processing in `expected.json`.
fn check_fixture(weights: &str, dtype: DType, family: Family, rules: &str) {
    let tensors =
        candle_core::safetensors::load(fixtures().join("expected.safetensors"), &Device::Cpu).unwrap();
    let mut detector =
        Mask2FormerDetector::load(&fixtures().join(weights), "", &ComputeOptions::default()).unwrap();
    detector.backend = Backend { device: Device::Cpu, dtype };
    for picture in expected_fixture()["pictures"].as_array().unwrap() {
        let name = picture["name"].as_str().unwrap();
        let (height, width) = pair(&picture["size"]);
        let pixels = ramp_picture(picture["seed"].as_u64().unwrap(), width as u32, height as u32);
        // The network's input is the image as it is, only padded.
        let sizes = Sizes {
            original: pair(&picture["original"]),
            resized: (height, width),
            padded: pair(&picture["padded"]),
        };
        let image = prepare(Family::Mmdetection, &pixels, &sizes, &detector.backend).unwrap();
        let prediction = detector.network.forward(&image).unwrap();
        for (key, found) in [
            ("classes", prediction.class_logits.clone()),
            ("masks", prediction.mask_logits.pixels.t().unwrap().narrow(0, 0, 4).unwrap()),
        ] {
            let difference =
                relative_difference(&numbers(&found), &numbers(&tensors[&format!("{name}/{key}")]));
            assert!(difference < 2e-4, "{weights}, {name}: {key} differ by {difference}");
        }
        // The fixture keeps as many as there are queries, by either rule.
        let expected = picture[rules].as_array().unwrap();
        let mut found = instances(family, &sizes, &prediction).unwrap();
        if family == Family::Mmdetection {
            found.retain(|detection| {
                expected.iter().any(|one| one["label"] == detection.category.index())
                    && expected
                        .iter()
                        .any(|one| (one["score"].as_f64().unwrap() - f64::from(detection.score)).abs() < 1e-3)
            });
        }
        assert_same_set(&found, expected, name);
    }
}

#[test]
fn the_fixture_under_mmdetections_names_gives_what_transformers_gives() {
    check_fixture("model_mmdet2.pth", DType::F32, Family::Mmdetection, "mmdet");
}

#[test]
fn the_fixture_under_the_hubs_names_gives_what_transformers_gives() {
    check_fixture("", DType::F32, Family::HuggingFace, "hub");
}

/// Numbers of 64 bits take the composed operations, which are what CUDA and Metal compute with.
#[test]
fn composed_operations_give_what_transformers_gives() {
    check_fixture("", DType::F64, Family::HuggingFace, "hub");
}

#[test]
fn the_hubs_image_processor_is_met() {
    let expected = expected_fixture();
    for row in expected["hub_sizes"].as_array().unwrap() {
        let [width, height, resized_width, resized_height] =
            [0, 1, 2, 3].map(|index| row[index].as_u64().unwrap());
        let sizes = sizes(Family::HuggingFace, width as u32, height as u32);
        assert_eq!(sizes.resized, (resized_height as usize, resized_width as usize), "{width}x{height}");
        assert_eq!(sizes.padded, sizes.resized);
    }
    let processor = &expected["hub_processor"];
    let (height, width) = pair(&processor["size"]);
    let pixels = ramp_picture(processor["seed"].as_u64().unwrap(), width as u32, height as u32);
    let sizes = sizes(Family::HuggingFace, pixels.width(), pixels.height());
    let backend = Backend { device: Device::Cpu, dtype: DType::F32 };
    let found = numbers(&prepare(Family::HuggingFace, &pixels, &sizes, &backend).unwrap().pixels);
    let pil = &processor["pil"];
    for (place, value) in pil["places"].as_array().unwrap().iter().zip(pil["values"].as_array().unwrap()) {
        let [channel, y, x] = [0, 1, 2].map(|index| place[index].as_u64().unwrap() as usize);
        let found = f64::from(found[(y * sizes.resized.1 + x) * 3 + channel]);
        assert!((found - value.as_f64().unwrap()).abs() < 1e-4, "{place}: {found} instead of {value}");
    }
}

#[test]
fn the_canary_sings_and_falls_silent() {
    let path = fixtures().join("model_mmdet2.pth");
    let detector = Mask2FormerDetector::load(&path, "", &ComputeOptions::default()).unwrap();
    detector.canary().unwrap();
    // A weight that is not a number makes every answer so.
    let mut bytes = std::fs::read(fixtures().join("model.safetensors")).unwrap();
    let length = bytes.len();
    bytes[length - 40_000..]
        .chunks_exact_mut(2)
        .for_each(|half| half.copy_from_slice(&0x7e00_u16.to_le_bytes()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let detector = Mask2FormerDetector::load(&path, "", &ComputeOptions::default()).unwrap();
    assert!(detector.canary().unwrap_err().to_string().contains("not finite"));
}

/// The fixture's weights with one tensor of another shape, as a file.
fn reshaped(folder: &Path, name: &str, shape: &[usize]) -> PathBuf {
    let mut tensors =
        candle_core::safetensors::load(fixtures().join("model.safetensors"), &Device::Cpu).unwrap();
    assert!(tensors.contains_key(name), "{name}");
    tensors.insert(name.to_owned(), candle_core::Tensor::zeros(shape, DType::F16, &Device::Cpu).unwrap());
    let path = folder.join("model.safetensors");
    candle_core::safetensors::save(&tensors, &path).unwrap();
    path
}

#[test]
fn impossible_sizes_are_refused_when_loading() {
    let folder = tempfile::tempdir().unwrap();
    let block = "model.pixel_level_module.encoder.encoder.layers.0.blocks.0";
    let table = format!("{block}.attention.self.relative_position_bias_table");
    let decoder = "model.transformer_module";
    for (name, shape) in [
        (table.clone(), vec![169, 0]),
        (table.clone(), vec![169, 3]),
        (table.clone(), vec![399 * 399, 1]),
        (table, vec![0, 1]),
        (format!("{decoder}.queries_embedder.weight"), vec![0, 32]),
        (format!("{decoder}.queries_embedder.weight"), vec![5000, 32]),
        ("model.pixel_level_module.decoder.level_embed".to_owned(), vec![3, 0]),
        ("model.pixel_level_module.decoder.level_embed".to_owned(), vec![3, 30]),
        (format!("{block}.intermediate.dense.weight"), vec![0, 8]),
        (
            "model.pixel_level_module.encoder.embeddings.patch_embeddings.projection.weight".to_owned(),
            vec![0, 3, 4, 4],
        ),
    ] {
        let path = reshaped(folder.path(), &name, &shape);
        let error = Mask2FormerDetector::load(&path, "", &ComputeOptions::default()).err();
        let message = error.unwrap_or_else(|| panic!("{name} {shape:?} is accepted")).to_string();
        assert!(!message.contains('\n'), "{message}");
    }
}
