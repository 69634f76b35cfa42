//! Reference: `scripts/reference/resample.py` (OpenCV and Pillow themselves). Every byte must be equal.

use std::{fs, path::Path};

use imgeval_core::{GrayPixels, Pixels};
use imgeval_vision::{
    image_file::{DecodeLimits, load_image},
    resample::{opencv, pillow},
};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::random_weights::noise_picture;

const FILTERS: [(&str, pillow::Filter); 4] = [
    ("nearest", pillow::Filter::Nearest),
    ("bilinear", pillow::Filter::Bilinear),
    ("bicubic", pillow::Filter::Bicubic),
    ("lanczos", pillow::Filter::Lanczos),
];

fn integer(value: &Value) -> u32 {
    value.as_u64().unwrap() as u32
}

fn pair(value: &Value) -> (u32, u32) {
    (integer(&value[0]), integer(&value[1]))
}

fn short_hash(rgb: &[u8]) -> String {
    Sha256::digest(rgb)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(what: &str, case: &Value, found: &Pixels) {
    let size = pair(&case["to"]);
    assert_eq!((found.width(), found.height()), size, "{what} {case}");
    check_bytes(what, case, found.rgb());
}

fn check_bytes(what: &str, case: &Value, found: &[u8]) {
    let expected = &case[what];
    if let Some(values) = expected.as_array() {
        let values: Vec<_> = values.iter().map(|value| integer(value) as u8).collect();
        assert_eq!(found, values, "{what} {case}");
    } else {
        assert_eq!(short_hash(found), expected.as_str().unwrap(), "{what} {case}");
    }
}

#[test]
fn scaling_and_cutting_are_equal_in_every_byte() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resample.json");
    let fixture: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let cases = fixture["resize"].as_array().unwrap();
    assert!(cases.len() > 50);
    for case in cases {
        let (width, height) = pair(&case["from"]);
        let pixels = noise_picture(case["seed"].as_u64().unwrap(), width, height);
        let (width, height) = pair(&case["to"]);
        check("opencv_bilinear", case, &opencv::resize_bilinear(&pixels, width, height));
        let gray = GrayPixels::luma_of(&pixels);
        for (name, filter) in FILTERS {
            check(&format!("pillow_{name}"), case, &pillow::resize(&pixels, width, height, filter));
            let scaled = pillow::resize_gray(&gray, width, height, filter);
            check_bytes(&format!("pillow_{name}_l"), case, scaled.values());
        }
    }
    for case in fixture["crops"].as_array().unwrap() {
        let pixels = noise_picture(case["seed"].as_u64().unwrap(), 23, 17);
        let bounding_box = [0, 1, 2, 3].map(|edge| case["box"][edge].as_f64().unwrap());
        check("crop", case, &pillow::crop(&pixels, bounding_box).unwrap());
    }
}

/// Reference: `scripts/reference/resample_real.py`, Pillow's own results on real images, where the folder of shared data is at
/// hand.
#[test]
fn real_pictures_scale_as_pillow_scales_them() {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/images");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resample_real.json");
    let fixture: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for row in fixture["pictures"].as_array().unwrap() {
        let path = images.join(row["picture"].as_str().unwrap());
        if !path.exists() {
            return;
        }
        let pixels = load_image(&path, &DecodeLimits::default()).unwrap().pixels;
        let gray = GrayPixels::luma_of(&pixels);
        for case in row["sizes"].as_array().unwrap() {
            let (width, height) = pair(&case["to"]);
            for (name, filter) in FILTERS {
                let scaled = pillow::resize(&pixels, width, height, filter);
                check_bytes(name, case, scaled.rgb());
                let scaled = pillow::resize_gray(&gray, width, height, filter);
                check_bytes(&format!("{name}_l"), case, scaled.values());
            }
        }
    }
}

/// The official pipeline's own results on real images, where the folder of shared data is at hand.
#[test]
fn real_pictures_scale_as_mmcv_scales_them() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    for (source, expected) in [
        ("geneval_gpt4o/00394/samples/0000.png", "ge_cow_left_of_stop_sign"),
        ("reason_edit/edited/gpt4o/Reasoning_metrics_1/0001.png", "re_orange_gpt4o"),
    ] {
        let golden = shared.join(format!("golden/mask2former/resized_{expected}.png"));
        if !golden.exists() {
            return;
        }
        let load = |path: &Path| load_image(path, &DecodeLimits::default()).unwrap().pixels;
        let (source, expected) = (load(&shared.join("data/images").join(source)), load(&golden));
        let (width, height) = opencv::rescale_size((source.width(), source.height()), (1333, 800));
        assert_eq!((width, height), (expected.width(), expected.height()));
        assert!(opencv::resize_bilinear(&source, width, height) == expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_size_and_any_box_get_an_answer(
        from in (1_u32..60, 1_u32..60),
        to in (0_u32..300, 0_u32..300),
        bounding_box in prop::array::uniform4(prop_oneof![-100.0..200.0, any::<f64>()]),
    ) {
        let pixels = noise_picture(1, from.0, from.1);
        let size = (to.0.max(1), to.1.max(1));
        let filtered = FILTERS.map(|(_, filter)| pillow::resize(&pixels, to.0, to.1, filter));
        for resized in filtered.into_iter().chain([opencv::resize_bilinear(&pixels, to.0, to.1)]) {
            prop_assert_eq!((resized.width(), resized.height()), size);
        }
        if let Ok(cut) = pillow::crop(&pixels, bounding_box) {
            prop_assert!(f64::from(cut.width()) <= bounding_box[2] - bounding_box[0] + 1.0);
        }
    }
}
