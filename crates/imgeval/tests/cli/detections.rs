//! `imgeval score-detections`.

use std::{fs, path::Path};

use serde_json::Value;

use super::support::{check_exit, imgeval, stderr, stdout, test_folder, text};

/// Golden cases; their origin is in scripts/reference/select_verdicts.py.
const GOLDEN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../imgeval-suites/tests/fixtures/geneval_verdicts.jsonl");

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn rows_are_official_and_in_input_order() {
    let folder = test_folder("detections-rows");
    let out = folder.join("rows.jsonl");
    let output = imgeval(&["score-detections", GOLDEN, "--out", text(&out)]);
    check_exit(&output, 0);
    assert!(stdout(&output).contains("overall"));
    let expected = rows(Path::new(GOLDEN));
    let actual = rows(&out);
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(&expected) {
        let keys: Vec<_> = actual.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["filename", "tag", "prompt", "correct", "reason", "metadata", "details"]);
        assert_eq!(actual["correct"], expected["correct"]);
        let metadata: Value = serde_json::from_str(actual["metadata"].as_str().unwrap()).unwrap();
        assert_eq!(metadata, expected["metadata"]);
    }
}

#[test]
fn a_bad_line_stops_before_an_older_file_is_replaced() {
    let folder = test_folder("detections-bad-line");
    let (input, out) = (folder.join("in.jsonl"), folder.join("out.jsonl"));
    let golden = fs::read_to_string(GOLDEN).unwrap();
    let two_lines: Vec<_> = golden.lines().take(2).collect();
    fs::write(&input, format!("{}\n{{\"metadata\": 3}}\n", two_lines.join("\n"))).unwrap();
    fs::write(&out, "older").unwrap();
    let output = imgeval(&["score-detections", text(&input), "--out", text(&out)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("line 3"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&out).unwrap(), "older");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn without_out_the_rows_go_to_stdout() {
    let output = imgeval(&["score-detections", GOLDEN]);
    check_exit(&output, 0);
    assert_eq!(stdout(&output).lines().count(), rows(Path::new(GOLDEN)).len());
}

#[test]
fn the_spelling_of_before_gives_the_same_bytes() {
    let folder = test_folder("detections-old");
    let [old, new] = ["old.jsonl", "new.jsonl"].map(|name| folder.join(name));
    for more in [&[][..], &["--threshold", "0.5"]] {
        let before = imgeval(&[&["score", "geneval", "--detections", GOLDEN], more].concat());
        let after = imgeval(&[&["score-detections", GOLDEN], more].concat());
        assert_eq!((before.status, before.stdout), (after.status, after.stdout));
    }
    let before = imgeval(&["score", "geneval", "--detections", GOLDEN, "--out", text(&old), "--json"]);
    let after = imgeval(&["score-detections", GOLDEN, "--out", text(&new), "--json"]);
    assert_eq!((before.status, before.stdout), (after.status, after.stdout));
    assert_eq!(fs::read(&old).unwrap(), fs::read(&new).unwrap());
    check_exit(&imgeval(&["score", "wise-legacy", "--detections", GOLDEN]), 2);
}

#[test]
fn help_shows_neither_old_spellings_nor_paths_of_the_source() {
    let help = stdout(&imgeval(&["score", "--help"]));
    for hidden in ["--detections", "--score-rows", "--out", "crates/"] {
        assert!(!help.contains(hidden), "{hidden}: {help}");
    }
}

/// Every prompt alone decides its tag; all tags alike.
fn even_lines(is_correct: impl Fn(usize) -> bool) -> String {
    let line = |number: usize| {
        let score = if is_correct(number) { 0.95 } else { 0.05 };
        format!(
            r#"{{"metadata": {{"tag": "colors", "include": [{{"class": "cow", "count": 1}}], "prompt": "{number}"}}, "width": 9,
            "height": 9, "objects": [{{"class": "cow", "score": {score}, "box": [1, 1, 2, 2]}}]}}"#
        )
        .replace('\n', "")
    };
    (0..20).map(|number| line(number) + "\n").collect()
}

#[test]
fn odd_but_readable_files_are_read() {
    let folder = test_folder("detections-odd");
    let input = folder.join("in.jsonl");
    // A byte order mark, Windows line ends and an empty line.
    let text_in = format!("\u{feff}{}\r\n", even_lines(|number| number % 2 == 0).replace('\n', "\r\n"));
    fs::write(&input, text_in).unwrap();
    let out = folder.join("out.jsonl");
    let arguments = ["score-detections", text(&input), "--out", text(&out), "--json"];
    let output = imgeval(&arguments);
    check_exit(&output, 0);
    let table: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table["overall"]["score"], 0.5);
    assert_eq!(table["overall"]["images_missing"], 0);
    check_exit(&imgeval(&arguments[..2]), 0);
    // A table has no place beside rows on standard output.
    check_exit(&imgeval(&[&arguments[..2], &["--json"]].concat()), 2);
}

#[test]
fn no_detections_are_nothing_to_do() {
    let folder = test_folder("detections-empty");
    let input = folder.join("in.jsonl");
    fs::write(&input, "").unwrap();
    check_exit(&imgeval(&["score-detections", text(&input)]), 5);
    check_exit(&imgeval(&["score-detections", text(&folder.join("none"))]), 2);
}
