//! `imgeval doctor`: what works, and how to repair the rest.

use std::{fs, process::Output};

use serde_json::{Value, json};

use super::{
    provider::{Bench, KEY, error},
    support::{check_exit, command, stderr, stdout, text},
};
use crate::fault_server::{Action, Reply};

fn models() -> Action {
    Action::Reply(Reply::json(200, &json!({"object": "list", "data": [{"id": "some-model"}, {"id": "b"}]})))
}

fn doctor(bench: &Bench, arguments: &[&str]) -> Output {
    let settings = bench.folder.join("imgeval.toml");
    let models = bench.folder.join("models");
    let mut command = command(&["doctor", "--settings", text(&settings), "--models-dir", text(&models)]);
    command.args(arguments).env("OPENAI_API_KEY", KEY).output().unwrap()
}

fn bench(name: &str, script: Action) -> Bench {
    let bench = Bench::new(name, [script]);
    let url = bench.provider.url();
    bench.settings(&format!("[providers.openai]\nbase_url = \"{url}\"\nkey_env = \"OPENAI_API_KEY\"\n"));
    bench
}

fn finding<'a>(findings: &'a Value, what: &str) -> &'a Value {
    let found = findings["findings"].as_array().unwrap().iter().find(|finding| finding["what"] == what);
    found.unwrap_or_else(|| panic!("{what} in {findings:#}"))
}

#[test]
fn a_provider_that_answers_works_and_lists_its_models() {
    let bench = bench("doctor-works", models());
    let output = doctor(&bench, &["--json", "openai:some-model", "openai:missing"]);
    check_exit(&output, 4);
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let provider = finding(&findings, "provider openai");
    assert_eq!(provider["state"], "works");
    let detail = provider["detail"].as_str().unwrap();
    assert!(detail.contains("key found") && detail.contains("2 models"), "{detail}");
    assert_eq!(finding(&findings, "model some-model")["state"], "works");
    let missing = finding(&findings, "model missing");
    assert_eq!(missing["state"], "broken");
    assert!(missing["detail"].as_str().unwrap().contains("does not list it"), "{missing}");
    let requests = bench.provider.requests();
    assert!(
        requests
            .iter()
            .all(|request| (request.method.as_str(), request.path.as_str()) == ("GET", "/v1/models"))
    );
    check_exit(&doctor(&bench, &["openai:some-model"]), 0);
}

#[test]
fn a_bad_key_is_broken_and_says_what_mends_it() {
    let said = format!("Incorrect API key provided: {KEY}");
    let bench = bench("doctor-bad-key", Action::Reply(error(401, "invalid_api_key", &said)));
    let output = doctor(&bench, &["--json", "openai"]);
    check_exit(&output, 4);
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let provider = finding(&findings, "provider openai");
    assert_eq!(
        (&provider["state"], &provider["mend"]),
        (&"broken".into(), &"set OPENAI_API_KEY to a valid key".into())
    );
    assert!(!format!("{}{}", stdout(&output), stderr(&output)).contains("canary"));
    let table = stdout(&doctor(&bench, &["openai"]));
    assert!(table.contains("broken") && table.contains("provider openai: set OPENAI_API_KEY"), "{table}");
}

#[test]
fn offline_nothing_is_asked() {
    let bench = bench("doctor-offline", models());
    let output = doctor(&bench, &["--json", "--offline"]);
    check_exit(&output, 0);
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(finding(&findings, "provider openai")["state"], "not tried");
    let gemini = finding(&findings, "provider gemini");
    assert_eq!(
        (&gemini["state"], &gemini["mend"]),
        (&"not set up".into(), &"set GEMINI_API_KEY or GOOGLE_API_KEY to use it".into())
    );
    let weights = finding(&findings, "weights preview (preview)");
    assert_eq!(
        (&weights["state"], &weights["mend"]),
        (&"not set up".into(), &"imgeval models pull preview".into())
    );
    assert!(bench.provider.requests().is_empty());
}

#[test]
fn settings_that_cannot_be_read_are_broken() {
    let bench = bench("doctor-settings", models());
    fs::write(bench.folder.join("imgeval.toml"), "key = \"sk-canary-12345\"\n").unwrap();
    let output = doctor(&bench, &["--json"]);
    check_exit(&output, 4);
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = finding(&findings, "settings");
    assert_eq!(settings["state"], "broken");
    assert!(settings["detail"].as_str().unwrap().contains("line 1: unknown field `key`"), "{settings}");
    assert!(!stdout(&output).contains("canary"));
}
