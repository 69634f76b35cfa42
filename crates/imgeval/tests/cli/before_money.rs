//! What is said before money is spent: keys, models, sizes, estimates. Nothing here calls a vendor.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use super::{
    provider::{Bench, KEY, error, image},
    support::{check_exit, command, stderr, test_folder, text},
};
use crate::fault_server::Action;

/// At the vendor's own address, without settings.
fn at_vendor(folder: &Path, more: &[&str]) -> Command {
    let mut command =
        command(&["generate", "--suite", "geneval", "--ids", "0", "--samples", "1", "--run", "run"]);
    command.args(more).current_dir(folder);
    command
}

/// Asserts that a call ends with this exit code, these words and no run.
fn check_refused(folder: &Path, output: &Output, exit: i32, words: &[&str]) {
    check_exit(output, exit);
    let said = stderr(output);
    for word in words {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert!(!said.contains("canary") && !folder.join("run").exists(), "{said}");
}

#[test]
fn a_missing_or_malformed_key_is_named_before_there_is_a_run() {
    let folder = test_folder("before-key");
    let model = ["--model", "openai:gpt-image-2"];
    let words = ["no key for provider `openai`", "set OPENAI_API_KEY"];
    check_refused(&folder, &at_vendor(&folder, &model).output().unwrap(), 2, &words);
    for (key, word) in [
        (" \t", "OPENAI_API_KEY is blank"),
        ("sk-canary\nsk-other", "has more than one line"),
        ("sk-can\u{e4}ry", "not ASCII"),
        ("OPENAI_API_KEY=sk-canary", "the name of a variable"),
        ("\"sk-canary\"", "is in quotes"),
        ("Bearer sk-canary", "contains spaces"),
    ] {
        let output = at_vendor(&folder, &model).env("OPENAI_API_KEY", key).output().unwrap();
        check_refused(&folder, &output, 2, &[word]);
    }
    // What it would cost may be asked without one.
    check_exit(&at_vendor(&folder, &model).arg("--dry-run").output().unwrap(), 0);
    let rewriter = ["--base-url", "http://127.0.0.1:9/v1", "--rewriter", "chat:openai-chat:gpt-5.5"];
    fs::write(folder.join("how.txt"), "Be vivid.").unwrap();
    let mut command = at_vendor(&folder, &model);
    let output = command.args(rewriter).args(["--rewriter-instructions", "how.txt"]).output().unwrap();
    check_refused(&folder, &output, 2, &["no key for provider `openai-chat`"]);
}

const CATALOGUE: &str = "
[[model]]
provider = 'openai-images'
id = 'paint-9'
sizes = ['64x64']
qualities = ['fine', 'rough']
source = 'https://a.example'
as_of = '2020-01-01'
[[model]]
provider = 'openai-images'
id = 'paint-8'
retires = '2020-05-06'
replacement = 'paint-9'
source = 'https://a.example'
as_of = '2020-01-01'
";

#[test]
fn what_the_catalogue_knows_to_be_impossible_is_refused_at_the_vendor_alone() {
    let bench = Bench::new("before-model", [image(1)]);
    let catalogue = bench.folder.join("models.toml");
    fs::write(&catalogue, CATALOGUE).unwrap();
    let dry = |more: &[&str]| {
        let mut command = at_vendor(&bench.folder, more);
        command
            .args(["--catalogue", text(&catalogue), "--dry-run"])
            .env("OPENAI_API_KEY", KEY)
            .output()
            .unwrap()
    };
    for (arguments, words) in [
        (
            &["openai:piant-9"][..],
            ["no model `piant-9` in the catalog", "the nearest are paint-9", "pass --any-model"],
        ),
        (
            &["openai:paint-8"],
            ["paint-8 was retired on 2020-05-06", "the vendor recommends paint-9 instead", "--any-model"],
        ),
        (
            &["openai:paint-9", "--size", "64x96"],
            ["does not accept the size `64x96`", "it accepts 64x64", "paint-9"],
        ),
        (
            &["openai:paint-9", "--quality", "best"],
            ["does not accept the quality `best`", "it accepts fine, rough", ""],
        ),
        (
            &["gemini:gemini-9"],
            ["gemini has no model `gemini-9` in the catalog", "the nearest are gemini-", ""],
        ),
    ] {
        let arguments = [&["--model"], arguments].concat();
        check_refused(&bench.folder, &dry(&arguments), 2, &words);
        check_exit(&dry(&[&arguments[..], &["--any-model"]].concat()), 0);
        let elsewhere = [&arguments[..], &["--base-url", "http://127.0.0.1:9/v1"]].concat();
        check_exit(&dry(&elsewhere), 0);
    }
    check_exit(&dry(&["--model", "openai:paint-9", "--size", "64x64", "--quality", "fine"]), 0);
}

#[test]
fn a_run_without_a_result_takes_other_parameters() {
    let refused = Action::Reply(error(400, "invalid_value", "no such quality"));
    let bench = Bench::new("before-parameters", [refused, image(1)]);
    bench.report(&["--ids", "0", "--quality", "wrong"], 4).check(&[("made", 0), ("rejected-request", 1)]);
    let dry = bench.report(&["--ids", "0", "--quality", "fine", "--dry-run"], 0);
    assert_eq!((&dry.0["calls"], &dry.0["done"]), (&1.into(), &0.into()));
    let report = bench.report(&["--ids", "0", "--quality", "fine"], 0);
    report.check(&[("made", 1)]);
    assert_eq!(report.0["spend"]["calls"], 2, "what was asked before stays on record");
    check_exit(&bench.generate(&["--ids", "0", "--quality", "wrong"]), 6);
    let manifest = fs::read_to_string(bench.run().join("run.toml")).unwrap();
    assert!(manifest.contains("quality = \"fine\""), "{manifest}");
}

#[test]
fn a_refusal_is_a_result() {
    let moderated = Action::Reply(error(400, "moderation_blocked", "against the rules"));
    let bench = Bench::new("before-refusal", [moderated, image(1)]);
    bench.report(&["--ids", "0"], 4).check(&[("made", 0), ("moderated", 1)]);
    check_exit(&bench.generate(&["--ids", "0", "--quality", "low"]), 6);
    assert_eq!(bench.provider.requests().len(), 1);
}

#[test]
fn cases_of_a_run_without_a_result_may_change() {
    let refused = Action::Reply(error(400, "invalid_value", "no"));
    let bench = Bench::new("before-cases", [refused, image(1)]);
    let cases = bench.folder.join("cases.jsonl");
    fs::write(&cases, "{\"id\": \"a\", \"prompt\": \"one\"}\n").unwrap();
    bench.report(&["--cases", text(&cases)], 4);
    fs::write(&cases, "{\"id\": \"a\", \"prompt\": \"two\"}\n").unwrap();
    bench.report(&["--cases", text(&cases)], 0).check(&[("made", 1)]);
    assert_eq!(bench.provider.prompts(), ["one", "two"]);
}

const DEAR: &str = "
[[model]]
provider = 'openai-images'
id = 'some-model'
source = 'https://a.example'
as_of = '2020-01-01'
[model.price]
image = [{ usd = 3 }]
";

#[test]
fn what_is_estimated_to_be_dear_needs_a_word_or_a_limit() {
    let bench = Bench::new("before-dear", [image(1)]);
    let catalogue = bench.folder.join("models.toml");
    fs::write(&catalogue, DEAR).unwrap();
    let priced = ["--catalogue", text(&catalogue)];
    let output = bench.generate(&[&priced[..], &["--limit", "2"]].concat());
    check_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("the estimate is $6.00 for 2 images, more than $5.00"), "{said}");
    assert!(said.contains("--max-cost DOLLARS") && said.contains("--yes"), "{said}");
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());

    bench.report(&[&priced[..], &["--limit", "1"]].concat(), 0);
    // What is there already is not paid again.
    bench.report(&[&priced[..], &["--limit", "2"]].concat(), 0).check(&[("made", 1), ("there-before", 1)]);
    bench.report(&[&priced[..], &["--limit", "4", "--max-cost", "9"]].concat(), 7);
    bench.report(&[&priced[..], &["--limit", "5", "--yes"]].concat(), 0);
    bench.settings("ask_above_usd = 0.5\n[providers.openai]\nretries = 0\n");
    check_exit(&bench.generate(&[&priced[..], &["--limit", "6"]].concat()), 2);
    bench.settings("ask_above_usd = -1\n");
    let output = bench.generate(&[&priced[..], &["--limit", "6"]].concat());
    check_exit(&output, 2);
    assert!(stderr(&output).contains("`ask_above_usd = -1` is not an amount"), "{}", stderr(&output));
}
