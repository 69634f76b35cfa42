//! Runs written by the version before the redesign: today's binary scores, compares, reports and exports them as that
//! version did, and leaves them as they are. Made by `scripts/reference/old_runs.py`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::support::{check_exit, command, files, test_folder, text};

/// Fields that name the format or the program and say nothing about the run.
const IGNORED: [&str; 2] = ["schema", "tool_version"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old_runs")
}

/// A folder of its own with copies of all runs.
fn copied_runs(name: &str) -> PathBuf {
    let folder = test_folder(name);
    for (path, bytes) in files(&fixtures()) {
        if !path.starts_with("expected/") {
            let target = folder.join("runs").join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, bytes).unwrap();
        }
    }
    folder
}

/// JSON, or JSON Lines, or else the text itself.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        lines.map_or_else(|_| Value::from(text), Value::Array)
    })
}

/// The first place where the two differ; a field that is new is fine if its name is ignored.
fn difference(place: &str, old: &Value, new: &Value) -> Option<String> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            names.into_iter().filter(|name| !IGNORED.contains(&name.as_str())).find_map(|name| {
                let of = |value: &serde_json::Map<String, Value>| value.get(name).cloned();
                match (of(old), of(new)) {
                    (Some(old), Some(new)) => difference(&format!("{place}.{name}"), &old, &new),
                    (old, new) => Some(format!("{place}.{name}: {old:?} became {new:?}")),
                }
            })
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => (0..old.len())
            .find_map(|index| difference(&format!("{place}[{index}]"), &old[index], &new[index])),
        (Value::Number(old_number), Value::Number(new_number)) => {
            let (a, b) = (old_number.as_f64().unwrap(), new_number.as_f64().unwrap());
            // The last bits of logarithms are the platform's.
            let is_close = (a - b).abs() <= 1e-12 * a.abs().max(1.0);
            (!is_close).then(|| format!("{place}: {old} became {new}"))
        }
        _ => (old != new).then(|| format!("{place}: {old} became {new}")),
    }
}

#[test]
fn what_is_said_of_old_runs_is_what_was_said_of_them() {
    let folder = copied_runs("old-runs");
    let before = files(&folder.join("runs"));
    let expected = fixtures().join("expected");
    let listed = parse(&fs::read_to_string(expected.join("commands.json")).unwrap());
    let commands = listed["commands"].as_array().unwrap();
    assert!(commands.len() > 15);
    for call in commands {
        let name = call["name"].as_str().unwrap();
        let out = format!("../out/{name}");
        fs::create_dir_all(folder.join("out").join(name)).unwrap();
        let arguments = call["arguments"].as_array().unwrap();
        let arguments: Vec<String> =
            arguments.iter().map(|argument| argument.as_str().unwrap().replace("OUT", &out)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = command(&arguments).current_dir(folder.join("runs")).output().unwrap();
        check_exit(&output, i32::try_from(call["exit"].as_i64().unwrap()).unwrap());
        let compare = |file: &str, new: &[u8]| {
            let old = parse(&fs::read_to_string(expected.join(file)).unwrap());
            let differs = difference("", &old, &parse(std::str::from_utf8(new).unwrap()));
            assert_eq!(differs, None, "{name}: {file}");
        };
        let written = call["files"].as_array().unwrap();
        if written.is_empty() {
            compare(&format!("{name}.json"), &output.stdout);
        }
        for path in written {
            let path = Path::new(path.as_str().unwrap());
            let file = format!("{name}.{}", text(Path::new(path.file_name().unwrap())));
            compare(&file, &fs::read(folder.join("out").join(name).join(path)).unwrap());
        }
    }
    // SQLite may leave its shared memory behind, which holds nothing of the run.
    let mut after = files(&folder.join("runs"));
    after.retain(|path, _| before.contains_key(path) || !path.contains("run.db-"));
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (path, bytes) in &before {
        assert!(after[path] == *bytes, "{path} was changed");
    }
}

#[test]
fn an_old_run_may_be_continued_and_says_the_same_after_it() {
    let folder = copied_runs("old-runs-continued");
    let call = |arguments: &[&str], exit: i32| {
        let output = command(arguments)
            .env("IMGEVAL_SUITES_DIR", folder.join("suites"))
            .env("IMGEVAL_OFFLINE", "1")
            .env("PATH", "/usr/bin:/bin")
            .current_dir(folder.join("runs"))
            .output()
            .unwrap();
        check_exit(&output, exit);
        parse(std::str::from_utf8(&output.stdout).unwrap())
    };
    let old = |file: &str| parse(&fs::read_to_string(fixtures().join("expected").join(file)).unwrap());
    // The edit whose mask is black is measured again, and in vain again.
    call(&["observe", "reason-edit", "--models-dir", "no-models"], 4);
    let scores = call(&["score", "reason-edit", "--json", "--verdicts"], 4);
    assert_eq!(difference("", &old("reason-edit-score.json"), &scores), None);
}
