//! `imgeval export --dataset` and `imgeval import --dataset`: what goes out comes back and scores the same.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    resume::weights,
    support::{check_exit, files, imgeval, stderr, stdout, test_folder, text, write_official},
};

/// Three images, one that is truncated, and one whose prompt is not in the suite.
fn run_with_trouble(folder: &Path) -> std::path::PathBuf {
    let images = folder.join("images");
    for (index, sample) in [(0, 0), (0, 1), (40, 0), (80, 0)] {
        write_official(&images, index, sample);
    }
    let broken = images.join("00080/samples/0000.png");
    let whole = fs::read(&broken).unwrap();
    fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let unknown = images.join("99999/samples/0000.png");
    fs::create_dir_all(unknown.parent().unwrap()).unwrap();
    fs::write(unknown, whole).unwrap();
    let run = folder.join("run");
    let arguments = ["run", "--suite", "geneval", "--images", text(&images), "--label", "My \u{1b}[31mmodel"];
    let output = imgeval(&[&arguments[..], &["--run", text(&run), "--weights", text(weights())]].concat());
    check_exit(&output, 4);
    run
}

/// The table and its coverage, without the names of examples.
fn scores(run: &Path) -> Value {
    let output = imgeval(&["score", text(run), "--json"]);
    let mut scores: Value = serde_json::from_slice(&output.stdout).unwrap();
    without_examples(&mut scores);
    scores
}

fn without_examples(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_examples),
        Value::Object(fields) => {
            fields.remove("examples");
            fields.values_mut().for_each(without_examples);
        }
        _ => {}
    }
}

#[test]
fn an_exported_run_is_imported_and_scores_the_same() {
    let folder = test_folder("datasets-round-trip");
    let run = run_with_trouble(&folder);
    let dataset = folder.join("dataset");
    let export = ["export", text(&run), "--dataset", text(&dataset)];
    let output = imgeval(&export);
    check_exit(&output, 0);
    assert!(stderr(&output).contains(" rows of samples, 3 of scores and "), "{}", stderr(&output));
    let written = files(&dataset);
    let names: Vec<&str> = written.keys().map(String::as_str).collect();
    let tables =
        ["evidence/00000.parquet", "imgeval-dataset.json", "samples/00000.parquet", "scores/00000.parquet"];
    assert_eq!(names[0], "README.md");
    assert_eq!(names[1..], tables);
    // Once more gives the same bytes.
    check_exit(&imgeval(&export), 0);
    assert_eq!(files(&dataset), written);

    let copy = folder.join("copy");
    let output = imgeval(&["import", "--dataset", text(&dataset), "--run", text(&copy)]);
    check_exit(&output, 4);
    assert!(stderr(&output).contains("3 imported, 0 already imported, 2 unusable"), "{}", stderr(&output));
    check_exit(&imgeval(&["observe", text(&copy), "--weights", text(weights())]), 0);
    assert_eq!(scores(&copy), scores(&run));
    // The label comes along, without what would steer a terminal.
    let listed = stdout(&imgeval(&["runs", text(&copy)]));
    assert!(listed.contains("My [31mmodel"), "{listed}");
}

#[test]
fn what_is_no_data_set_is_refused_in_a_sentence() {
    let folder = test_folder("datasets-refused");
    let run = run_with_trouble(&folder);
    let images = folder.join("images");
    let output = imgeval(&["import", "--dataset", text(&images), "--run", text(&folder.join("copy"))]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("is not a data set of imgeval"), "{}", stderr(&output));
    let output = imgeval(&["export", text(&run), "--dataset", text(&images)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("holds other files than a data set"), "{}", stderr(&output));
    let output = imgeval(&["import", "geneval", text(&images), "--dataset", "d", "--run", "r"]);
    check_exit(&output, 2);
    let without_images = folder.join("names");
    let export = ["export", text(&run), "--dataset", text(&without_images), "--no-images"];
    check_exit(&imgeval(&export), 0);
    let output =
        imgeval(&["import", "--dataset", text(&without_images), "--run", text(&folder.join("copy"))]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("holds no images"), "{}", stderr(&output));
}
