//! Settings of a working folder, which may have come with somebody's project: secrets go nowhere by them until they are trusted.

use std::{fs, path::PathBuf, process::Output};

use serde_json::Value;

use super::{
    provider::{Bench, KEY, image},
    support::{check_exit, command, stderr, stdout, text},
};

/// A project whose settings lead somewhere, and a user with a home of their own.
struct Project {
    bench: Bench,
    home: PathBuf,
}

impl Project {
    /// `URL` in the settings stands for the address of a server that would take a key.
    fn new(name: &str, settings: &str) -> Self {
        let bench = Bench::new(name, [image(1)]);
        let home = bench.folder.join("home");
        fs::create_dir_all(home.join(".config/imgeval")).unwrap();
        bench.settings(&settings.replace("URL", &bench.provider.url()));
        fs::write(bench.folder.join("key"), KEY).unwrap();
        Self { bench, home }
    }

    fn call(&self, arguments: &[&str]) -> Output {
        let mut command = command(arguments);
        command.env("HOME", &self.home).env("OPENAI_API_KEY", KEY).env("CLOUD_SECRET", "canary-cloud-77");
        command.env("OPENAI_ORG_ID", "org-canary").current_dir(&self.bench.folder).output().unwrap()
    }

    fn generate(&self, model: &str, more: &[&str]) -> Output {
        let fixed =
            ["generate", "--suite", "geneval", "--ids", "0", "--samples", "1", "--run", "run", "--any-model"];
        self.call(&[&fixed[..], &["--model", model], more].concat())
    }

    /// Asserts that a call is refused, names these entries, sends nothing and makes no run.
    fn refuses(&self, model: &str, more: &[&str], words: &[&str]) {
        let output = self.generate(model, more);
        check_exit(&output, 2);
        let said = stderr(&output);
        for word in words {
            assert!(said.contains(word), "{word} in {said}");
        }
        assert!(said.contains("imgeval trust imgeval.toml") && !said.contains("canary"), "{said}");
        assert!(self.bench.provider.requests().is_empty() && !self.bench.run().exists());
    }

    fn authorization(&self) -> Vec<Option<String>> {
        let requests = self.bench.provider.requests();
        requests.iter().map(|request| request.header("authorization").map(str::to_owned)).collect()
    }
}

const THIEF: &str = "[providers.openai]\nbase_url = \"URL\"\nkey_env = \"OPENAI_API_KEY\"\n";

#[test]
fn a_key_goes_to_an_address_of_the_working_folder_only_once_it_is_trusted() {
    let project = Project::new("trust-key", THIEF);
    let address = format!(
        "[providers.openai] base_url = \"{}\", key_env = \"OPENAI_API_KEY\"",
        project.bench.provider.url()
    );
    project.refuses("openai:m", &[], &["`imgeval.toml`", "not trusted", &address]);
    project.refuses("openai:m", &["--dry-run"], &[&address]);

    let output = project.call(&["trust"]);
    check_exit(&output, 0);
    let said = stderr(&output);
    assert!(
        said.contains(&address) && said.contains("SHA-256 ") && said.contains("trusted until it changes"),
        "{said}"
    );
    check_exit(&project.generate("openai:m", &[]), 0);
    assert_eq!(project.authorization(), [Some(format!("Bearer {KEY}"))]);

    // Another content is another file, however small the difference.
    let settings = project.bench.folder.join("imgeval.toml");
    let trusted = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{trusted}\n")).unwrap();
    check_exit(&project.generate("openai:m", &[]), 2);
    let listed = stdout(&project.call(&["trust", "--list"]));
    assert!(listed.contains("imgeval.toml") && listed.contains("changed"), "{listed}");
    fs::write(&settings, &trusted).unwrap();
    check_exit(&project.generate("openai:m", &[]), 0);

    check_exit(&project.call(&["trust", "--revoke", "imgeval.toml"]), 0);
    check_exit(&project.generate("openai:m", &[]), 2);
    check_exit(&project.call(&["trust", "--list"]), 5);
    check_exit(&project.call(&["trust", "--revoke", "imgeval.toml"]), 5);
}

#[test]
fn the_users_word_needs_no_trust() {
    let project = Project::new("trust-named", THIEF);
    check_exit(&project.generate("openai:m", &["--settings", "imgeval.toml"]), 0);
    let project = Project::new("trust-own", THIEF);
    let own = project.home.join(".config/imgeval/imgeval.toml");
    fs::rename(project.bench.folder.join("imgeval.toml"), &own).unwrap();
    check_exit(&project.generate("openai:m", &[]), 0);
    // The same file, found in the working folder.
    let mut command =
        command(&["generate", "--suite", "geneval", "--ids", "0", "--samples", "1", "--model", "openai:m"]);
    command.args(["--run", text(&project.bench.folder.join("other"))]).env("HOME", &project.home);
    let output = command.env("OPENAI_API_KEY", KEY).current_dir(own.parent().unwrap()).output().unwrap();
    check_exit(&output, 0);
    assert_eq!(project.bench.provider.requests().len(), 2);
}

#[test]
fn no_secret_leaves_by_settings_of_the_working_folder() {
    for (name, settings, model, more) in [
        ("usual", "[providers.openai]\nbase_url = \"URL\"\n", "openai:m", &[][..]),
        (
            "other",
            "[providers.mine]\nkind = \"openai-images\"\nbase_url = \"URL\"\nkey_env = \"CLOUD_SECRET\"\n",
            "mine:m",
            &[],
        ),
        (
            "file",
            "[providers.mine]\nkind = \"openai-images\"\nbase_url = \"URL\"\nkey_file = \"home/key\"\n",
            "mine:m",
            &[],
        ),
        (
            "header",
            "[providers.mine]\nkind = \"openai-images\"\nbase_url = \"URL\"\nheaders_env = { x = \"CLOUD_SECRET\" }\n",
            "mine:m",
            &[],
        ),
        (
            "proxy",
            "[providers.openai]\nproxy = \"URL\"\n",
            "openai:m",
            &["--base-url", "http://images.example/v1"],
        ),
        (
            "flag",
            "[providers.mine]\nkind = \"openai-images\"\nbase_url = \"URL\"\n",
            "mine:m",
            &["--key-file", "key"],
        ),
        ("program", "[providers.openai]\nkind = \"cmd\"\n", "openai:sh {prompt} {out}", &[]),
    ] {
        Project::new(&format!("trust-{name}"), settings).refuses(model, more, &["not trusted"]);
    }
}

#[test]
fn a_provider_without_a_key_works_and_is_sent_nothing_of_the_users_account() {
    let project =
        Project::new("trust-keyless", "[providers.mine]\nkind = \"openai-images\"\nbase_url = \"URL\"\n");
    check_exit(&project.generate("mine:m", &[]), 0);
    let requests = project.bench.provider.requests();
    assert!(
        requests[0].headers.iter().all(|(_, value)| !value.contains("canary")),
        "{:?}",
        requests[0].headers
    );
}

#[test]
fn judges_and_rewriters_are_refused_as_generators_are() {
    let project = Project::new("trust-judge", &THIEF.replace("openai]", "openai-chat]"));
    fs::write(project.bench.folder.join("instructions.txt"), "Be vivid.").unwrap();
    let url = "http://127.0.0.1:9/v1";
    let rewriter = [
        "--base-url",
        url,
        "--rewriter",
        "chat:openai-chat:m",
        "--rewriter-instructions",
        "instructions.txt",
    ];
    project.refuses("openai:m", &rewriter, &["[providers.openai-chat]"]);
}

#[test]
fn doctor_sends_nothing_to_an_untrusted_address() {
    let settings = format!("{THIEF}[providers.mine]\nkind = \"openai-chat\"\nbase_url = \"URL\"\n");
    let project = Project::new("trust-doctor", &settings);
    for names in [&[][..], &["openai", "mine", "mine:m"]] {
        let output = project.call(&[&["doctor", "--json"], names].concat());
        check_exit(&output, 4);
        let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
        for name in ["provider openai", "provider mine"] {
            let finding = findings["findings"]
                .as_array()
                .unwrap()
                .iter()
                .find(|finding| finding["what"] == name)
                .unwrap();
            assert_eq!(finding["state"], "not trusted", "{finding}");
            assert!(finding["detail"].as_str().unwrap().starts_with("nothing is sent: "), "{finding}");
            assert!(finding["mend"].as_str().unwrap().contains("imgeval trust imgeval.toml"), "{finding}");
        }
    }
    assert!(project.bench.provider.requests().is_empty());
}

#[test]
fn the_amount_that_is_asked_about_is_not_raised_without_trust() {
    let project = Project::new("trust-amount", "ask_above_usd = 1000\n");
    project.refuses("openai:m", &["--base-url", "http://127.0.0.1:9/v1"], &["ask_above_usd"]);
    let project = Project::new("trust-lower", "ask_above_usd = 1\n");
    check_exit(&project.generate("openai:m", &["--base-url", &project.bench.provider.url()]), 0);
}

#[test]
fn a_catalogue_of_the_working_folder_adds_models_but_changes_no_price_without_trust() {
    let project = Project::new("trust-catalogue", "catalogue = \"models.toml\"\n");
    let entry = |id: &str| {
        format!(
            "[[model]]\nprovider = \"openai-images\"\nid = \"{id}\"\nsource = \"https://a.example\"\n\
             as_of = \"2026-01-02\"\n[model.price]\nimage = [{{ usd = 0 }}]\n"
        )
    };
    let models = project.bench.folder.join("models.toml");
    let url = project.bench.provider.url();
    let arguments = ["--base-url", &url, "--dry-run"];
    fs::write(&models, entry("ours")).unwrap();
    check_exit(&project.generate("openai:ours", &arguments), 0);
    fs::write(&models, entry("gpt-image-2")).unwrap();
    project.refuses("openai:m", &arguments, &["openai-images:gpt-image-2"]);
    let own = project.home.join(".config/imgeval/models.toml");
    fs::write(&own, entry("mine")).unwrap();
    fs::write(&models, entry("ours")).unwrap();
    project.refuses("openai:m", &arguments, &["openai-images:mine"]);
    check_exit(&project.generate("openai:m", &[&arguments[..], &["--catalogue", text(&own)]].concat()), 0);
    check_exit(&project.call(&["trust"]), 0);
    check_exit(&project.generate("openai:m", &arguments), 0);
}

#[test]
fn what_is_no_settings_file_is_not_trusted() {
    let project = Project::new("trust-malformed", "[providers.openai]\nkey = \"sk-canary-123456\"\n");
    let output = project.call(&["trust"]);
    check_exit(&output, 2);
    assert!(!stderr(&output).contains("canary"), "{}", stderr(&output));
    check_exit(&project.call(&["trust", "missing.toml"]), 1);
    assert!(!project.home.join(".config/imgeval/trusted.toml").exists());
}
