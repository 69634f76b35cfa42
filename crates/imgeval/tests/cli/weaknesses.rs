//! The suite of weaknesses and its measures, from a generator to the table.

use std::fs;

use serde_json::Value;

use super::{
    judge_bench::row,
    schemas::check_stamped,
    support::{check_exit, imgeval, stderr, stdout, test_folder, text},
};

/// Gives back the image that it is to edit.
pub(super) const COPY: &str = "cmd:sh -c 'cp \"$1\" \"$2\"' {prompt} {input} {out}";

fn json(arguments: &[&str], exit: i32) -> Value {
    let output = imgeval(arguments);
    check_exit(&output, exit);
    check_stamped(&stdout(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_generator_that_changes_nothing_has_no_weakness_of_identity() {
    let folder = test_folder("weaknesses");
    let run = folder.join("run");
    let ids = ["--ids", "identity-cat-3", "--ids", "identity-cat-square-1"];
    let common = ["run", "--suite", "weaknesses", "--model", COPY, "--run", text(&run), "--samples", "1"];
    let scores = json(&[&common[..], &ids, &["--json"]].concat(), 0);
    assert_eq!(scores["judges"][0]["judge"]["provider"], "measures");
    let identity = row(&scores, "identity");
    assert_eq!(identity["score"].as_f64(), Some(1.0), "{identity:#}");
    assert_eq!(identity["images_scored"].as_u64(), Some(2), "{identity:#}");

    let diagnosis = json(&["diagnose", "weaknesses", text(&run), "--no-measuring", "--json"], 0);
    let lines = diagnosis["runs"][0]["lines"].as_array().unwrap();
    let line = |measure: &str| lines.iter().find(|line| line["measure"] == measure).unwrap();
    assert!(line("cut off")["value"].as_f64().unwrap() < 1e-3, "{:#}", line("cut off"));
    assert_eq!(line("cut off")["n_missing"].as_u64(), Some(38));
    assert!(line("cut off")["verdict"].as_str().unwrap().starts_with("no more than the control"));
    assert_eq!(line("PSNR after registration")["value"].as_f64(), Some(99.0));
    assert!(line("content")["control"]["value"].as_f64().unwrap() > 0.1, "re-encoding changes something");

    let table = stdout(&imgeval(&["diagnose", "weaknesses", text(&run), "--no-measuring"]));
    assert!(table.contains("identity") && table.contains("measured by measures@1"), "{table}");
}

#[test]
fn a_model_that_takes_no_masks_is_asked_without_them() {
    let folder = test_folder("weaknesses-masks");
    let run = folder.join("run");
    let common = ["run", "--suite", "weaknesses", "--model", COPY, "--run", text(&run), "--dry-run"];
    let output = imgeval(&[&common[..], &["--tags", "locality"]].concat());
    check_exit(&output, 0);
    assert!(stderr(&output).contains("16 cases without a mask"), "{}", stderr(&output));
    let output = imgeval(&[&common[..], &["--ids", "locality-mask-street-car"]].concat());
    check_exit(&output, 2);
    assert!(stderr(&output).contains("needs a mask"), "{}", stderr(&output));
    assert!(!run.exists() || fs::read_dir(&run).unwrap().next().is_none());
}

#[test]
fn a_suite_explains_its_groups() {
    let told = stdout(&imgeval(&["suites", "show", "weaknesses"]));
    for group in ["identity", "refinement", "locality", "scenes", "text", "color"] {
        assert!(told.contains(group), "{told}");
    }
    assert!(told.contains("CC0"), "{told}");
}
