//! WISE with the benchmark's data and scripts of our own words; tests of its data skip themselves where these are absent.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use super::{
    judge_bench::{check_clean, parts, row, says},
    provider::{Provider, files},
    support::{check_exit, command, stderr, stdout, test_folder, text, write_picture},
};
use crate::fault_server::Action;

const SCRIPT: &str = r#"
def messages(record, encoded):
    return [
        {"role": "system", "content": "You look at pictures."},
        {"role": "user", "content": [
            {"type": "text", "text": f"Asked was <{record['Prompt']}>, meant is <{record['Explanation']}>. Answer {{briefly}}."},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
        ]},
    ]
"#;

struct Wise {
    folder: PathBuf,
}

impl Wise {
    /// A folder as a clone of the repository is laid out; `None` where the data are absent.
    fn new(name: &str) -> Option<Self> {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/wise");
        if !data.is_dir() {
            return None;
        }
        let wise = Self { folder: test_folder(name) };
        for (from, to) in [("legacy", "WISE_legacy/data"), ("verified", "data_verified")] {
            let to = wise.clone_dir().join(to);
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(data.join(from)).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
        wise.write_script(SCRIPT);
        Some(wise)
    }

    fn fetched(name: &str) -> Option<Self> {
        let wise = Self::new(name)?;
        check_exit(&wise.fetch(), 0);
        Some(wise)
    }

    fn clone_dir(&self) -> PathBuf {
        self.folder.join("WISE-main")
    }

    fn write_script(&self, script: &str) {
        fs::write(self.clone_dir().join("WISE_legacy/gpt_eval.py"), script).unwrap();
        fs::write(self.clone_dir().join("vllm_eval.py"), script).unwrap();
    }

    /// Where a script that is not the pinned one is kept.
    fn other_script(&self, script: &str) -> PathBuf {
        let hash = imgeval_core::ContentHash::of(script.as_bytes());
        self.folder.join("suites/wise/other-scripts").join(hash.as_str())
    }

    fn call(&self, arguments: &[&str]) -> Output {
        let mut command = command(arguments);
        command.env("IMGEVAL_SUITES_DIR", self.folder.join("suites")).current_dir(&self.folder);
        let output = command.output().unwrap();
        check_clean(&output);
        output
    }

    /// The scripts are of our own words, so they are not the pinned ones.
    fn fetch(&self) -> Output {
        self.call(&["suites", "fetch", "wise", "--other-scripts", "--from", text(&self.clone_dir())])
    }

    fn fetch_pinned(&self) -> Output {
        self.call(&["suites", "fetch", "wise", "--from", text(&self.clone_dir())])
    }

    fn import(&self, suite: &str, run: &str, exit: i32) {
        let images = self.folder.join("images");
        for id in ["1", "892", "893", "892_1"] {
            write_picture(
                &images.join(format!("{id}.png")),
                id.bytes().map(u32::from).sum::<u32>() * 7 + id.len() as u32,
            );
        }
        check_exit(&self.call(&["import", suite, text(&images), "--run", run]), exit);
    }

    fn observe(&self, run: &str, judge: &Provider, exit: i32) {
        let name = format!("{}#m", judge.url());
        check_exit(&self.call(&["observe", run, "--judge", &name, "--judge-concurrency", "1"]), exit);
    }

    fn score(&self, arguments: &[&str], exit: i32) -> String {
        let output = self.call(&[&["score"], arguments].concat());
        check_exit(&output, exit);
        stdout(&output)
    }
}

fn legacy(consistency: u32, realism: u32, aesthetic: u32) -> Action {
    says(&format!("Consistency: {consistency}\nRealism: {realism}\nAesthetic Quality: {aesthetic}"))
}

#[test]
fn a_script_that_has_changed_since_it_was_fetched_is_refused_with_both_checksums() {
    let Some(wise) = Wise::fetched("wise-script") else { return };
    let both_hashes = |said: &str| {
        let hashes = said.split(|letter: char| !letter.is_ascii_hexdigit()).filter(|word| word.len() == 64);
        assert_eq!(hashes.collect::<std::collections::BTreeSet<_>>().len(), 2, "{said}");
    };
    let refused = wise.fetch_pinned();
    check_exit(&refused, 1);
    both_hashes(&stderr(&refused));
    assert!(stderr(&refused).contains("gpt_eval.py` is not the expected file"), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("--other-scripts"), "{}", stderr(&refused));
    let taken = wise.fetch();
    check_exit(&taken, 0);
    assert!(stderr(&taken).contains("vllm_eval.py differs from the version"), "{}", stderr(&taken));
    let shown = wise.call(&["protocol", "show", "wise-verified"]);
    both_hashes(&stdout(&shown));

    let script = wise.other_script(SCRIPT);
    fs::write(&script, SCRIPT.replace("You look", "You stare")).unwrap();
    let shown = wise.call(&["protocol", "show", "wise-legacy"]);
    check_exit(&shown, 1);
    assert!(stderr(&shown).contains("is not the expected file"), "{}", stderr(&shown));
}

#[test]
fn another_script_is_taken_only_if_it_can_be_used_and_replaces_one_only_if_asked_to() {
    let Some(wise) = Wise::fetched("wise-replaced") else { return };
    let shown = || stdout(&wise.call(&["protocol", "show", "wise-legacy"]));
    let before = shown();
    wise.write_script("def messages(:");
    let unusable = wise.fetch();
    check_exit(&unusable, 4);
    assert!(stderr(&unusable).contains("gpt_eval.py` of WISE"), "{}", stderr(&unusable));
    assert_eq!(shown(), before);

    let stare = SCRIPT.replace("You look", "You stare");
    wise.write_script(&stare);
    let refused = wise.fetch();
    check_exit(&refused, 6);
    assert!(stderr(&refused).contains("--again"), "{}", stderr(&refused));
    assert_eq!(shown(), before);
    let clone = wise.clone_dir();
    let again = ["suites", "fetch", "wise", "--other-scripts", "--again", "--from", text(&clone)];
    check_exit(&wise.call(&again), 0);
    assert!(shown().contains("You stare"));
    assert!(!wise.other_script(SCRIPT).exists() && wise.other_script(&stare).exists());
    // All is here: the network is not asked.
    check_exit(&wise.call(&["suites", "fetch", "wise", "--offline"]), 0);
    check_exit(&wise.call(&["suites", "fetch", "wise", "--offline", "--again"]), 1);
    fs::write(wise.folder.join("suites/wise/fetched.toml"), "damaged").unwrap();
    check_exit(&wise.fetch(), 1);
    check_exit(&wise.call(&again), 0);
    assert!(shown().contains("You stare"));
}

#[test]
fn data_that_are_not_the_pinned_ones_are_refused() {
    let Some(wise) = Wise::new("wise-data") else { return };
    let file = wise.clone_dir().join("WISE_legacy/data/natural_science.json");
    let changed = fs::read_to_string(&file).unwrap().replacen("apple", "pear", 1);
    fs::write(&file, changed).unwrap();
    let output = wise.fetch();
    check_exit(&output, 1);
    let said = stderr(&output);
    assert!(said.contains("natural_science.json") && said.contains("b262fae58e41"), "{said}");
    assert!(!wise.folder.join("suites/wise/fetched.toml").exists());
}

#[test]
fn what_the_judge_is_sent_is_the_scripts_wording_with_prompt_and_explanation() {
    let Some(wise) = Wise::fetched("wise-sent") else { return };
    wise.import("wise-legacy", "run", 0);
    let judge = Provider::start([legacy(2, 1, 0)]);
    wise.observe("run", &judge, 0);
    let requests = judge.requests();
    assert_eq!(requests.len(), 4);
    let data = fs::read_to_string(wise.clone_dir().join("WISE_legacy/data/natural_science.json")).unwrap();
    let records: Value = serde_json::from_str(&data).unwrap();
    let record = records.as_array().unwrap().iter().find(|record| record["prompt_id"] == 892).unwrap();
    let (prompt, meant) = (record["Prompt"].as_str().unwrap(), record["Explanation"].as_str().unwrap());
    let words = format!("Asked was <{prompt}>, meant is <{meant}>. Answer {{briefly}}.");
    let asked: Vec<_> = requests.iter().map(|request| parts(&request.json())).collect();
    assert_eq!(asked.iter().filter(|(texts, _)| *texts == ["You look at pictures.", &words]).count(), 2);
    assert!(asked.iter().all(|(_, images)| images.len() == 1));
    let body = requests[0].json();
    assert_eq!((&body["temperature"], &body["max_tokens"]), (&0.0.into(), &2000.into()));
    let shown = stdout(&wise.call(&["protocol", "show", "wise-legacy", "--case", "892"]));
    assert!(shown.contains(&words), "{shown}");
}

#[test]
fn the_verified_protocol_reads_one_score_behind_the_thoughts() {
    let Some(wise) = Wise::fetched("wise-verified") else { return };
    wise.import("wise-verified", "run", 0);
    let judge = Provider::start([says("<think>Score: 0 or 1?</think>\n**Score**: 1"), says("Score: 0")]);
    wise.observe("run", &judge, 0);
    let body = judge.requests()[0].json();
    assert_eq!(body["chat_template_kwargs"], serde_json::json!({"enable_thinking": false}));
    let scores: Value = serde_json::from_str(&wise.score(&["run", "--json"], 0)).unwrap();
    assert_eq!(row(&scores, "culture")["score"], 1.0);
    assert_eq!(row(&scores, "physics")["score"], Value::Null, "prompt 892 is of chemistry there");
    assert_eq!(row(&scores, "chemistry")["score"], 0.0);
    let name = format!("{}#m", judge.url());
    let output = wise.call(&["observe", "run", "--judge", &name, "--swap-order"]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("has no image order to swap"), "{}", stderr(&output));
}

#[test]
fn images_are_scored_by_category_and_sub_category_and_no_overall_score_is_made_up() {
    let Some(wise) = Wise::fetched("wise-score") else { return };
    wise.import("wise-legacy", "run", 0);
    // Asked about first images in the order of their names, then about the second image of 892.
    let judge =
        Provider::start([legacy(2, 2, 2), legacy(2, 1, 0), legacy(0, 0, 2), says("3/2/1"), legacy(1, 2, 0)]);
    wise.observe("run", &judge, 0);
    assert_eq!(judge.requests().len(), 5);
    let scores: Value = serde_json::from_str(&wise.score(&["run", "--json"], 0)).unwrap();
    let of = |name: &str| row(&scores, name)["score"].as_f64();
    assert!((of("culture").unwrap() - 1.0).abs() < 1e-12);
    assert!((of("physics").unwrap() - 1.45 / 3.0).abs() < 1e-12, "0.8, 0.1 and 0.55: {scores:#}");
    assert_eq!(of("chemistry"), None);
    assert_eq!(of("overall"), None);
    let table = wise.score(&["run", "--by-subcategory", "--with-published"], 0);
    assert!(table.contains("No overall score") && table.contains("published"), "{table}");
    assert!(table.lines().count() > wise.score(&["run"], 0).lines().count());
    let output = wise.call(&["score", "run", "--fail-below", "0.1"]);
    check_exit(&output, 5);
    assert!(stderr(&output).contains("no overall score"), "{}", stderr(&output));
}

#[test]
fn the_gap_to_rewritten_prompts_is_told_for_the_judge_that_judged_both() {
    let Some(wise) = Wise::fetched("wise-gap") else { return };
    wise.import("wise-legacy", "run", 0);
    wise.import("wise-legacy-rewrite", "again", 0);
    let scripts = [legacy(1, 1, 1), legacy(1, 1, 1), legacy(1, 1, 1), legacy(1, 1, 1), legacy(2, 2, 2)];
    let judge = Provider::start(scripts);
    wise.observe("run", &judge, 0);
    let output = wise.call(&["score", "run", "--rewritten", "again"]);
    check_exit(&output, 6);
    assert!(stderr(&output).contains("no judge has judged both runs"), "{}", stderr(&output));
    wise.observe("again", &judge, 0);
    let said = wise.score(&["run", "--rewritten", "again"], 0);
    assert!(said.contains("rewritten minus original") && said.contains("+0.500"), "{said}");
    check_exit(&wise.call(&["score", "again", "--rewritten", "run"]), 2);
}

fn rows(folder: &Path, name: &str, lines: &[&str]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, lines.join("\n")).unwrap();
    path
}

fn score_rows(files: &[&Path], exit: i32) -> Output {
    let mut arguments = vec!["score-rows", "wise-legacy", "--json"];
    arguments.extend(files.iter().map(|file| text(file)));
    let output = command(&arguments).output().unwrap();
    check_clean(&output);
    check_exit(&output, exit);
    output
}

#[test]
fn official_rows_are_scored_and_a_marked_failure_is_missing_and_not_zero() {
    let folder = test_folder("wise-rows");
    let good = r#"{"prompt_id": 1, "Subcategory": "Festival", "consistency": 2.0, "realism": 1.0, "aesthetic_quality": 0.0}"#;
    let failed = r#"{"prompt_id": 2, "Subcategory": "Festival", "consistency": 999, "realism": 999, "aesthetic_quality": 999}"#;
    let other = r#"{"prompt_id": 892, "Subcategory": "Light", "consistency": 0, "realism": 0, "aesthetic_quality": 2}"#;
    let one = rows(&folder, "cultural_common_sense_scores_results.jsonl", &[good, failed]);
    let two = rows(&folder, "natural_science_scores_results.jsonl", &[other]);
    let scores: Value = serde_json::from_slice(&score_rows(&[&one, &two], 4).stdout).unwrap();
    let all = scores["scores"].as_array().unwrap();
    let value = |place: usize| all[place]["score"].as_f64();
    assert!((value(0).unwrap() - 0.8).abs() < 1e-12 && all[0]["images_missing"] == 1, "{scores:#}");
    assert_eq!(scores["failed_rows"], 1);
    assert!(all.iter().any(|row| row["score"].as_f64().is_some_and(|value| (value - 0.1).abs() < 1e-12)));
    assert!(score_rows(&[&two], 0).status.success());

    let twice = score_rows(&[&one, &one], 2);
    assert!(stderr(&twice).contains("prompt 1 already has a score"), "{}", stderr(&twice));
    for (bad, exit, note) in [
        ("{", 4, "line 2 is not a row of scores of wise-legacy and is skipped"),
        ("[]", 4, "line 2 is not a row"),
        (r#"{"prompt_id": 1}"#, 4, "line 2 is not a row"),
        (&good.replace("2.0", "7"), 0, "line 2 has 7 for consistency, which is outside 0 to 2, but counts"),
        (&good.replace("\"prompt_id\": 1", "\"prompt_id\": 1001"), 2, "line 2 has the id 1001"),
    ] {
        let bad = rows(&folder, "bad.jsonl", &[other, bad]);
        let output = score_rows(&[&bad], exit);
        assert!(stderr(&output).contains(note), "{}", stderr(&output));
    }
    let bare = good.replace("\"Subcategory\": \"Festival\", ", "");
    score_rows(&[&rows(&folder, "bare.jsonl", &[&bare])], 0);
    score_rows(&[&rows(&folder, "empty.jsonl", &[""])], 5);
}

#[test]
fn official_rows_have_a_gate_a_csv_table_and_a_reason_for_no_overall_score() {
    let folder = test_folder("wise-rows-gate");
    let row = |id: u32| {
        format!(
            r#"{{"prompt_id": {id}, "Subcategory": "a \"b\"", "consistency": 2, "realism": 1, "aesthetic_quality": 0}}"#
        )
    };
    let of_all = [1, 401, 568, 701, 801, 901].map(row);
    let of_all = rows(&folder, "all.jsonl", &of_all.each_ref().map(String::as_str));
    let score = |file: &Path, more: &[&str], exit: i32| {
        let arguments = [&["score-rows", "wise-legacy", text(file)], more].concat();
        let output = command(&arguments).output().unwrap();
        check_clean(&output);
        check_exit(&output, exit);
        stdout(&output) + &stderr(&output)
    };
    score(&of_all, &["--fail-below", "0.79"], 0);
    assert!(score(&of_all, &["--fail-below", "0.81"], 3).contains("0.800 is below 0.81"));
    let table = score(&of_all, &["--csv"], 0);
    assert!(table.starts_with("judge,score,value,"), "{table}");
    assert_eq!(table.lines().count(), 14, "{table}");
    let first: Vec<&str> = table.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(first[..2], ["\"\"", "\"culture / a \"\"b\"\"\""]);
    assert!((first[2].parse::<f64>().unwrap() - 0.8).abs() < 1e-12, "{table}");

    let of_one = rows(&folder, "one.jsonl", &[&row(1)]);
    let said = score(&of_one, &[], 0);
    assert!(said.contains("No overall score") && said.contains("these have none: time, space,"), "{said}");
    assert!(score(&of_one, &["--fail-below", "0.1"], 5).contains("no overall score to compare with"));
}

#[test]
fn names_of_sub_categories_do_not_move_the_terminal() {
    let folder = test_folder("wise-rows-names");
    let row = r#"{"prompt_id": 1, "Subcategory": "\u001b[31mred", "consistency": 2, "realism": 1, "aesthetic_quality": 0}"#;
    let file = rows(&folder, "rows.jsonl", &[row]);
    let output = command(&["score-rows", "wise-legacy", "--by-subcategory", text(&file)]).output().unwrap();
    let old = ["score", "wise-legacy", "--by-subcategory", "--score-rows", text(&file)];
    assert_eq!(command(&old).output().unwrap().stdout, output.stdout, "the spelling of before");
    check_clean(&output);
    check_exit(&output, 0);
    assert!(stdout(&output).contains("\\u{1b}[31mred"), "{}", stdout(&output));
}

#[test]
fn an_archive_gives_the_same_files_as_a_clone() {
    let Some(wise) = Wise::fetched("wise-archive") else { return };
    let all = |folder: &Path| -> Vec<(String, Vec<u8>)> {
        let relative = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        files(folder).into_iter().map(|path| (relative(&path), fs::read(path).unwrap())).collect()
    };
    let of_clone = all(&wise.folder.join("suites/wise"));
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in all(&wise.clone_dir()) {
        writer.start_file(format!("WISE-main/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    fs::write(wise.folder.join("wise.zip"), writer.finish().unwrap().into_inner()).unwrap();
    fs::remove_dir_all(wise.folder.join("suites")).unwrap();
    check_exit(&wise.call(&["suites", "fetch", "wise", "--other-scripts", "--from", "wise.zip"]), 0);
    assert!(all(&wise.folder.join("suites/wise")) == of_clone);
}

const OWN_PROTOCOL: &str = r#"
id = "own-wise"
version = 1
suite = "wise-legacy"
title = "own words"
judge_pin = "m"
reply = "wise-legacy"
max_tries = 1
wording_source = "own"
[[message]]
text = "Asked: {prompt} Known: {explanation}"
[[message]]
image = "answer"
"#;

#[test]
fn without_a_script_that_can_be_used_a_protocol_file_judges() {
    let Some(wise) = Wise::new("wise-no-script") else { return };
    fs::remove_file(wise.clone_dir().join("vllm_eval.py")).unwrap();
    fs::write(wise.clone_dir().join("WISE_legacy/gpt_eval.py"), "def messages(:\n  \u{1b}[2J ((((").unwrap();
    let output = wise.fetch();
    check_exit(&output, 4);
    let said = stderr(&output);
    assert!(said.contains("vllm_eval.py was missing") && said.contains("gpt_eval.py` of WISE"), "{said}");
    wise.import("wise-legacy", "run", 0);
    let judge = Provider::start([legacy(2, 2, 2)]);
    let name = format!("{}#m", judge.url());
    let output = wise.call(&["observe", "run", "--judge", &name]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("--protocol FILE"), "{}", stderr(&output));
    fs::write(wise.folder.join("own.toml"), OWN_PROTOCOL).unwrap();
    check_exit(&wise.call(&["observe", "run", "--judge", &name, "--protocol", "own.toml"]), 0);
    assert_eq!(judge.requests().len(), 4);
    assert!(parts(&judge.requests()[0].json()).0[0].starts_with("Asked: "));
}

#[test]
fn the_strict_reading_is_a_protocol_of_its_own() {
    let Some(wise) = Wise::fetched("wise-strict") else { return };
    let listed = stdout(&wise.call(&["protocol", "list"]));
    for id in ["wise-legacy-strict@1", "wise-verified-strict@1"] {
        assert!(listed.contains(id), "{listed}");
    }
    wise.import("wise-verified", "run", 0);
    let thought = "It may be Score: 0.\n</think>\n\nScore: 1";
    let judge = Provider::start((0..8).map(|_| says(thought)));
    let name = format!("{}#m", judge.url());
    for more in [&[][..], &["--protocol", "wise-verified-strict"]] {
        let arguments = [&["observe", "run", "--judge", &name][..], more].concat();
        check_exit(&wise.call(&arguments), 0);
    }
    assert_eq!(judge.requests().len(), 8);
    let said = wise.score(&["run"], 0);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("wise-verified")).collect();
    assert!(lines.iter().any(|line| line.contains("wise-verified@1")), "{said}");
    assert!(lines.iter().any(|line| line.contains("wise-verified-strict@1")), "{said}");
    let scores: Value = serde_json::from_str(&wise.score(&["run", "--json"], 0)).unwrap();
    let text = scores.to_string();
    assert!(text.contains("wise-verified-official@") && text.contains("\"wise-verified@"), "{scores:#}");
    let refused = wise.call(&["observe", "run", "--judge", &name, "--protocol", "wise-legacy-strict"]);
    check_exit(&refused, 2);
}
