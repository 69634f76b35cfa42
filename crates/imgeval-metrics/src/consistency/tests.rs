//! `tests/fixtures/consistency.json`, made by `scripts/reference/round_features.py` with PyTorch; and
//! `shared/golden/multiturn/edival/pixels` (EdiVal's published code on given boxes and tokens), if it is there.

use std::path::Path;

use imgeval_core::Pixels;
use imgeval_resample::pillow::{Filter, resize};
use serde_json::Value;

use super::*;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().flat_map(numbers).map(|number| number as f32).collect()
}

fn boxes(value: &Value) -> Vec<FrameBox> {
    let corners = value.as_array().unwrap().iter().map(numbers);
    corners.map(|corners| FrameBox::of(corners.try_into().unwrap())).collect()
}

fn load(path: &Path) -> Pixels {
    let picture = image::open(path).unwrap().to_rgb8();
    Pixels::new(picture.width(), picture.height(), picture.into_raw()).unwrap()
}

#[test]
fn golden_objects_and_backgrounds_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/multiturn/edival/pixels");
    let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else { return };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let tokens: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("tokens.json")).unwrap()).unwrap();
    let (mut worst_pixels, mut worst_features) = (0.0_f64, 0.0_f64);
    for case in cases.iter().filter(|case| case["source"].is_string()) {
        let squeezed =
            |name: &str| resize(&load(&folder.join(case[name].as_str().unwrap())), 512, 512, Filter::Lanczos);
        let (source, target) = (squeezed("source"), squeezed("target"));
        let all = [boxes(&case["all_boxes_in_source"]), boxes(&case["all_boxes_in_target"])].concat();
        let background = Background::outside(512, 512, &all).unwrap();
        for kind in ["with_registers", "without_registers"] {
            let (given, expected) = (&tokens[kind], &case[kind]);
            let (first, second) = (rows(&given[0]), rows(&given[1]));
            let (first, second) = (Tokens::new(&first, 6).unwrap(), Tokens::new(&second, 6).unwrap());
            let grid = patch_grid(first.others().len(), 512, 512);
            assert_eq!(serde_json::json!([grid.0, grid.1]), expected["background_grid"]);
            let n_patches = background.patch_shares(grid, 224).iter().filter(|share| **share > 0.0).count();
            assert_eq!(
                Value::from(n_patches),
                expected["background_patches"],
                "{kind} of {}",
                case["source"]
            );
            let near = |worst: &mut f64, found: f64, expected: &Value| {
                *worst = worst.max((found - expected.as_f64().unwrap()).abs());
            };
            let found = background_similarity(&first, &second, &background, 224).unwrap();
            near(&mut worst_features, found, &expected["background_dino"]);
            near(&mut worst_pixels, background.l1(&source, &target).unwrap(), &expected["background_l1"]);
            let objects = boxes(&case["object_boxes_in_source"]);
            for (index, object) in objects.iter().enumerate() {
                let found = object_similarity(&first, &second).unwrap();
                near(&mut worst_features, found, &expected["object_dino"][index]);
                let found = box_l1(&source, &target, object).unwrap();
                near(&mut worst_pixels, found, &expected["object_l1"][index]);
            }
        }
    }
    println!("pixels {worst_pixels:e}, features {worst_features:e}");
    assert!(worst_pixels < 1e-6 && worst_features < 1e-5, "{worst_pixels} and {worst_features}");
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/consistency.json")).unwrap()
}

/// As `scripts/reference/round_features.py` makes it.
fn pattern(seed: u64, width: u64, height: u64) -> Pixels {
    let values = (0..3 * width * height).map(|place| ((place + seed) * (place + 7 * seed) % 251) as u8);
    Pixels::new(width as u32, height as u32, values.collect()).unwrap()
}

#[test]
fn formulas_agree_with_pytorch() {
    let expected = fixture();
    let near = |found: f64, name: &str| {
        let expected = expected[name].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-6, "{name}: {found} instead of {expected}");
    };
    let numbers_of = |name: &str| numbers(&expected[name]).iter().map(|x| *x as f32).collect::<Vec<_>>();
    let (first, second) = (numbers_of("first"), numbers_of("second"));
    let (first, second) = (Tokens::new(&first, 5).unwrap(), Tokens::new(&second, 5).unwrap());
    let all = boxes(&expected["boxes"]);
    let background = Background::outside(50, 34, &all).unwrap();
    assert_eq!(patch_grid(24, 50, 34), (4, 6));
    let shares = background.patch_shares((4, 6), 28);
    for (found, expected) in shares.iter().zip(numbers(&expected["shares"])) {
        assert!((found - expected).abs() < 1e-7, "{found} instead of {expected}");
    }
    near(object_similarity(&first, &second).unwrap(), "object");
    near(background_similarity(&first, &second, &background, 28).unwrap(), "background");
    near(
        SelfSimilarity::of(&first).unwrap().distance(&SelfSimilarity::of(&second).unwrap()).unwrap(),
        "structure",
    );
    let (first, second) = (pattern(41, 50, 34), pattern(42, 50, 34));
    near(background.l1(&first, &second).unwrap(), "background_l1");
    near(box_l1(&first, &second, &all[0]).unwrap(), "object_l1");
}

#[test]
fn what_cannot_be_measured_has_a_reason() {
    let numbers = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let tokens = Tokens::new(&numbers, 2).unwrap();
    assert!(Tokens::new(&numbers[..5], 2).is_none() && Tokens::new(&numbers, 6).is_none());
    assert_eq!(tokens.without_registers(1), Some(vec![1.0, 0.0, 1.0, 1.0]));
    assert_eq!(tokens.without_registers(2), None);
    assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), Err(NotMeasurable::NoDirection));
    assert_eq!(cosine(&[f32::NAN], &[1.0]), Err(NotMeasurable::NoDirection));
    assert_eq!(cosine(&[1.0], &[1.0, 2.0]), Err(NotMeasurable::OtherLength(1, 2)));
    let others = Tokens::new(&numbers, 3).unwrap();
    assert_eq!(object_similarity(&tokens, &others), Err(NotMeasurable::OtherLength(2, 3)));
    let whole = FrameBox::of([-0.5, -0.5, 1.5, 1.5]);
    let nothing = Background::outside(20, 10, &[whole]).unwrap();
    let image = pattern(1, 20, 10);
    assert_eq!(nothing.l1(&image, &image), Err(NotMeasurable::NoBackground));
    assert_eq!(background_similarity(&tokens, &tokens, &nothing, 8), Err(NotMeasurable::NoBackground));
    assert_eq!(nothing.l1(&image, &pattern(1, 10, 20)), Err(NotMeasurable::OtherSize));
    assert_eq!(box_l1(&image, &image, &whole), Ok(1.0));
    assert_eq!(box_l1(&image, &image, &FrameBox::of([0.5, 0.1, 0.52, 0.9])), Err(NotMeasurable::EmptyBox));
    let beside = FrameBox::of([-0.9, 0.0, -0.4, 1.0]);
    assert_eq!(box_l1(&image, &image, &beside), Err(NotMeasurable::EmptyBox));
    assert_eq!(Background::outside(20, 10, &[beside]), Background::outside(20, 10, &[]));
}
