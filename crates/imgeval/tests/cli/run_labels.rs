//! `--label`: the name that a user gives to a run, and `imgeval runs RUN --label`, which changes it.

use std::path::{Path, PathBuf};

use super::{
    resume::weights,
    support::{check_exit, imgeval, stderr, stdout, test_folder, text, write_official},
};

fn scored_run(folder: &Path, name: &str, label: &[&str]) -> PathBuf {
    let images = folder.join("images");
    write_official(&images, 0, 0);
    write_official(&images, 40, 0);
    let run = folder.join("runs").join(name);
    let arguments = ["run", "--suite", "geneval", "--images", text(&images), "--run", text(&run)];
    check_exit(&imgeval(&[&arguments[..], &["--weights", text(weights())], label].concat()), 0);
    run
}

#[test]
fn a_label_names_the_run_everywhere() {
    let folder = test_folder("run-labels");
    let first = scored_run(&folder, "a", &["--label", "First try"]);
    let second = scored_run(&folder, "b", &[]);
    let runs = folder.join("runs");
    let listed = stdout(&imgeval(&["runs", text(&runs)]));
    assert!(listed.contains("First try"), "{listed}");
    let score = stdout(&imgeval(&["score", text(&first)]));
    assert!(score.contains("label: First try"), "{score}");
    let compared = stdout(&imgeval(&["compare", text(&first), text(&second)]));
    assert!(compared.contains("First try and b, prompt by prompt"), "{compared}");
    let table = stdout(&imgeval(&["report", text(&first), text(&second), "--format", "markdown"]));
    assert!(table.contains("| First try"), "{table}");
    // Run again without one, it keeps its label.
    scored_run(&folder, "a", &[]);
    assert!(stdout(&imgeval(&["runs", text(&runs)])).contains("First try"));
}

#[test]
fn a_label_can_be_changed_and_removed() {
    let folder = test_folder("run-labels-change");
    let run = scored_run(&folder, "a", &[]);
    let listed = |label: &str| {
        let output = imgeval(&["runs", text(&run), "--label", label]);
        check_exit(&output, 0);
        stdout(&output)
    };
    assert!(listed("Second\u{202e} try\n").contains("Second try"));
    let json = imgeval(&["runs", text(&run), "--json"]);
    assert!(stdout(&json).contains("\"label\": \"Second try\""));
    assert!(!listed("").contains("Second try"));
    let output = imgeval(&["runs", text(&run), "--label", &"x".repeat(81)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("a label has at most 80 characters"), "{}", stderr(&output));
}

#[test]
fn quiet_commands_say_nothing_on_stderr_but_errors() {
    let folder = test_folder("quiet");
    let images = folder.join("images");
    write_official(&images, 0, 0);
    let run = folder.join("run");
    let arguments = ["--quiet", "run", "--suite", "geneval", "--images", text(&images), "--run", text(&run)];
    let output = imgeval(&[&arguments[..], &["--weights", text(weights())]].concat());
    check_exit(&output, 0);
    assert_eq!(stderr(&output), "");
    let output = imgeval(&["--quiet", "export", text(&run), "--dataset", text(&folder.join("dataset"))]);
    check_exit(&output, 0);
    assert_eq!((stdout(&output), stderr(&output)), (String::new(), String::new()));
    let output = imgeval(&["--quiet", "score", text(&folder)]);
    assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
}
