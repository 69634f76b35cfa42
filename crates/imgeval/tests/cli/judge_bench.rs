//! A small Reason-Edit of our own words, edits of it, and judges on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use super::{
    provider::Provider,
    support::{check_exit, command, stderr, stdout, test_folder, text, write_picture},
};
use crate::fault_server::{Action, Reply};

/// Three cases; the judge is asked about them in this order.
pub(crate) const CASES: [&str; 3] = ["left-right-0001", "left-right-0002", "reasoning-0001"];

/// Writes the benchmark; the instructions are those of [`CASES`].
pub(crate) fn write_benchmark(root: &Path, instructions: [&str; 3]) {
    for (seed, (folder, name)) in
        [("1-Left-Right", "0001"), ("1-Left-Right", "0002"), ("6-Reasoning", "0001")].into_iter().enumerate()
    {
        write_picture(&root.join(format!("{folder}/{name}.png")), seed as u32);
        write_picture(&root.join(format!("{folder}/{name}_mask.jpg")), 100 + seed as u32);
    }
    let [one, two, three] = instructions;
    fs::write(
        root.join("1-Left-Right/Left_Right_text.txt"),
        format!("{one} CLIP: a lamp\n{two} CLIP: a stone\n"),
    )
    .unwrap();
    fs::write(root.join("6-Reasoning/Reason_test.txt"), format!("{three} CLIP: a boat\n")).unwrap();
}

pub(crate) const INSTRUCTIONS: [&str; 3] =
    ["Turn the left lamp off.", "Remove the stone on the right.", "Show what floats as new."];

/// Writes edited images in SmartEdit's folders.
pub(crate) fn write_edits(root: &Path, seed: u32) {
    for (number, (folder, name)) in
        [("LeftRight_metrics_1", "0001"), ("LeftRight_metrics_1", "0002"), ("Reasoning_metrics_1", "0001")]
            .into_iter()
            .enumerate()
    {
        write_picture(&root.join(format!("{folder}/{name}.png")), seed + number as u32);
    }
}

/// A reply in these words, with counted tokens.
pub(crate) fn words(words: &str) -> Reply {
    let message = json!({"role": "assistant", "content": words});
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 100});
    Reply::json(
        200,
        &json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}),
    )
}

pub(crate) fn says(text: &str) -> Action {
    Action::Reply(words(text))
}

/// Follows the rubric; the smaller score counts.
pub(crate) fn gives(first: u32, second: u32) -> Action {
    says(&json!({"score": [first, second], "reasoning": "as it looks"}).to_string())
}

/// A folder with the fetched suite and a run of three imported edits.
pub(crate) struct JudgeBench {
    pub(crate) folder: PathBuf,
}

impl JudgeBench {
    pub(crate) fn new(name: &str) -> Self {
        Self::with_instructions(name, INSTRUCTIONS)
    }

    pub(crate) fn with_instructions(name: &str, instructions: [&str; 3]) -> Self {
        let bench = Self { folder: test_folder(name) };
        write_benchmark(&bench.folder.join("benchmark"), instructions);
        let benchmark = bench.folder.join("benchmark");
        check_exit(&bench.call(&["suites", "fetch", "reason-edit", "--from", text(&benchmark)]), 0);
        write_edits(&bench.folder.join("edits"), 200);
        bench.import("edits", "run");
        bench
    }

    /// With so many cases of one folder, all different.
    pub(crate) fn of_many(name: &str, n: u32) -> Self {
        let bench = Self { folder: test_folder(name) };
        let (cases, edits) =
            (bench.folder.join("benchmark/4-Color"), bench.folder.join("edits/Color_metrics_4"));
        let mut lines = String::new();
        for number in 0..n {
            write_picture(&cases.join(format!("{number:04}.png")), number);
            write_picture(&cases.join(format!("{number:04}_mask.png")), 1000 + number);
            write_picture(&edits.join(format!("{number:04}.png")), 2000 + number);
            lines.push_str(&format!("Paint thing {number} red. CLIP: a red thing\n"));
        }
        fs::write(cases.join("Color_text.txt"), lines).unwrap();
        let benchmark = bench.folder.join("benchmark");
        check_exit(&bench.call(&["suites", "fetch", "reason-edit", "--from", text(&benchmark)]), 0);
        bench.import("edits", "run");
        bench
    }

    /// Imports the folder's edits into a run.
    pub(crate) fn import(&self, edits: &str, run: &str) {
        let (edits, run) = (self.folder.join(edits), self.folder.join(run));
        let output = self.call(&["import", "reason-edit", text(&edits), "--run", text(&run)]);
        check_exit(&output, 0);
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    pub(crate) fn settings(&self, toml: &str) -> PathBuf {
        let path = self.folder.join("imgeval.toml");
        fs::write(&path, toml).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command
            .env("IMGEVAL_SUITES_DIR", self.folder.join("suites"))
            .env("IMGEVAL_OFFLINE", "1")
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&self.folder);
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        check_clean(&output);
        output
    }

    /// `observe` by the judge `m` of the server, one call at a time, without pixel metrics.
    pub(crate) fn observe_command(&self, judge: &Provider, more: &[&str]) -> Command {
        let (run, name) = (self.run(), format!("{}#m", judge.url()));
        let mut arguments = vec!["observe", text(&run), "--no-metrics"];
        for (option, value) in [("--judge", name.as_str()), ("--judge-concurrency", "1")] {
            if !more.contains(&option) {
                arguments.extend([option, value]);
            }
        }
        arguments.extend(more);
        self.command(&arguments)
    }

    pub(crate) fn observe(&self, judge: &Provider, more: &[&str], exit: i32) -> Output {
        let output = self.observe_command(judge, more).output().unwrap();
        check_clean(&output);
        check_exit(&output, exit);
        output
    }

    pub(crate) fn score(&self, more: &[&str], exit: i32) -> Output {
        let run = self.run();
        let mut arguments = vec!["score", text(&run)];
        arguments.extend(more);
        let output = self.call(&arguments);
        check_exit(&output, exit);
        output
    }

    pub(crate) fn score_json(&self, more: &[&str], exit: i32) -> Value {
        let mut arguments = vec!["--json"];
        arguments.extend(more);
        serde_json::from_slice(&self.score(&arguments, exit).stdout).unwrap()
    }
}

/// What is printed holds nothing that moves a terminal, and the program has not broken down.
pub(crate) fn check_clean(output: &Output) {
    for said in [stdout(output), stderr(output)] {
        let odd = said.chars().find(|letter| letter.is_control() && *letter != '\n');
        assert_eq!(odd, None, "{said:?}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// The row of a score table with this name, by the first judge.
pub(crate) fn row<'a>(scores: &'a Value, name: &str) -> &'a Value {
    let rows = scores["judges"][0]["scores"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}: {scores:#}"))
}

/// All text parts of a request's message, in order, and the images' data URLs.
pub(crate) fn parts(request: &Value) -> (Vec<String>, Vec<String>) {
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for message in request["messages"].as_array().unwrap() {
        match &message["content"] {
            Value::String(text) => texts.push(text.clone()),
            content => {
                for part in content.as_array().unwrap() {
                    match part["text"].as_str() {
                        Some(text) => texts.push(text.to_owned()),
                        None => images.push(part["image_url"]["url"].as_str().unwrap().to_owned()),
                    }
                }
            }
        }
    }
    (texts, images)
}

/// Every word of every reply on record, as it was said, in order: case and words.
pub(crate) fn replies(run: &Path) -> Vec<(String, String)> {
    let database = rusqlite::Connection::open(run.join("run.db")).unwrap();
    let sql = "SELECT case_id, coalesce(reply, outcome) FROM judgments ORDER BY judgment_id";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}
