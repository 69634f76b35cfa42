//! Colors are evidence of their own: a missing one is said and completed, never counted as wrong.

use std::{fs, path::Path};

use imgeval_core::{
    BoundingBox, Category, Color, ColorRule, ColorScores, Detection, Evidence, ObserverId, ObserverMeta,
};
use imgeval_store::{ObserverKey, RunWriter};

use super::{
    resume::weights,
    support::{check_exit, imgeval, stderr, stdout, test_folder, text, write_official, write_picture},
};

/// "a photo of a red vase", and a single object.
const COLORED: usize = 279;
const PLAIN: usize = 3;

/// A comparable observer that does not exist.
fn observer() -> (ObserverMeta, ObserverKey) {
    let meta = ObserverMeta {
        id: "by-hand".to_owned(),
        title: "seen by hand".to_owned(),
        version: 1,
        weights_sha256: String::new(),
        parameters: String::new(),
        is_comparable: true,
    };
    let key = ObserverKey {
        observer: meta.observer_id(),
        detector: ObserverId::new("hand"),
        namer: ObserverId::new("words"),
    };
    (meta, key)
}

fn scores_for(name: &str) -> ColorScores {
    let mut values = [-30.0; 10];
    values[Color::from_name(name).unwrap().index()] = -20.0;
    ColorScores { values, rule: ColorRule::Argmax }
}

/// A run of two images, in each of which a vase was seen with this score and without a color.
fn run_with_a_vase(folder: &Path, score: f32) -> RunWriter {
    let images = folder.join("images");
    write_official(&images, COLORED, 0);
    write_official(&images, PLAIN, 0);
    let run = folder.join("run");
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&run)]), 0);
    let mut run = RunWriter::open(&run, "test").unwrap();
    see_a_vase(&mut run, score);
    run
}

fn see_a_vase(run: &mut RunWriter, score: f32) {
    let (meta, key) = observer();
    run.record_observer(&meta, &key).unwrap();
    for image in images_of(run) {
        let vase = Detection {
            category: Category::from_name("vase").unwrap(),
            score,
            bounding_box: BoundingBox { x1: 1.0, y1: 2.0, x2: 9.0, y2: 9.0 },
            mask: None,
            colors: None,
        };
        let (width, height, observer) = (24, 16, key.observer.clone());
        let evidence = Evidence { image, observer, width, height, detections: vec![vase] };
        run.record_evidence(&key, &evidence).unwrap();
    }
}

fn images_of(run: &RunWriter) -> Vec<imgeval_core::ContentHash> {
    let mut images = Vec::new();
    run.for_each_image(&observer().1, |stored| images.push(stored.image.hash)).unwrap();
    images
}

#[test]
fn a_missing_color_is_said_and_not_counted_as_wrong() {
    let folder = test_folder("colors-missing");
    let mut run = run_with_a_vase(&folder, 0.9);
    let directory = run.directory().to_owned();
    let output = imgeval(&["score", text(&directory), "--json"]);
    check_exit(&output, 4);
    let advice = stderr(&output);
    assert!(advice.contains("1 image cannot be scored: a color"), "{advice}");
    assert!(advice.contains("/run`, with the same detector"), "{advice}");
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table["overall"]["images_scored"], 1);
    let missing = &table["coverage"]["items"][0];
    assert_eq!((&missing["kind"], &missing["count"]), (&"color-missing".into(), &1.into()));
    let results = folder.join("results.jsonl");
    check_exit(&imgeval(&["export", text(&directory), "--geneval-results", text(&results)]), 4);
    assert_eq!(fs::read_to_string(&results).unwrap().lines().count(), 1);

    // Named, by a rule that knows no zero, the same evidence decides.
    for (name, verdict) in [("red", "correct"), ("blue", "found 0 red; and 1 blue")] {
        for image in images_of(&run) {
            run.record_colors(&observer().1, &image, &[(0, scores_for(name))]).unwrap();
        }
        let output = imgeval(&["score", text(&directory), "--verdicts"]);
        check_exit(&output, 0);
        let line = stdout(&output).lines().find(|line| line.contains("a red vase")).unwrap().to_owned();
        assert!(line.contains(verdict), "{line}");
    }
}

#[test]
fn a_lower_threshold_says_how_to_get_its_colors() {
    let folder = test_folder("colors-threshold");
    let run = run_with_a_vase(&folder, 0.25);
    let directory = run.directory().to_owned();
    // At the official threshold there is no vase, and no color is needed.
    check_exit(&imgeval(&["score", text(&directory)]), 0);
    let output = imgeval(&["score", text(&directory), "--threshold", "0.2"]);
    check_exit(&output, 4);
    assert!(stderr(&output).contains("/run --color-threshold 0.2`"), "{}", stderr(&output));
}

/// The note and flag of the JSON table, which CSV, the table and each result row must repeat.
fn said_of_comparability(directory: &Path, options: &[&str]) -> (bool, String) {
    let score = |more: &[&str]| {
        let output = imgeval(&[&["score", text(directory)], options, more].concat());
        check_exit(&output, 0);
        stdout(&output)
    };
    let table: serde_json::Value = serde_json::from_str(&score(&["--json"])).unwrap();
    let note = table["note"].as_str().unwrap().to_owned();
    assert_eq!(table["overall"]["note"], table["note"]);
    assert!(score(&["--csv"]).lines().skip(1).all(|line| line.ends_with(&format!(",\"{note}\""))));
    // For people the note stands once, above the table.
    let shown = score(&[]);
    let above = shown.lines().next().unwrap();
    assert_eq!(above.contains("not comparable"), !note.is_empty(), "{shown}");
    assert!(above.to_lowercase().contains(&note.to_lowercase()), "{shown}");
    let results = directory.with_extension("jsonl");
    let export = ["export", text(directory), "--geneval-results", text(&results)];
    check_exit(&imgeval(&[&export, options].concat()), 0);
    for row in fs::read_to_string(&results).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        assert_eq!(row.get("note").map_or("", |note| note.as_str().unwrap()), note);
    }
    (table["comparable"].as_bool().unwrap(), note)
}

#[test]
fn only_official_options_and_prompts_are_comparable() {
    let folder = test_folder("colors-comparable");
    let run = run_with_a_vase(&folder, 0.02);
    let official = run.directory().to_owned();
    assert_eq!(said_of_comparability(&official, &[]), (true, String::new()));
    assert_eq!(said_of_comparability(&official, &["--counting-threshold", "0.90"]), (true, String::new()));
    for other in [["--threshold", "0.06"], ["--max-objects", "15"], ["--position-threshold", "0.2"]] {
        let expected = (false, "not comparable: other options".to_owned());
        assert_eq!(said_of_comparability(&official, &other), expected, "{other:?}");
    }

    let fresh = folder.join("fresh");
    let images = folder.join("flat");
    write_picture(&images.join("00003.png"), 1);
    let import = ["import", "geneval", text(&images), "--run", text(&fresh), "--seed", "7"];
    check_exit(&imgeval(&import), 0);
    see_a_vase(&mut RunWriter::open(&fresh, "test").unwrap(), 0.02);
    assert_eq!(said_of_comparability(&fresh, &[]), (false, "not comparable: fresh prompts".to_owned()));
    let both = said_of_comparability(&fresh, &["--max-overlap", "0.5"]);
    assert_eq!(both, (false, "not comparable: other options, fresh prompts".to_owned()));
}

#[test]
fn colors_are_named_again_without_detecting() {
    let folder = test_folder("colors-again");
    let images = folder.join("images");
    write_official(&images, COLORED, 0);
    write_official(&images, PLAIN, 0);
    let run = folder.join("run");
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&run)]), 0);
    let observe = ["observe", text(&run), "--weights", text(weights())];
    check_exit(&imgeval(&observe), 0);
    let table = |run: &Path| stdout(&imgeval(&["score", text(run), "--verdicts"]));
    let before = table(&run);
    let again = imgeval(&[&observe[..], &["--recompute-colors"]].concat());
    check_exit(&again, 0);
    let said = stderr(&again);
    assert!(said.contains("observe: 0 images evaluated"), "{said}");
    assert!(said.contains("colors named in 2 previously evaluated images"), "{said}");
    assert_eq!(table(&run), before);
}
