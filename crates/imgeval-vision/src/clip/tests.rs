//! Against transformers and open_clip: `tests/fixtures/clip`, made by `scripts/reference/clip.py`. And another model:
//! `shared/golden/clip` (transformers 4.36, open_clip 2.20, torchvision 0.16, CPU, f32), if it is there.

use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use imgeval_core::{BoundingBox, Category, ColorNamer, Detection, Mask, Pixels};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Clip, ClipColorNamer, Preparation};
use crate::{DecodeLimits, compute::ComputeOptions, load_image, random_weights::ramp_picture};

const IMAGES: [(&str, &str); 3] = [
    ("ge_cow_left_of_stop_sign.png", "data/images/geneval_gpt4o/00394/samples/0000.png"),
    ("re_orange_gpt4o.png", "data/images/reason_edit/edited/gpt4o/Reasoning_metrics_1/0001.png"),
    ("wise_south_africa_sport.png", "data/images/portrait.png"),
];

fn golden() -> Option<(PathBuf, Value)> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let text = std::fs::read_to_string(shared.join("golden/clip/expected.json")).ok()?;
    Some((shared, serde_json::from_str(&text).unwrap()))
}

fn load(path: &Path) -> Pixels {
    load_image(path, &DecodeLimits::default()).unwrap().pixels
}

fn picture(shared: &Path, name: &Value) -> Pixels {
    let (_, path) = IMAGES.iter().find(|(image, _)| *name == **image).unwrap();
    load(&shared.join(path))
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

fn assert_close(found: &[f32], expected: &Value, name: &Value) {
    let expected = numbers(expected);
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 2e-4 * largest, "{name}: {found} instead of {expected}");
    }
}

#[test]
fn texts_and_images_embed_as_in_transformers() {
    let Some((shared, expected)) = golden() else { return };
    let clip = Clip::load(&shared.join("golden/clip"), &ComputeOptions::default()).unwrap();
    for text in expected["texts"].as_array().unwrap() {
        let found = clip.encode_texts(&[text["text"].as_str().unwrap()]).unwrap();
        assert_eq!(serde_json::json!(found[0].ids), text["ids"]);
        assert_close(&found[0].embedding, &text["embed"], &text["text"]);
    }
    for image in expected["images"].as_array().unwrap() {
        let found = clip.encode_images(&[picture(&shared, &image["image"])]).unwrap();
        assert_close(&found[0], &image["embed"], &image["image"]);
    }
}

#[test]
fn colors_are_named_as_by_geneval() {
    let Some((shared, expected)) = golden() else { return };
    let folder = shared.join("golden/clip");
    let namer = ClipColorNamer::load(&folder, "", &ComputeOptions::default()).unwrap();
    for case in expected["colours"].as_array().unwrap() {
        let pixels = picture(&shared, &case["image"]);
        let mask = case["mask"].as_str().map(|name| {
            let mask = load(&folder.join(name));
            let bits: Vec<bool> = mask.rgb().chunks_exact(3).map(|pixel| pixel[0] > 0).collect();
            Mask::from_bits(mask.width(), mask.height(), &bits).unwrap()
        });
        let corners: [f32; 4] = numbers(&case["box"]).try_into().unwrap();
        let detection = Detection {
            category: Category::from_name(case["class"].as_str().unwrap()).unwrap(),
            score: 1.0,
            bounding_box: BoundingBox::from_array(corners),
            mask,
            colors: None,
        };
        let crop = super::color::cut_out(&pixels, &detection).unwrap();
        assert_eq!(serde_json::json!([crop.width(), crop.height()]), case["crop"]);
        let scores = namer.color_scores(&[(&pixels, &[detection])]).unwrap();
        assert_close(&scores[0][0].values, &case["logits"], &case["class"]);
        let prediction = scores[0][0].best().unwrap();
        assert_eq!(Value::from(prediction.name()), case["predicted"], "{case}");
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clip")
}

fn fixture() -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join("expected.json")).unwrap()).unwrap()
}

/// The fixture's model, unpacked under its name, with the configuration that belongs there.
fn unpacked(weights: &str, configuration: &str, content: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let packed = std::fs::File::open(fixtures().join(format!("{weights}.gz"))).unwrap();
    let mut file = std::fs::File::create(folder.path().join(weights)).unwrap();
    std::io::copy(&mut GzDecoder::new(packed), &mut file).unwrap();
    std::fs::write(folder.path().join(configuration), content.to_string()).unwrap();
    folder
}

fn unpacked_from_hub(activation: &str) -> TempDir {
    let text = std::fs::read_to_string(fixtures().join("config.json")).unwrap();
    let mut content: Value = serde_json::from_str(&text).unwrap();
    for tower in ["vision_config", "text_config"] {
        content[tower]["hidden_act"] = json!(activation);
    }
    unpacked("model.safetensors", "config.json", &content)
}

/// OpenAI's layouts do not tell the heads, open_clip's configuration does.
fn open_clip_configuration(is_quick: bool) -> Value {
    json!({"model_cfg": {"quick_gelu": is_quick, "vision_cfg": {"head_width": 16}, "text_cfg": {"heads": 2}}})
}

fn sizes(value: &Value) -> (u32, u32) {
    serde_json::from_value(value.clone()).unwrap()
}

/// The `pictures` through open_clip's preprocessing, which is ours, and the `texts`.
fn check_embeddings(weights: &Path, activation: &str) {
    let expected = fixture();
    let clip = Clip::load(weights, &ComputeOptions::default()).unwrap();
    let answers = &expected["answers"][activation];
    let pictures = expected["pictures"].as_array().unwrap().iter().map(|picture| {
        let (width, height) = sizes(&picture["size"]);
        ramp_picture(picture["seed"].as_u64().unwrap(), width, height)
    });
    let found = clip.encode_images(&pictures.collect::<Vec<_>>()).unwrap();
    for (found, (expected, picture)) in found.iter().zip(
        answers["images_open_clip"].as_array().unwrap().iter().zip(expected["pictures"].as_array().unwrap()),
    ) {
        assert_close(found, expected, picture);
    }
    assert_eq!(found.len(), 3);
    let texts = expected["texts"].as_array().unwrap();
    let strings: Vec<&str> = texts.iter().map(|text| text.as_str().unwrap()).collect();
    let found = clip.encode_texts(&strings).unwrap();
    for ((found, expected), text) in found.iter().zip(answers["texts"].as_array().unwrap()).zip(texts) {
        assert_close(&found.embedding, expected, text);
    }
    let is_quick = clip.dimensions().vision_activation == crate::ops::Activation::QuickGelu;
    assert_eq!(is_quick, activation == "quick_gelu");
}

/// GenEval's color step over discs, stripes and bare boxes.
fn check_colors(weights: &Path) {
    let case = &fixture()["colors"];
    let (width, height) = sizes(&case["size"]);
    let pixels = ramp_picture(case["seed"].as_u64().unwrap(), width, height);
    let namer = ClipColorNamer::load(weights, "", &ComputeOptions::default()).unwrap();
    for object in case["objects"].as_array().unwrap() {
        let mask = object["mask"].as_str().map(|name| {
            let places = (0..i64::from(height)).flat_map(|y| (0..i64::from(width)).map(move |x| (x, y)));
            let bits = places.map(|(x, y)| match name {
                "disc" => (x - 30).pow(2) + (y - 30).pow(2) < 400,
                _ => (x + y) % 7 < 4,
            });
            Mask::from_bits(width, height, &bits.collect::<Vec<_>>()).unwrap()
        });
        let corners: [f32; 4] = numbers(&object["box"]).try_into().unwrap();
        let detection = Detection {
            category: Category::from_name(case["class"].as_str().unwrap()).unwrap(),
            score: 1.0,
            bounding_box: BoundingBox::from_array(corners),
            mask,
            colors: None,
        };
        let crop = super::color::cut_out(&pixels, &detection).unwrap();
        assert_eq!(json!([crop.width(), crop.height()]), object["crop"]);
        let scores = namer.color_scores(&[(&pixels, &[detection])]).unwrap();
        assert_close(&scores[0][0].values, &object["logits"], &object["box"]);
        assert_eq!(scores[0][0].best().unwrap().name(), object["predicted"].as_str().unwrap());
    }
}

#[test]
fn pictures_prepared_as_transformers_prepares_them_embed_as_there() {
    let (folder, expected) = (unpacked_from_hub("quick_gelu"), fixture());
    let clip = Clip::load(folder.path(), &ComputeOptions::default()).unwrap();
    let answers = &expected["answers"]["quick_gelu"];
    let pairs =
        expected["pictures"].as_array().unwrap().iter().zip(answers["images_hub"].as_array().unwrap());
    for (picture, answer) in pairs {
        let (width, height) = sizes(&picture["size"]);
        let pixels = [ramp_picture(picture["seed"].as_u64().unwrap(), width, height)];
        assert_close(&clip.encode_images_as(&pixels, Preparation::Transformers).unwrap()[0], answer, picture);
    }
    // The two ways differ for one of the images.
    assert_ne!(answers["images_hub"], answers["images_open_clip"]);
}

#[test]
fn the_hubs_layout_gives_what_transformers_gives() {
    for activation in ["quick_gelu", "gelu"] {
        let folder = unpacked_from_hub(activation);
        check_embeddings(folder.path(), activation);
    }
    check_colors(unpacked_from_hub("quick_gelu").path());
}

#[test]
fn openais_layouts_give_what_transformers_gives() {
    for weights in ["model_openai.pt", "model_openai_jit.pt"] {
        for (activation, is_quick) in [("quick_gelu", true), ("gelu", false)] {
            let folder = unpacked(weights, "open_clip_config.json", &open_clip_configuration(is_quick));
            check_embeddings(&folder.path().join(weights), activation);
            if is_quick {
                check_colors(&folder.path().join(weights));
            }
        }
    }
}

#[test]
fn impossible_heads_are_refused() {
    let weights = "model_openai.pt";
    let refused = |configuration: &Value| {
        let folder = unpacked(weights, "open_clip_config.json", configuration);
        let error = Clip::load(&folder.path().join(weights), &ComputeOptions::default()).err().unwrap();
        error.to_string()
    };
    let mut configuration = open_clip_configuration(true);
    configuration["model_cfg"]["vision_cfg"]["head_width"] = json!(0);
    assert!(refused(&configuration).contains("`vision_cfg.head_width` is 0"), "{}", refused(&configuration));
    configuration["model_cfg"]["vision_cfg"]["head_width"] = json!(64);
    assert!(refused(&configuration).contains("0 attention heads do not divide 32 channels"));
    configuration["model_cfg"]["vision_cfg"]["head_width"] = json!(11);
    configuration["model_cfg"]["text_cfg"]["heads"] = json!(3);
    assert!(refused(&configuration).contains("3 attention heads do not divide 32 channels"));
    configuration["model_cfg"]["text_cfg"]["heads"] = json!("two");
    assert!(refused(&configuration).contains("`text_cfg.heads` is \"two\""));
}
