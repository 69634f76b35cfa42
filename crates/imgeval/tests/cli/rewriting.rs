//! Prompts that are rewritten before they are sent.

use std::{collections::BTreeSet, fs};

use serde_json::json;

use super::{
    provider::{Bench, Provider, error, image},
    support::{check_exit, stderr, text},
};
use crate::fault_server::{Action, Reply};

fn chat_reply(words: &str) -> Action {
    let message = json!({"role": "assistant", "content": words});
    let choice = json!({"index": 0, "finish_reason": "stop", "message": message});
    Action::Reply(Reply::json(200, &json!({"choices": [choice], "usage": {}})))
}

/// A chat model that is known to the settings as `writer`, and the arguments that let it rewrite.
fn with_writer(bench: &Bench, script: Vec<Action>) -> (Provider, Vec<String>) {
    let writer = Provider::start(script);
    bench.settings(&format!(
        "[providers.openai]\nretries = 0\n[providers.writer]\nkind = \"openai-chat\"\nretries = 0\nbase_url = \"{}\"\n",
        writer.url()
    ));
    let instructions = bench.folder.join("instructions.txt");
    fs::write(&instructions, "Make it vivid.\n").unwrap();
    let arguments = ["--rewriter", "chat:writer:pen", "--rewriter-instructions", text(&instructions)];
    (writer, arguments.map(str::to_owned).to_vec())
}

fn join<'a>(arguments: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[test]
fn a_template_is_put_around_every_prompt() {
    let bench = Bench::new("rewriting-template", [image(1)]);
    let template = bench.folder.join("template.txt");
    fs::write(&template, "In oil: {prompt}!\n").unwrap();
    let rewriter = format!("template:{}", text(&template));
    bench.report(&["--ids", "0", "--rewriter", &rewriter], 0);
    assert_eq!(bench.provider.prompts(), ["In oil: a photo of a bench!"]);
    let manifest = fs::read_to_string(bench.run().join("run.toml")).unwrap();
    assert!(manifest.contains("In oil: {prompt}!"), "{manifest}");
    fs::write(&template, "In chalk: {prompt}!\n").unwrap();
    check_exit(&bench.generate(&["--ids", "0", "--rewriter", &rewriter]), 6);
    fs::write(&template, "In chalk!\n").unwrap();
    let output = bench.generate(&["--ids", "0", "--rewriter", &rewriter]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("has no placeholder for the prompt"), "{}", stderr(&output));
}

#[test]
fn a_chat_model_is_asked_once_for_each_prompt_and_never_again() {
    let bench = Bench::new("rewriting-chat", [image(1)]);
    let (writer, arguments) =
        with_writer(&bench, vec![chat_reply("a splendid bench"), chat_reply("a grand cow")]);
    let all = join(&arguments, &["--ids", "0,1", "--samples", "3"]);
    let dry = bench
        .report(&join(&all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &["--dry-run"]), 0)
        .0;
    assert_eq!((&dry["calls"], &dry["rewrites"]), (&6.into(), &2.into()));
    let report = bench.report(&all, 0);
    report.check(&[("made", 6)]);
    assert_eq!(report.0["spend"]["calls"], 8, "rewriting is paid for too");
    let requests = writer.requests();
    assert_eq!(requests.len(), 2);
    let messages = &requests[0].json()["messages"];
    assert_eq!((&messages[0]["role"], &messages[0]["content"]), (&"system".into(), &"Make it vivid.".into()));
    assert_eq!(messages[1]["role"], "user");
    let sent: BTreeSet<String> = bench.provider.prompts().into_iter().collect();
    assert_eq!(sent, BTreeSet::from(["a splendid bench".to_owned(), "a grand cow".to_owned()]));

    bench.report(&all, 0).check(&[("made", 0), ("there-before", 6)]);
    bench
        .report(&join(&arguments, &["--ids", "0,1", "--samples", "4"]), 0)
        .check(&[("made", 2), ("there-before", 6)]);
    assert_eq!(writer.requests().len(), 2, "rewritten prompts are kept in the run");

    fs::write(bench.folder.join("instructions.txt"), "Make it dull.\n").unwrap();
    let output = bench.generate(&all);
    check_exit(&output, 6);
    assert!(stderr(&output).contains("rewriter"), "{}", stderr(&output));
}

#[test]
fn a_prompt_that_could_not_be_rewritten_is_left_out() {
    let bench = Bench::new("rewriting-fails", [image(1)]);
    let failed = Action::Reply(error(500, "server_error", "pen is broken"));
    let (writer, arguments) = with_writer(&bench, vec![failed, chat_reply("a new thing")]);
    let all = join(&arguments, &["--ids", "0,1", "--samples", "2"]);
    let output = bench.generate(&all);
    check_exit(&output, 4);
    let said = stderr(&output);
    assert!(said.contains("transport: ") && said.contains("pen is broken"), "{said}");
    super::provider::Report::read(&output).check(&[("made", 2), ("not-rewritten", 2)]);
    assert!(bench.provider.prompts().iter().all(|prompt| prompt == "a new thing"), "never as it was");
    bench.report(&all, 0).check(&[("made", 2), ("there-before", 2)]);
    assert_eq!(writer.requests().len(), 3, "only the one that failed");
}

#[test]
fn a_rewriter_with_a_bad_key_stops_before_any_image() {
    let bench = Bench::new("rewriting-bad-key", [image(1)]);
    let (writer, arguments) =
        with_writer(&bench, vec![Action::Reply(error(401, "invalid_api_key", "who are you"))]);
    let output = bench.generate(&join(&arguments, &["--limit", "20"]));
    check_exit(&output, 1);
    assert!(stderr(&output).contains("the key is missing or was rejected"), "{}", stderr(&output));
    assert!(writer.requests().len() <= 4, "those of the same moment and no more");
    assert_eq!(bench.provider.requests().len(), 0);
}

#[test]
fn rewriters_that_cannot_be_used_are_refused() {
    let bench = Bench::new("rewriting-refused", [image(1)]);
    let instructions = bench.folder.join("instructions.txt");
    fs::write(&instructions, "Make it vivid.").unwrap();
    for (arguments, words) in [
        (vec!["--rewriter", "magic"], "unknown rewriter `magic`"),
        (vec!["--rewriter", "chat:openai-chat:m"], "needs instructions"),
        (vec!["--rewriter-instructions", text(&instructions)], "needs --rewriter chat:"),
        (
            vec!["--rewriter", "chat:gemini:m", "--rewriter-instructions", text(&instructions)],
            "`gemini` does not support chat completions",
        ),
        (vec!["--prompt-template", "no place"], "has no placeholder for the prompt"),
    ] {
        let output = bench.generate(&arguments);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());
}
