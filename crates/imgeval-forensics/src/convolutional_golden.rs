//! The convolutional detectors against `shared/golden/forensics` (the detectors' own code over torch 2.15, torchvision and timm; CPU, f32),
//! where it is there.

use std::path::{Path, PathBuf};

use imgeval_vision::{DecodeLimits, checkpoint::Checkpoint, compute::ComputeOptions};
use serde_json::Value;

use crate::{
    detectors::cnnspot,
    port::{Detector, ForensicsError, Judgment, LoadRequest},
    preparation::sha256,
    registry::description,
    source::{Reader, SourceImage},
    trace::Trace,
    trunks::Trunks,
};

/// Of logits; of scores; of stages, relative to the largest number of the stage.
pub(crate) struct Tolerance {
    logits: f64,
    score: f64,
    probes: f64,
}

pub(crate) const TOLERANCE: Tolerance = Tolerance { logits: 2e-4, score: 1e-4, probes: 1e-4 };

pub(crate) fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/forensics");
    folder.is_dir().then_some(folder)
}

fn expected_in(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

fn read(folder: &Path, name: &str) -> SourceImage {
    let path = match name.strip_prefix("shared/") {
        Some(rest) => folder.join("../..").join(rest),
        None => folder.join(name),
    };
    SourceImage::read(&std::fs::read(path).unwrap(), &DecodeLimits::default()).unwrap()
}

fn load(id: &str, pipeline: Option<&str>, file: PathBuf) -> Result<Box<dyn Detector>, ForensicsError> {
    let (compute, trunks) = (ComputeOptions::default(), Trunks::default());
    let request = LoadRequest { files: &[file], pipeline, compute, trunks: &trunks };
    (description(id).unwrap().load)(&request)
}

/// Compares all images of the entry `item`, except for stages that do not exist here because layers are folded into others.
fn check(item: &str, id: &str, pipeline: &str, file: &str, tolerance: &Tolerance) {
    let Some(folder) = folder() else { return };
    let detector = load(id, Some(pipeline), folder.join("weights").join(file)).unwrap();
    check_all(item, detector.as_ref(), tolerance);
}

pub(crate) fn check_all(item: &str, detector: &dyn Detector, tolerance: &Tolerance) {
    let Some(folder) = folder() else { return };
    let mut worst = Tolerance { logits: 0.0, score: 0.0, probes: 0.0 };
    for (name, expected) in expected_in(&folder)["detectors"][item]["images"].as_object().unwrap() {
        let mut trace = Trace::on();
        let judgment = detector.judge_traced(&read(&folder, name), &mut trace).unwrap();
        let sha256 = expected["crop_u8"]["sha256"].as_str();
        assert_eq!(judgment.crop_sha256.as_deref(), sha256, "{item} {name}");
        for (stage, expected) in expected["stages"].as_object().unwrap() {
            if stage != "conv1" && stage != "bn1" {
                worst.probes = worst.probes.max(stage_difference(&trace, stage, expected));
            }
        }
        if expected["input"].is_object() {
            worst.probes = worst.probes.max(stage_difference(&trace, "input", &expected["input"]));
        }
        let (logits, score) = differences(&judgment, expected);
        worst = Tolerance { logits: worst.logits.max(logits), score: worst.score.max(score), ..worst };
        assert_eq!(judgment.is_fake, expected["verdict"] == "fake", "{item} {name}");
    }
    finish(item, &worst, tolerance);
}

/// Compares the worst differences with the tolerance; a file that the environment names gets them as a line, for tables of them.
fn finish(item: &str, worst: &Tolerance, tolerance: &Tolerance) {
    let Tolerance { logits, score, probes } = *worst;
    let found = format!("{item}: logits {logits:.1e}, score {score:.1e}, stages {probes:.1e}");
    let is_within = logits <= tolerance.logits && score <= tolerance.score && probes <= tolerance.probes;
    if let Ok(path) = std::env::var("IMGEVAL_TEST_WORST") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, format!("{found}\n").as_bytes()).unwrap();
    }
    assert!(is_within, "{found}");
}

fn differences(judgment: &Judgment, expected: &Value) -> (f64, f64) {
    let logits: Vec<f64> = serde_json::from_value(expected["logits"].clone()).unwrap();
    assert_eq!(judgment.logits.len(), logits.len());
    let differences =
        judgment.logits.iter().zip(logits).map(|(found, logit)| (f64::from(*found) - logit).abs());
    (differences.fold(0.0, f64::max), (judgment.score - expected["score"].as_f64().unwrap()).abs())
}

/// Of the probes, relative to the stage's largest number. Their maps have the channels first, ours last.
fn stage_difference(trace: &Trace, stage: &str, expected: &Value) -> f64 {
    // Those of five windows together are called so.
    let found = trace.stage(stage.trim_end_matches('5')).unwrap_or_else(|| panic!("no stage `{stage}`"));
    let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
    assert_eq!(found.elem_count(), shape.iter().product::<usize>(), "{stage}");
    let is_map = shape.len() >= 3 && found.rank() == 2;
    let found = if is_map { found.t().unwrap().contiguous().unwrap() } else { found.clone() };
    let numbers: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
    let places: Vec<usize> = serde_json::from_value(expected["probe_index"].clone()).unwrap();
    let probes: Vec<f64> = serde_json::from_value(expected["probe"].clone()).unwrap();
    let largest = expected["max_abs"].as_f64().unwrap();
    let differences = places.iter().zip(probes).map(|(place, probe)| f64::from(numbers[*place]) - probe);
    differences.fold(0.0, |worst: f64, difference| worst.max(difference.abs() / largest))
}

#[test]
fn cnnspot_agrees_in_both_pipelines() {
    check("cnnspot_nocrop", "cnnspot", "native", "cnnspot_width8.pth", &TOLERANCE);
    check("cnnspot_crop224", "cnnspot", "crop224", "cnnspot_width8.pth", &TOLERANCE);
}

#[test]
fn npr_agrees_in_its_three_pipelines() {
    check("npr_resize256", "npr", "resize256", "npr_f16.pth", &TOLERANCE);
    check("npr_native", "npr", "native", "npr_f16.pth", &TOLERANCE);
    check("npr_tile224", "npr", "tile224", "npr_f16.pth", &TOLERANCE);
}

#[test]
fn safe_agrees() {
    let tolerance = Tolerance { logits: 5e-4, ..TOLERANCE };
    check("safe", "safe", "crop256", "safe_f16.pth", &tolerance);
}

#[test]
fn drct_with_convnext_agrees() {
    check("drct_convnext", "drct", "crop224", "drct_convnext.pth", &TOLERANCE);
}

#[test]
fn aide_agrees() {
    let Some(folder) = folder() else { return };
    let detector = load("aide", None, folder.join("weights/aide.pth")).unwrap();
    let mut worst = Tolerance { logits: 0.0, score: 0.0, probes: 0.0 };
    for (name, expected) in expected_in(&folder)["detectors"]["aide"]["images"].as_object().unwrap() {
        let mut trace = Trace::on();
        let judgment = detector.judge_traced(&read(&folder, name), &mut trace).unwrap();
        let stages = expected["stages"].as_object().unwrap().iter();
        let inputs = expected["inputs"].as_object().unwrap().iter();
        let patches = ["patch_minmin", "patch_maxmax"].map(|patch| (patch.to_owned(), &expected[patch]));
        // The last image that went through a layer is the second highest window, or the second lowest.
        let ours = |stage: &str| match stage {
            "hpf_last" => "hpf_maxmax1".to_owned(),
            "model_min_last" => "features_minmin1".to_owned(),
            "model_max_last" => "features_maxmax1".to_owned(),
            same => same.to_owned(),
        };
        let all = stages
            .map(|(stage, expected)| (ours(stage), expected))
            .chain(inputs.map(|(input, expected)| (format!("input_{input}"), expected)))
            .chain(patches);
        for (stage, expected) in all {
            worst.probes = worst.probes.max(stage_difference(&trace, &stage, expected));
        }
        let (logits, score) = differences(&judgment, expected);
        worst = Tolerance { logits: worst.logits.max(logits), score: worst.score.max(score), ..worst };
        assert_eq!(judgment.is_fake, expected["verdict"] == "fake", "{name}");
    }
    finish("aide", &worst, &TOLERANCE);
}

#[test]
fn resnet_50_of_full_width_agrees() {
    let Some(folder) = folder() else { return };
    let expected = &expected_in(&folder)["detectors"]["resnet50_full_hash"];
    let tensors = hashed::resnet_50(&expected["generator"]);
    let checkpoint = Checkpoint::from_bytes(Path::new("hashed"), hashed::safetensors(&tensors)).unwrap();
    let detector = cnnspot::of_checkpoint(checkpoint, "crop224").unwrap();
    check_all("resnet50_full_hash", detector.as_ref(), &TOLERANCE);
}

#[test]
fn pixels_are_those_of_both_libraries() {
    let Some(folder) = folder() else { return };
    let image = read(&folder, "images/exif6.png");
    let [pillow, opencv] = [Reader::Pillow, Reader::OpenCv].map(|reader| image.read_by(reader));
    assert_eq!((pillow.width(), pillow.height()), (opencv.height(), opencv.width()));
    assert_ne!(sha256(pillow), sha256(opencv));
}

#[test]
fn other_networks_are_refused() {
    let Some(folder) = folder() else { return };
    for (id, file) in [
        ("cnnspot", "npr_f16.pth"),
        ("npr", "cnnspot_width8.pth"),
        ("npr", "safe_f16.pth"),
        ("safe", "npr_f16.pth"),
        ("drct", "safe_f16.pth"),
    ] {
        assert!(load(id, None, folder.join("weights").join(file)).is_err(), "{id} of {file}");
    }
}

/// Weights out of a generator, as the golden data's README describes it.
mod hashed {
    use serde_json::Value;

    pub(super) type Tensor = (String, Vec<usize>, Vec<f32>);

    /// Numbers in [0, 1) for a name.
    fn uniform(salt: &str, name: &str) -> impl Iterator<Item = f64> {
        let bytes = salt.bytes().chain(name.bytes());
        let seed = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        (1_u64..).map(move |place| {
            let z = seed.wrapping_add(place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ z >> 31) >> 40) as f64 / f64::from(1_u32 << 24)
        })
    }

    pub(super) fn resnet_50(generator: &Value) -> Vec<Tensor> {
        let salt = generator["salt"].as_str().unwrap();
        let mut tensors = Vec::new();
        let mut add = |name: String, shape: Vec<usize>, map: &dyn Fn(f64) -> f64| {
            let count = shape.iter().product();
            let numbers = uniform(salt, &name).take(count).map(|u| map(u) as f32).collect();
            tensors.push((name, shape, numbers));
        };
        let mut normed = |name: &str, norm: &str, shape: [usize; 4]| {
            let amplitude = (6.0 / (shape[1] * shape[2] * shape[3]) as f64).sqrt();
            add(format!("{name}.weight"), shape.to_vec(), &|u| (2.0 * u - 1.0) * amplitude);
            let scale = if norm.ends_with("bn3") { 0.35 } else { 1.0 };
            let outputs = vec![shape[0]];
            add(format!("{norm}.weight"), outputs.clone(), &|u| (0.5 + u) * scale);
            add(format!("{norm}.bias"), outputs.clone(), &|u| (u - 0.5) * 0.6);
            add(format!("{norm}.running_mean"), outputs.clone(), &|u| (u - 0.5) * 0.6);
            add(format!("{norm}.running_var"), outputs, &|u| 0.5 + u);
        };
        normed("conv1", "bn1", [64, 3, 7, 7]);
        let mut inputs = 64;
        for (layer, depth) in [3, 4, 6, 3].into_iter().enumerate() {
            let inner = 64 << layer;
            for place in 0..depth {
                let name = format!("layer{}.{place}", layer + 1);
                let of = |part: &str| format!("{name}.{part}");
                normed(&of("conv1"), &of("bn1"), [inner, inputs, 1, 1]);
                normed(&of("conv2"), &of("bn2"), [inner, inner, 3, 3]);
                normed(&of("conv3"), &of("bn3"), [4 * inner, inner, 1, 1]);
                if place == 0 {
                    normed(&of("downsample.0"), &of("downsample.1"), [4 * inner, inputs, 1, 1]);
                }
                inputs = 4 * inner;
            }
        }
        let amplitude = generator["fc_weight_amplitude"].as_f64().unwrap();
        add("fc.weight".to_owned(), vec![1, inputs], &|u| (2.0 * u - 1.0) * amplitude);
        let bias = generator["fc_bias"].as_f64().unwrap();
        add("fc.bias".to_owned(), vec![1], &|_| bias);
        tensors
    }

    pub(super) fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
        let mut header = serde_json::Map::new();
        let mut data = Vec::new();
        for (name, shape, numbers) in tensors {
            let start = data.len();
            data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            let offsets = [start, data.len()];
            let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": offsets });
            header.insert(name.clone(), entry);
        }
        let mut header = serde_json::to_vec(&header).unwrap();
        header.resize(header.len().next_multiple_of(8), b' ');
        [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
    }
}
