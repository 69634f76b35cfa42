//! `imgeval read` and `imgeval metrics text`; what is read is tested only where `IMGEVAL_MODELS_DIR` holds the weights.

use std::{env, path::Path};

use serde_json::{Value, json};

use super::support::{check_exit, imgeval, stderr, stdout, test_folder, text, write_picture};

#[test]
fn a_reader_without_weights_is_fetched_first() {
    let folder = test_folder("texts-absent");
    let picture = folder.join("a.png");
    write_picture(&picture, 1);
    let models = folder.join("models");
    for command in [&["read"][..], &["metrics", "text", "--target", "EXIT"]] {
        let arguments = [command, &["--models-dir", text(&models), text(&picture)]].concat();
        let output = imgeval(&arguments);
        check_exit(&output, 1);
        assert!(stderr(&output).contains("`imgeval models pull ocr`"), "{}", stderr(&output));
    }
    check_exit(&imgeval(&["metrics", "text", text(&picture)]), 2);
}

#[test]
fn a_sign_is_read_and_measured() {
    let Some(models) = env::var_os("IMGEVAL_MODELS_DIR") else { return };
    let models = Path::new(&models);
    let sign = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-vision/tests/fixtures/ocr/canary.png");
    if !models.join("ch_PP-OCRv4_rec_infer.onnx").is_file() {
        return;
    }
    let run =
        |arguments: &[&str]| imgeval(&[arguments, &["--models-dir", text(models), text(&sign)]].concat());
    let output = run(&["read", "--json"]);
    check_exit(&output, 0);
    let read: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(!read["lines"].as_array().unwrap().is_empty());
    assert!(stdout(&run(&["read"])).contains("192x64"));

    let output = run(&["metrics", "text", "--json", "--target", "IMGEVAL 42"]);
    check_exit(&output, 0);
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(found["metrics"]["exact_image"], true, "{found}");
    assert_eq!(found["reader"], read["reader"]);
    assert!(stdout(&run(&["metrics", "text", "--target", "IMGEVAL 42"])).contains("yes"));

    let output = run(&["metrics", "text", "--json", "--target", "いらっしゃいませ"]);
    check_exit(&output, 4);
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&found["metrics"], &found["dictionary_coverage"]), (&json!(null), &json!(0.0)));
    assert!(stderr(&output).contains("is not measurable"), "{}", stderr(&output));
}
