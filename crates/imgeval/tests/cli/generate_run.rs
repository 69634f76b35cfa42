//! `imgeval run --model`: generated, observed and scored in one go. Says nothing where the tiny random networks of
//! `../shared/golden` are absent.

use std::{fs, process::Output};

use serde_json::{Value, json};

use super::{
    networks::{Golden, golden, observer},
    provider::{Bench, KEY, Provider, error, image},
    support::{check_exit, command, stderr, text},
};
use crate::fault_server::{Action, Reply};

/// Lacks what only `generate` has: its JSON, and the choice of the suite's one image.
fn run(bench: &Bench, golden: &Golden, more: &[&str]) -> Output {
    let (url, settings, run) = (bench.provider.url(), bench.folder.join("imgeval.toml"), bench.run());
    let mut arguments = vec!["run", "--suite", "geneval", "--model", "openai:some-model", "--base-url", &url];
    arguments.extend(["--settings", text(&settings), "--run", text(&run), "--samples", "1", "--json"]);
    arguments.extend(["--concurrency", "1"]);
    arguments.extend(observer(golden));
    arguments.extend(more);
    command(&arguments).env("OPENAI_API_KEY", KEY).output().unwrap()
}

#[test]
fn images_are_made_observed_and_scored_and_nothing_twice() {
    let Some(golden) = golden() else { return };
    let bench = Bench::new("run-model", [image(1), image(2)]);
    let output = run(&bench, &golden, &["--ids", "338,287"]);
    check_exit(&output, 0);
    let table: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table["coverage"]["usable_images"], 2, "{table:#}");
    let rows = fs::read_to_string(bench.run().join("geneval-results.jsonl")).unwrap();
    assert_eq!(rows.lines().count(), 2);
    let again = run(&bench, &golden, &["--ids", "338,287"]);
    assert_eq!(again.stdout, output.stdout);
    assert_eq!(bench.provider.requests().len(), 2);
}

#[test]
fn what_kept_images_from_being_made_decides_how_it_ends() {
    let Some(golden) = golden() else { return };
    let unauthorized = Action::Reply(error(401, "invalid_api_key", "no"));
    let bench = Bench::new("run-model-stopped", [image(1), unauthorized, image(2)]);
    let output = run(&bench, &golden, &["--ids", "338,287"]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("hint: set OPENAI_API_KEY"), "{}", stderr(&output));
    let table: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table["coverage"]["usable_images"], 1, "what was made is scored all the same");

    let catalogue = bench.folder.join("models.toml");
    let entry = "[[model]]\nprovider = \"openai-images\"\nid = \"some-model\"\nsource = \"https://a.example/\"\n\
                 as_of = \"2026-01-02\"\nprice.image = [{ usd = 0.04 }]\n";
    fs::write(&catalogue, entry).unwrap();
    let arguments = ["--ids", "338,287,329", "--catalogue", text(&catalogue), "--max-cost", "0.05"];
    check_exit(&run(&bench, &golden, &arguments), 7);
    let dry = [&arguments[..], &["--dry-run"]].concat();
    let output = run(&bench, &golden, &dry);
    check_exit(&output, 0);
    let estimate: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&estimate["calls"], &estimate["done"]), (&1.into(), &2.into()));
}

#[test]
fn a_moderated_prompt_and_one_that_was_not_rewritten_are_said_by_the_exit_code() {
    let Some(golden) = golden() else { return };
    let moderated = Action::Reply(error(400, "moderation_blocked", "no"));
    let bench = Bench::new("run-model-moderated", [moderated, image(1)]);
    check_exit(&run(&bench, &golden, &["--ids", "338,287"]), 4);

    let bench = Bench::new("run-model-rewriting", [image(1)]);
    let message = json!({"role": "assistant", "content": "a splendid thing"});
    let rewritten = Reply::json(200, &json!({"choices": [{"finish_reason": "stop", "message": message}]}));
    let failed = error(400, "invalid_value", "cannot do that");
    let writer = Provider::start([rewritten, failed].map(Action::Reply));
    bench.settings(&format!(
        "[providers.writer]\nkind = \"openai-chat\"\nretries = 0\nbase_url = \"{}\"\n",
        writer.url()
    ));
    let instructions = bench.folder.join("instructions.txt");
    fs::write(&instructions, "Make it vivid.").unwrap();
    let arguments = ["--rewriter", "chat:writer:pen", "--rewriter-instructions", text(&instructions)];
    let output = run(&bench, &golden, &[&arguments[..], &["--ids", "338,287"]].concat());
    check_exit(&output, 4);
    assert_eq!(bench.provider.requests().len(), 1);
}

#[test]
fn without_any_image_the_reason_is_told() {
    let Some(golden) = golden() else { return };
    let unauthorized = Action::Reply(error(401, "invalid_api_key", "no"));
    let bench = Bench::new("run-model-none", [unauthorized]);
    let output = run(&bench, &golden, &["--ids", "338"]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("hint: set OPENAI_API_KEY"), "{}", stderr(&output));

    let bench = Bench::new("run-model-refused", [Action::Reply(error(400, "moderation_blocked", "no"))]);
    let output = run(&bench, &golden, &["--ids", "338"]);
    check_exit(&output, 5);
    let said = stderr(&output);
    assert!(said.contains("moderated") && said.contains("no image of the run could be scored"), "{said}");
    assert!(said.contains("hint: import or generate usable images"), "{said}");
}
