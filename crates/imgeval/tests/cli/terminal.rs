//! Tables on stdout, as wide as they may be.

use super::support::{check_exit, command, stdout};

fn suites(columns: Option<&str>, more: &[&str]) -> String {
    let mut command = command(&[&["suites", "list"], more].concat());
    if let Some(columns) = columns {
        command.env("IMGEVAL_COLUMNS", columns);
    }
    let output = command.output().unwrap();
    check_exit(&output, 0);
    stdout(&output)
}

#[test]
fn a_pipe_gets_every_column_on_one_line() {
    let text = suites(None, &[]);
    assert!(text.starts_with(" suite "), "{text}");
    assert!(text.contains("source") && !text.contains("hidden:"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(suites(Some("60"), &["--wide"]), text);
}

#[test]
fn where_there_is_little_room_columns_are_hidden_and_named() {
    let text = suites(Some("60"), &[]);
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    assert!(text.contains("hidden: ") && text.contains("--wide shows them"), "{text}");
    for suite in ["geneval", "wise-verified", "reason-edit"] {
        assert!(text.contains(suite), "{text}");
    }
}

#[test]
fn json_is_the_same_whatever_the_room() {
    assert_eq!(suites(Some("60"), &["--json"]), suites(None, &["--json"]));
}
