//! `imgeval rounds`, and `imgeval diagnose rounds` over outputs in a benchmark's layout.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    support::{check_exit, command, files, imgeval, stderr, stdout, test_folder, text, write_picture},
    weaknesses::COPY,
};

/// The golden files of benchmarks; `None` on a machine without them.
fn golden(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/multiturn").join(name);
    path.exists().then_some(path)
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn document(arguments: &[&str], exit: i32) -> Value {
    let output = imgeval(arguments);
    check_exit(&output, exit);
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// Asserts that everything expected is found, numbers within 1e-9 or their last printed digit.
fn check(found: &Value, expected: &Value, place: &str) {
    match expected {
        Value::Object(members) => {
            for (key, value) in members {
                check(&found[key], value, &format!("{place}.{key}"));
            }
        }
        Value::Array(items) => {
            assert_eq!(found.as_array().map(Vec::len), Some(items.len()), "{place}");
            for (at, item) in items.iter().enumerate() {
                check(&found[at], item, &format!("{place}[{at}]"));
            }
        }
        Value::Number(number) => {
            let (found, expected) = (found.as_f64(), number.as_f64().unwrap());
            let is_near =
                found.is_some_and(|found| (found - expected).abs() <= 1e-9 * expected.abs().max(1.0));
            assert!(is_near, "{place}: {found:?} instead of {expected}");
        }
        other => assert_eq!(found, other, "{place}"),
    }
}

/// A session of LME-Bench's form with two turns.
fn write_lme(folder: &Path) {
    let listing = json!({"meta": {"name": "LME"}, "items": [
        {"id": "0001", "category": "mood", "turns": ["Add a bell", "Paint it red"], "labels": ["hard", "soft"]},
        {"id": "0002", "category": "mood", "turns": ["Add a cup", "Paint it blue"], "labels": ["hard", "soft"]},
    ]});
    fs::create_dir_all(folder.join("images")).unwrap();
    fs::write(folder.join("lme_bench.json"), listing.to_string()).unwrap();
    write_picture(&folder.join("images/0001.png"), 1);
    write_picture(&folder.join("images/0002.png"), 2);
}

#[test]
fn sessions_become_cases_a_run_becomes_outputs_and_outputs_are_diagnosed() {
    let folder = test_folder("rounds-files");
    let (data, cases, run, out) =
        (folder.join("data"), folder.join("made/cases.jsonl"), folder.join("run"), folder.join("out"));
    write_lme(&data);
    let listed =
        document(&["rounds", "sessions", "lme-bench", text(&data), "--out", text(&cases), "--json"], 0);
    assert_eq!((&listed["n_sessions"], &listed["n_rounds"]), (&json!(2), &json!(4)));
    assert_eq!(listed["sessions"][0]["rounds"][1]["edit_type"], "soft");
    let lines = fs::read_to_string(&cases).unwrap();
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let expected = json!({"id": "0001", "tag": "mood", "rounds": ["Add a bell", "Paint it red"], "images": ["../data/images/0001.png"]});
    assert_eq!(line, expected);
    let generate =
        ["generate", "--cases", text(&cases), "--model", COPY, "--run", text(&run), "--samples", "1"];
    check_exit(&imgeval(&generate), 0);
    let exported = document(&["rounds", "export", "lme-bench", text(&run), "--out", text(&out), "--json"], 0);
    assert_eq!(exported["left_out"], json!([]));
    let names: Vec<String> = files(&out).into_keys().collect();
    let expected = ["source", "turn1", "turn2"];
    let expected = ["0001", "0002"].map(|id| expected.map(|name| format!("{id}/{name}.png")));
    assert_eq!(names, expected.as_flattened());
    // Ids of another benchmark are refused before anything is written.
    let other = folder.join("other");
    let output = imgeval(&["rounds", "export", "imgedit", text(&run), "--out", text(&other)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("`0001`: is not a session of ImgEdit"), "{}", stderr(&output));

    fs::remove_file(out.join("0002/turn2.png")).unwrap();
    let arguments =
        ["diagnose", "rounds", text(&out), "--layout", "lme-bench", "--data", text(&data), "--json"];
    let found = document(&arguments, 0);
    let model = &found["models"][0];
    assert_eq!((&model["name"], &model["n_sessions"]), (&json!("out"), &json!(2)));
    assert_eq!((&model["rounds"][0]["missing"], &model["rounds"][1]["missing"]), (&json!(0), &json!(1)));
    let table = stdout(&imgeval(&["rounds", "sessions", "lme-bench", text(&data)]));
    assert!(table.contains("2 sessions, 4 rounds") && table.contains("Add a bell"), "{table}");
}

#[test]
fn official_numbers_are_those_of_the_golden_files() {
    let Some(root) = golden("lme") else { return };
    let root = root.parent().unwrap();
    let file = |name: &str| text(&root.join(name)).to_owned();
    let score =
        |arguments: &[&str]| document(&[&["rounds", "score"][..], arguments, &["--json"]].concat(), 0);

    let mut expected = read(&root.join("lme/expected.json"));
    let members = expected.as_object_mut().unwrap();
    let [full, clean, _] = ["limit_20_after_full_run", "limit_20_clean", "quality_only_never_answered"]
        .map(|key| members.remove(key).unwrap());
    let (sessions, replies) = (file("lme/sessions.json"), file("lme/replies.json"));
    let lme = ["lme-bench", "--sessions", &sessions, "--replies", &replies];
    check(&score(&lme), &expected, "lme");
    let limited = score(&[&lme[..], &["--limit", "20"]].concat());
    check(&limited["report"], &clean, "limit");
    check(&limited["report_after_full_run"], &full, "limit after full run");

    let mut expected = read(&root.join("mse/expected.json"));
    expected.as_object_mut().unwrap().remove("index");
    check(&score(&["mse-bench", "--replies", &file("mse/replies.json")]), &expected, "mse");

    let mut expected = read(&root.join("edival/expected.json"));
    expected.as_object_mut().unwrap().remove("special");
    let [table, names, items] =
        ["instructions.csv", "files.json", "per_item.json"].map(|name| file(&format!("edival/{name}")));
    let edival = ["edival", "--table", &table, "--files", &names, "--items", &items];
    check(&score(&edival), &expected, "edival");

    let expected = read(&root.join("magicbrush/expected.json"));
    let folders = score(&["magicbrush", "--folders", &file("magicbrush/expected.json")]);
    for (found, wanted) in
        folders["folders"].as_array().unwrap().iter().zip(expected["folders"].as_array().unwrap())
    {
        for key in ["name", "all_turns", "final_turn", "error"] {
            assert_eq!(found[key], wanted[key], "{found}");
        }
    }
    let folder = root.join("magicbrush");
    let output = command(&[
        "rounds",
        "score",
        "magicbrush",
        "--targets",
        "test/images",
        "--generated",
        "outputs",
        "--json",
    ])
    .current_dir(folder)
    .output()
    .unwrap();
    check_exit(&output, 0);
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let example = expected["example"].as_object().unwrap();
    for (key, wanted) in example {
        match wanted.as_f64() {
            // The reference adds in 32 bits.
            Some(wanted) => assert!((found[key].as_f64().unwrap() - wanted).abs() < 1e-7, "{key}"),
            None => assert_eq!(found[key], *wanted, "{key}"),
        }
    }
    assert!(found["missing"]["clip_i"].as_str().unwrap().contains("models pull rounds"), "{found}");

    let expected = read(&root.join("survival/expected.json"));
    let found = document(&["rounds", "survival", &file("survival/expected.json"), "--json"], 0);
    for key in ["three_groups", "status_sessions", "mcnemar", "holm"] {
        let mut wanted = expected[key].clone();
        wanted.as_object_mut().map(|members| members.remove("sessions"));
        check(&found[key], &wanted, key);
    }
    check(&found["paired"]["by_k"], &expected["paired"]["by_k"], "paired");
    for (name, wanted) in expected["datasets"].as_object().unwrap() {
        let mut wanted = wanted.clone();
        for given in ["times", "events"] {
            wanted.as_object_mut().unwrap().remove(given);
        }
        check(&found["datasets"][name], &wanted, name);
    }
    for (found, wanted) in
        found["logrank"].as_array().unwrap().iter().zip(expected["logrank"].as_array().unwrap())
    {
        match found["not_testable"].as_str() {
            Some(reason) => {
                assert_eq!(wanted["observed_a"], 0.0);
                assert_eq!(reason, "not testable: no session failed");
            }
            None => check(found, wanted, "logrank"),
        }
    }
}

#[test]
fn replies_times_and_scores_of_ones_own_are_read() {
    let folder = test_folder("rounds-own");
    let write = |name: &str, content: &Value| {
        fs::write(folder.join(name), content.to_string()).unwrap();
        text(&folder.join(name)).to_owned()
    };
    let survival = write(
        "times.json",
        &json!({"datasets": {
        "a": {"times": [1, 2, 2, 4], "events": [1, 1, 0, 0]}, "b": {"times": [3, 4], "events": [0, 0]}, "c": {"times": [2], "events": [0]},
    }, "models": {"x": [["ok", "ok"], ["ok", "failed"]], "y": [["refused"], ["ok", "ok"]]}}),
    );
    let found = document(&["rounds", "survival", &survival, "--json"], 0);
    assert_eq!(found["datasets"]["a"]["survival"], json!([1.0, 0.75, 0.5, 0.5]));
    assert_eq!(found["datasets"]["a"]["median"], 2);
    assert_eq!(found["datasets"]["b"]["median"], "inf");
    assert_eq!(found["logrank"][2]["not_testable"], "not testable: no session failed");
    assert_eq!(found["models"]["y"]["refusals_censored"]["time_event"], json!([[0, 0], [2, 0]]));
    assert_eq!(found["paired"]["by_k"][0]["a_only"], 1);
    let output = command(&["rounds", "survival", &survival]).env("IMGEVAL_COLUMNS", "80").output().unwrap();
    let table = stdout(&output);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("log-rank") && table.contains("median: round 2"), "{table}");

    let good = r#"{"prompt_following": 9, "consistency": 8}"#;
    let replies = write(
        "mse.json",
        &json!({"0/turn1": [good], "0/turn2": [null, "no", good], "1/turn1": [good.replace('8', "6")]}),
    );
    let found =
        document(&["rounds", "score", "mse-bench", "--replies", &replies, "--turns", "2", "--json"], 0);
    assert_eq!((&found["calls"], &found["csv"][2][1]), (&json!(5), &json!("0.5000")));
    let replies = write("silent.json", &json!({"0/turn1": ["no"]}));
    let found = document(&["rounds", "score", "mse-bench", "--replies", &replies, "--json"], 4);
    assert_eq!((&found["csv"], &found["given_up"]), (&Value::Null, &json!({"0": 1})));

    write_lme(&folder.join("lme"));
    let sessions = text(&folder.join("lme/lme_bench.json")).to_owned();
    let replies = write("lme.json", &json!({}));
    let output = imgeval(&["rounds", "score", "lme-bench", "--sessions", &sessions, "--replies", &replies]);
    check_exit(&output, 4);
    let told = stdout(&output);
    assert!(told.contains("no official report: session 0001 has no scores for turn 1"), "{told}");
}

#[test]
fn bad_input_ends_in_one_sentence() {
    let folder = test_folder("rounds-bad");
    let write = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content).unwrap();
        text(&folder.join(name)).to_owned()
    };
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-suites/tests/fixtures/mse");
    let parquet = fs::read(fixture.join("sessions.parquet")).unwrap();
    let cut = write("cut.parquet", &parquet[..parquet.len() / 2]);
    let results = fixture.join("results.parquet");
    let (broken, empty) = (write("broken.json", b"{\"items\": ["), write("empty.json", b"{}"));
    let columns = write("columns.csv", b"image_index,turns\n1,1\n");
    let absent = text(&folder.join("absent")).to_owned();
    let unreadable = fixture.join("sessions.parquet");
    let cases = folder.join("cases.jsonl");
    let check = |arguments: &[&str], exit: i32, expected: &str| {
        let output = imgeval(&[&["rounds"][..], arguments].concat());
        check_exit(&output, exit);
        let told = stderr(&output);
        let error = told.lines().filter(|line| line.starts_with("error:")).count();
        assert!(error == 1 && told.contains(expected) && !told.contains("panicked"), "{arguments:?}: {told}");
    };
    check(&["sessions", "mse-bench", &absent], 2, "could not read");
    check(&["sessions", "mse-bench", &cut], 2, "cut.parquet");
    check(&["sessions", "mse-bench", text(&results)], 2, "none of the columns");
    check(&["sessions", "mse-bench", text(&unreadable), "--out", text(&cases)], 5, "no case was written");
    check(&["sessions", "lme-bench", &broken], 2, "broken.json");
    check(&["sessions", "edival", &columns], 2, "it has no column `task_type`");
    check(&["sessions", "magicbrush", text(&folder)], 2, "edit_sessions.json");
    check(&["sessions", "imgedit", text(&folder)], 2, "annotation.json");
    check(
        &["sessions", "magicbrush", text(&folder), "--images", text(&folder)],
        2,
        "must be in the folder of its sessions",
    );
    check(&["survival", &broken], 2, "broken.json");
    check(&["survival", &empty], 2, "it has none of `times`");
    check(
        &["survival", &write("uneven.json", b"{\"times\": [1, 2], \"events\": [1]}")],
        2,
        "2 times and 1 events",
    );
    check(&["survival", &write("minus.json", b"{\"times\": [-1]}")], 2, "minus.json");
    check(&["survival", &write("word.json", b"{\"sessions\": [[\"fine\"]]}")], 2, "unknown status `fine`");
    check(&["score", "mse-bench", "--replies", &broken], 2, "broken.json");
    check(
        &["score", "mse-bench", "--replies", &write("key.json", b"{\"x\": []}")],
        2,
        "unknown question `x`",
    );
    check(
        &["score", "edival", "--table", &columns, "--files", &empty, "--items", &empty],
        2,
        "neither `multipass`",
    );
    check(&["score", "magicbrush", "--targets", &absent, "--generated", &absent], 2, "could not read");
    check(&["score", "magicbrush", "--folders", &empty], 2, "missing field `folders`");
    check(&["export", "lme-bench", &absent, "--out", text(&folder.join("out"))], 2, "absent");
}
