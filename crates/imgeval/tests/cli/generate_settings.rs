//! Settings, capabilities and the fingerprint of a run.

use std::fs;

use super::{
    provider::{Bench, KEY, image},
    support::{check_exit, stderr, text},
};

fn refuse(bench: &Bench, arguments: &[&str], exit: i32, words: &[&str]) {
    let output = bench.generate(arguments);
    check_exit(&output, exit);
    let said = stderr(&output);
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn settings_that_are_not_understood_are_refused_with_the_line_and_without_their_text() {
    let bench = Bench::new("settings-refused", [image(1)]);
    let hint = "put keys in the environment";
    for (toml, words) in [
        ("[providers.openai]\nretires = 3\n", ["imgeval.toml`, line 2: unknown field `retires`", hint]),
        ("\n\n[provider.openai]\n", ["line 3: unknown field `provider`", hint]),
        ("[providers.openai]\nkey = \"sk-canary-1234567\"\n", ["line 2: unknown field `key`", hint]),
        ("[providers.openai]\nkey_env = sk-canary-1234567\n", ["line 2: ", hint]),
        ("[providers.openai]\nretries = \"sk-canary-1234567\"\n", ["line 2: ", hint]),
        ("[providers.openai]\nretries = \"a, expected sk-canary\"\n", ["line 2: ", "expected u32"]),
        ("catalogue = [\"sk-canary-1234567\"]\n", ["line 1: ", hint]),
        ("[providers.openai]\nconcurrency = 0\n", ["line 2: ", hint]),
        ("[providers.openai]\ntimeout_s = -1\n", ["`timeout_s` must be positive, not -1", ""]),
        ("[providers.openai]\nkey_env = \"NOT_SET\"\n", ["`NOT_SET` for the key is unset or blank", ""]),
        (
            "[providers.openai]\nheaders = { Authorization = \"Bearer sk-canary-12\" }\n",
            [
                "the header `Authorization` of provider `openai` contains a key, which does not belong in the settings",
                "headers_env",
            ],
        ),
        (
            "[providers.openai]\nheaders = { api-key = \"sk-canary-12\" }\n",
            ["the header `api-key`", "headers_env"],
        ),
        (
            "[providers.openai]\nproxy = \"http://me:canary@a.example:3128\"\n",
            [
                "the proxy of provider `openai` contains a password, which does not belong in the settings",
                "proxy_env",
            ],
        ),
        ("[providers.openai]\nkind = \"openai\"\n", ["unknown kind `openai`", "openai-images"]),
    ] {
        bench.settings(toml);
        refuse(&bench, &["--ids", "0"], 2, &words);
    }
    fs::remove_file(bench.folder.join("imgeval.toml")).unwrap();
    refuse(&bench, &["--ids", "0"], 1, &["could not read the settings"]);
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());
}

#[test]
fn a_provider_of_ones_own_has_a_kind_an_address_and_a_key() {
    let bench = Bench::new("settings-own", [image(1)]);
    let url = bench.provider.url();
    bench.settings(&format!(
        "[providers.mine]\nkind = \"openai-images\"\nbase_url = \"{url}\"\nkey_env = \"MY_KEY\"\n\
         headers = {{ x-team = \"blue\" }}\n"
    ));
    let settings = bench.folder.join("imgeval.toml");
    let run = bench.run();
    let mut arguments = vec!["generate", "--suite", "geneval", "--model", "mine:some-model", "--ids", "0"];
    arguments.extend(["--samples", "1", "--settings", text(&settings), "--run", text(&run)]);
    let mut command = super::support::command(&arguments);
    let output = command.env("MY_KEY", "my-own-key").env("OPENAI_API_KEY", KEY).output().unwrap();
    check_exit(&output, 0);
    let request = &bench.provider.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer my-own-key"));
    assert_eq!(request.header("x-team"), Some("blue"));
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(run.join("run.toml")).unwrap()).unwrap();
    assert_eq!(manifest["generation"]["endpoint"].as_str(), Some(url.as_str()));
}

#[test]
fn a_key_of_the_usual_variable_is_not_sent_to_a_provider_of_ones_own() {
    let bench = Bench::new("settings-own-keyless", [image(1)]);
    let url = bench.provider.url();
    bench.settings(&format!("[providers.mine]\nkind = \"openai-images\"\nbase_url = \"{url}\"\n"));
    bench.report(&["--model", "mine:some-model", "--ids", "0"], 0);
    assert_eq!(bench.provider.requests()[0].header("authorization"), None);
}

#[test]
fn settings_that_lead_elsewhere_get_the_usual_key_only_if_they_name_it() {
    let bench = Bench::new("settings-elsewhere", [image(1)]);
    let url = bench.provider.url();
    let settings = bench.folder.join("imgeval.toml");
    let generate = |run: &str| {
        let run = bench.folder.join(run);
        let mut command = super::support::command(&["generate", "--suite", "geneval", "--model", "openai:m"]);
        command.args(["--ids", "0", "--samples", "1", "--settings", text(&settings), "--run", text(&run)]);
        command.env("OPENAI_API_KEY", KEY).output().unwrap()
    };
    bench.settings(&format!("[providers.openai]\nbase_url = \"{url}\"\n"));
    let output = generate("without");
    check_exit(&output, 0);
    assert!(stderr(&output).contains("is sent no key"), "{}", stderr(&output));
    bench.settings(&format!("[providers.openai]\nbase_url = \"{url}\"\nkey_env = \"OPENAI_API_KEY\"\n"));
    check_exit(&generate("with"), 0);
    let sent = bench.provider.requests();
    assert_eq!(sent[0].header("authorization"), None);
    assert!(sent[1].header("authorization").is_some());
}

#[test]
fn settings_here_are_found_without_being_named() {
    let bench = Bench::new("settings-here", [image(1)]);
    let url = bench.provider.url();
    bench.settings(&format!("[providers.mine]\nkind = \"openai-images\"\nbase_url = \"{url}\"\n"));
    let mut command = super::support::command(&["generate", "--suite", "geneval", "--ids", "0", "--samples"]);
    command.args(["1", "--model", "mine:some-model", "--run", "here"]).current_dir(&bench.folder);
    check_exit(&command.output().unwrap(), 0);
    assert!(bench.folder.join("here/run.toml").exists());
}

#[test]
fn unknown_providers_and_models_without_a_provider_are_explained() {
    let bench = Bench::new("settings-unknown", [image(1)]);
    bench.settings("[providers.mine]\nkind = \"gemini\"\n");
    let known = "available: cmd, cmd-lines, folder, gemini, mine, openai, openai-chat, openai-images";
    refuse(&bench, &["--model", "opnai:m"], 2, &["unknown provider `opnai`", known]);
    for model in ["some-model", ":m", "openai:", ""] {
        refuse(
            &bench,
            &["--model", model],
            2,
            &["does not name a provider and a model", "write PROVIDER:MODEL"],
        );
    }
    bench.settings("[providers.mine]\nretries = 1\n");
    refuse(&bench, &["--model", "mine:m"], 2, &["provider `mine` in the settings has no `kind`"]);
}

#[test]
fn what_a_provider_does_not_take_is_refused_before_any_call() {
    let bench = Bench::new("settings-capabilities", [image(1)]);
    for (arguments, word) in [
        (["--system", "be kind"], "does not accept a request with a system prompt"),
        (["--image-seed", "7"], "does not accept a request with a seed"),
        (["--size", "16:9"], "does not accept a request with an aspect ratio"),
    ] {
        refuse(&bench, &arguments, 2, &["the provider `openai-images`", word]);
    }
    let cases = bench.folder.join("cases.jsonl");
    fs::write(&cases, "{\"id\": \"a\", \"rounds\": [\"p\", \"q\"]}\n").unwrap();
    let arguments = ["--model", "cmd:program {prompt} {out}", "--cases", text(&cases)];
    refuse(&bench, &arguments, 2, &["the command line has no `{input}`", "further rounds"]);
    for flag in ["--base-url", "--key-file", "--rpm"] {
        let arguments = ["--model", "cmd:program {prompt} {out}", flag, "7"];
        refuse(&bench, &arguments, 2, &["runs on this machine", flag]);
    }
    for arguments in
        [["--size", "0x7"], ["--size", "big"], ["--retry", "transport"], ["--output-format", "gif"]]
    {
        check_exit(&bench.generate(&arguments), 2);
    }
    assert!(bench.provider.requests().is_empty() && !bench.run().exists());
}

#[test]
fn a_run_takes_only_images_of_one_origin() {
    let bench = Bench::new("settings-fingerprint", [image(1)]);
    bench.report(&["--ids", "0", "--size", "24x16"], 0);
    for (arguments, word) in [
        (vec!["--size", "24x16", "--model", "openai:other-model"], "model"),
        (vec!["--size", "24x16", "--model", "openai-responses:some-model"], "provider"),
        (vec!["--size", "16x24"], "size"),
        (vec![], "size"),
        (vec!["--size", "24x16", "--quality", "low"], "quality"),
        (vec!["--size", "24x16", "--prompt-prefix", "A photo: "], "prompt_prefix"),
        (vec!["--size", "24x16", "--base-url", "http://127.0.0.1:9/v1"], "endpoint"),
        (vec!["--size", "24x16", "--seed", "7"], "seed"),
    ] {
        let arguments: Vec<&str> = ["--ids", "0"].into_iter().chain(arguments).collect();
        refuse(&bench, &arguments, 6, &[word]);
        let dry: Vec<&str> = arguments.into_iter().chain(["--dry-run"]).collect();
        refuse(&bench, &dry, 6, &[word]);
    }
    assert_eq!(bench.provider.requests().len(), 1);
    // How fast and how much is no part of it.
    let arguments = ["--ids", "0", "--size", "24x16", "--samples", "2", "--concurrency", "3", "--rpm", "600"];
    bench.report(&arguments, 0).check(&[("made", 1), ("there-before", 1)]);
}

#[test]
fn what_is_sent_is_what_was_asked_for() {
    let bench = Bench::new("settings-parameters", [image(1)]);
    let arguments = [
        "--size",
        "24x16",
        "--quality",
        "low",
        "--background",
        "opaque",
        "--output-format",
        "png",
        "--ids",
        "0",
        "--prompt-prefix",
        "Photo. ",
        "--prompt-template",
        "<{prompt}>",
    ];
    bench.report(&arguments, 0);
    let body = bench.provider.requests()[0].json();
    for (name, value) in
        [("size", "24x16"), ("quality", "low"), ("background", "opaque"), ("output_format", "png")]
    {
        assert_eq!(body[name], value);
    }
    assert_eq!(body["prompt"], "Photo. <a photo of a bench>");
    let bare = Bench::new("settings-no-parameters", [image(1)]);
    bare.report(&["--ids", "0"], 0);
    let body = bare.provider.requests()[0].json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["model", "prompt", "n"], "what is not asked for is not sent");
}

#[test]
fn a_retired_model_is_warned_of_with_its_date() {
    let bench = Bench::new("settings-retired", [image(1)]);
    let catalogue = bench.folder.join("models.toml");
    let entry = |id: &str, retires: &str| {
        format!(
            "[[model]]\nprovider = \"openai-images\"\nid = \"{id}\"\nretires = \"{retires}\"\n\
             replacement = \"newer-model\"\nsource = \"https://a.example/\"\nas_of = \"2020-01-01\"\n"
        )
    };
    fs::write(&catalogue, entry("old", "2020-05-06") + &entry("young", "2999-01-02")).unwrap();
    let warning = |model: &str| {
        let output = bench.generate(&["--catalogue", text(&catalogue), "--model", model, "--dry-run"]);
        check_exit(&output, 0);
        stderr(&output)
    };
    let said = warning("openai:old");
    assert!(said.contains("warning: the model old was retired on 2020-05-06"), "{said}");
    assert!(said.contains("the vendor recommends newer-model instead"), "{said}");
    assert_eq!(warning("openai:young"), "");
}
