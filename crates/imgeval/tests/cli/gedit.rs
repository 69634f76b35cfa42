//! GEdit-Bench from a folder and a script that the user has to scores: two questions about each edit.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::{Value, json};

use super::{
    judge_bench::{check_clean, gives, parts, row, says},
    provider::Provider,
    support::{check_exit, command, stderr, stdout, test_folder, text, write_picture},
};

// Own words in the form of the authors' script.
const SCRIPT: &str = include_str!("../../../imgeval-suites/tests/fixtures/wording/gedit.py");

/// Group, language, key, and whether the edit belongs to the intersection.
const EDITS: [(&str, &str, &str, bool); 4] = [
    ("color_alter", "en", "c1", true),
    ("color_alter", "en", "c2", false),
    ("subject-add", "en", "s1", true),
    ("color_alter", "cn", "c1", true),
];

struct Gedit {
    folder: PathBuf,
}

impl Gedit {
    /// The data set and a model's images in the official layout.
    fn new(name: &str) -> Self {
        let gedit = Self { folder: test_folder(name) };
        let mut rows = String::new();
        for (seed, (group, language, key, is_intersection)) in (0..).zip(EDITS) {
            let row = json!({
                "task_type": group, "key": key, "instruction": format!("Do {key} in {language}."),
                "instruction_language": language, "Intersection_exist": is_intersection,
            });
            rows.push_str(&format!("{row}\n"));
            let place = format!("fullset/{group}/{language}/{key}");
            write_picture(&gedit.data().join(format!("{place}_SRCIMG.png")), seed);
            write_picture(&gedit.model().join(format!("{place}_SRCIMG.png")), seed);
            write_picture(&gedit.model().join(format!("{place}.png")), 50 + seed);
        }
        fs::write(gedit.data().join("rows.jsonl"), rows).unwrap();
        gedit
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn model(&self) -> PathBuf {
        self.folder.join("model")
    }

    /// The script is of our own words, so it is not the pinned one.
    fn write_script(&self, folder: &Path) {
        let path = folder.join("GEdit-Bench/viescore/vie_prompts.py");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, SCRIPT).unwrap();
    }

    fn call(&self, arguments: &[&str], exit: i32) -> Output {
        let mut command = command(arguments);
        command
            .env("IMGEVAL_SUITES_DIR", self.folder.join("suites"))
            .env("IMGEVAL_OFFLINE", "1")
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&self.folder);
        let output = command.output().unwrap();
        check_clean(&output);
        check_exit(&output, exit);
        output
    }

    fn fetch(&self, from: &Path, exit: i32) -> String {
        let fetch = ["suites", "fetch", "gedit", "--other-scripts", "--offline", "--from", text(from)];
        stderr(&self.call(&fetch, exit))
    }
}

#[test]
fn images_and_instructions_are_taken_from_one_place_or_from_two() {
    let one = Gedit::new("gedit-one-place");
    one.write_script(&one.data());
    let said = one.fetch(&one.data(), 0);
    for words in ["4 cases", "en/color_alter: 2", "cn/color_alter: 1", "gedit-sc@1", "gedit-pq@1"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(said.contains("differs from the version at commit 570eba6"), "{said}");

    let two = Gedit::new("gedit-two-places");
    let clone = two.folder.join("Step1X-Edit-main");
    two.write_script(&clone);
    let said = two.fetch(&clone, 4);
    assert!(said.contains("gedit-sc@1") && said.contains("no listing of the edits"), "{said}");
    two.fetch(&two.data(), 0);
    two.fetch(&clone, 0);
    // Without the script the edits are here, and can be imported, but not judged.
    let none = Gedit::new("gedit-no-script");
    let said = none.fetch(&none.data(), 4);
    assert!(said.contains("4 cases") && said.contains("no file of GEdit-Bench"), "{said}");
    none.call(&["import", "gedit-en", "model", "--run", "run"], 0);
    let said = stderr(&none.call(&["observe", "run", "--judge", "http://127.0.0.1:9/v1#m"], 1));
    assert!(said.contains("vie_prompts.py"), "{said}");
}

#[test]
fn two_answers_make_the_score_of_an_edit() {
    let gedit = Gedit::new("gedit-scores");
    gedit.write_script(&gedit.data());
    gedit.fetch(&gedit.data(), 0);
    let said = stderr(&gedit.call(&["import", "gedit-en", "model", "--run", "run"], 0));
    assert!(!said.contains("missing"), "{said}");
    let judge = Provider::start([
        gives(9, 4),
        gives(10, 10),
        gives(0, 7),
        gives(9, 9),
        says("[5, 5]"),
        gives(3, 10),
        // What could not be read is asked again in the end.
        says("```json\n{\"score\": [9, 10], \"reasoning\": \"\"}\n```"),
    ]);
    let name = format!("{}#m", judge.url());
    gedit.call(&["observe", "run", "--judge", &name, "--judge-concurrency", "1"], 0);
    let requests = judge.requests();
    assert_eq!(requests.len(), 7, "three edits, two questions, one of them twice");
    for (index, request) in requests.iter().enumerate() {
        let body = request.json();
        let (texts, images) = parts(&body);
        let is_semantics = texts.concat().contains("was it carried out?");
        assert_eq!((is_semantics, images.len()), if index < 3 { (true, 2) } else { (false, 1) }, "{index}");
        assert!(images.iter().all(|image| image.starts_with("data:image/jpeg;base64,")));
        assert_eq!((body.get("temperature"), &body["max_tokens"]), (None, &1400.into()));
    }
    assert!(parts(&requests[0].json()).0.concat().contains("The order: Do c1 in en."));

    let scores: Value = serde_json::from_slice(&gedit.call(&["score", "run", "--json"], 0).stdout).unwrap();
    let near = |row: &Value, expected: f64| {
        let found = row["score"].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-12, "{row:#}: {expected}");
    };
    // sqrt(.4 x .9), sqrt(1 x .9) and sqrt(0 x .3); then the mean of the groups.
    let group = (0.6 + 0.9_f64.sqrt()) / 2.0;
    near(row(&scores, "color_alter"), group);
    near(row(&scores, "subject-add"), 0.0);
    near(row(&scores, "overall"), group / 2.0);
    assert_eq!(scores["judges"].as_array().unwrap().len(), 1);
    let slices = &scores["judges"][0]["slices"];
    for (name, expected) in [
        ("SC", 0.35),
        ("PQ", 0.6),
        ("intersection", 0.3),
        ("intersection: SC", 0.2),
        ("intersection: PQ", 0.6),
    ] {
        let slice = slices.as_array().unwrap().iter().find(|slice| slice["name"] == name).unwrap();
        let lines = slice["scores"].as_array().unwrap();
        near(lines.iter().find(|line| line["name"] == "overall").unwrap(), expected);
    }
    let table = stdout(&gedit.call(&["score", "run", "--with-published"], 0));
    for words in ["color_alter", "intersection", "Step1X-Edit", "gedit-sc@1 and gedit-pq@1"] {
        assert!(table.contains(words), "{words}: {table}");
    }
}

#[test]
fn an_answer_that_official_code_would_guess_leaves_an_edit_without_a_score() {
    let gedit = Gedit::new("gedit-unparsed");
    gedit.write_script(&gedit.data());
    gedit.fetch(&gedit.data(), 0);
    gedit.call(&["import", "gedit-cn", "model", "--run", "run"], 0);
    let judge = Provider::start([gives(8, 8), says("8")]);
    let name = format!("{}#m", judge.url());
    gedit.call(&["observe", "run", "--judge", &name, "--judge-concurrency", "1"], 4);
    assert_eq!(judge.requests().len(), 4, "asked three times at most");
    let scores: Value = serde_json::from_slice(&gedit.call(&["score", "run", "--json"], 4).stdout).unwrap();
    let overall = row(&scores, "overall");
    assert_eq!((&overall["score"], &overall["images_missing"]), (&Value::Null, &1.into()), "{scores:#}");
}
