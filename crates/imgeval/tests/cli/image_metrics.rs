//! `imgeval metrics image`, on the images of imgeval-metrics' fixture (`scripts/reference/image_measures.py`).

use std::{fs, path::Path};

use image::RgbImage;
use serde_json::{Value, json};

use super::support::{check_exit, command, imgeval, stderr, stdout, test_folder, text};

#[test]
fn numbers_have_the_names_and_values_of_the_reference() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-metrics/tests/fixtures/image_measures");
    let expected: Value = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let (sharp, enlarged) = (folder.join("sharp.png"), folder.join("enlarged.png"));
    let output = imgeval(&["metrics", "image", text(&sharp), text(&enlarged), "--json"]);
    check_exit(&output, 0);
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(found["schema"], "imgeval/image-metrics/1");
    for (found, name) in found["images"].as_array().unwrap().iter().zip(["sharp", "enlarged"]) {
        assert_eq!(found["not_measurable"], json!({}));
        for (key, expected) in expected["images"][name].as_object().unwrap() {
            check(key, &found[key], expected);
        }
    }
    let output = command(&["metrics", "image", text(&sharp)]).env("IMGEVAL_COLUMNS", "80").output().unwrap();
    check_exit(&output, 0);
    let table = stdout(&output);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("edge_sigma") && table.contains("blur radius of edges in pixels"), "{table}");
}

fn check(name: &str, found: &Value, expected: &Value) {
    match expected {
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(place, expected)| check(name, &found[place], expected));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, expected)| check(&format!("{name}.{key}"), &found[key], expected));
        }
        Value::Number(expected) if expected.is_f64() => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!(
                (found - expected).abs() <= 1e-3 + 1e-4 * expected.abs(),
                "{name}: {found} instead of {expected}"
            );
        }
        expected => assert_eq!(found, expected, "{name}"),
    }
}

#[test]
fn plain_and_small_images_have_reasons_instead_of_numbers() {
    let folder = test_folder("image-metrics-plain");
    let (plain, absent) = (folder.join("plain.png"), folder.join("absent.png"));
    RgbImage::from_pixel(20, 20, [128; 3].into()).save(&plain).unwrap();
    let output = imgeval(&["metrics", "image", text(&plain), "--json"]);
    check_exit(&output, 0);
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let image = &found["images"][0];
    assert_eq!(image["size"], json!([20, 20]));
    for (name, reason) in [
        ("lap_var", "the image has only one level of gray"),
        ("K", "the image has too little color"),
        ("p8", "the image has 20x20 pixels; this measure needs at least 80 on each side"),
    ] {
        assert_eq!((&image[name], &image["not_measurable"][name]), (&Value::Null, &reason.into()));
    }
    let table = stdout(&imgeval(&["metrics", "image", text(&plain)]));
    assert!(table.contains("not measurable: the image has only one level of gray"), "{table}");
    let output = imgeval(&["metrics", "image", text(&plain), text(&absent)]);
    // One file that cannot be read does not take the numbers of the others with it.
    check_exit(&output, 4);
    assert!(stderr(&output).contains("absent.png"), "{}", stderr(&output));
    assert!(stdout(&output).contains("only one level of gray"));
}
