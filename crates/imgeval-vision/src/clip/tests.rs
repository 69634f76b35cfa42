//! Against transformers and open_clip: `shared/golden/clip` (transformers 4.36, open_clip 2.20, torchvision 0.16, CPU,
//! f32), if it is there.

use std::path::{Path, PathBuf};

use imgeval_core::{BoundingBox, Category, ColorNamer, Detection, Mask, Pixels};
use serde_json::Value;

use super::{Clip, ClipColorNamer};
use crate::{DecodeLimits, compute::ComputeOptions, load_image};

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
