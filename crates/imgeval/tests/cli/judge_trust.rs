//! Several judges, repeats, swapped images, anchors, other wording, prices and keys.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Value, json};

use super::{
    judge_bench::{CASES, JudgeBench, gives, parts, replies, row, says, words, write_edits},
    provider::{Provider, files},
    support::{check_exit, stderr, stdout, text},
};
use crate::fault_server::{Action, Reply};

#[test]
fn repeats_tell_the_judges_own_noise() {
    let bench = JudgeBench::new("trust-repeats");
    let judge = Provider::start([
        gives(4, 4),
        gives(6, 6),
        gives(9, 9), // first of each
        gives(6, 6),
        gives(6, 6),
        gives(9, 9), // second
        says("?"),
        gives(6, 6),
        gives(9, 9),
        says("?"),
        says("?"), // third; the first case's cannot be read
    ]);
    bench.observe(&judge, &["--judge-repeats", "3"], 4);
    assert_eq!(judge.requests().len(), 11);
    let scores = bench.score_json(&[], 0);
    let overall = row(&scores, "overall");
    assert!(
        (overall["score"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-12,
        "a mean of two, 5, 6 and 9: {scores:#}"
    );
    let noise = &scores["trust"]["noise"][0];
    assert_eq!(noise["images"], 3, "{noise:#}");
    assert!((noise["flip_share"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-12, "{noise:#}");
    assert!(noise["standard_deviation"].as_f64().unwrap() > 0.0);
    let table = stdout(&bench.score(&[], 0));
    assert!(table.contains("judge's own noise") && table.contains("1 repeats could not be read"), "{table}");
}

#[test]
fn swapped_images_are_a_second_protocol_whose_agreement_is_told() {
    let bench = JudgeBench::new("trust-swap");
    let judge =
        Provider::start([gives(8, 8), gives(2, 2), gives(5, 5), gives(8, 8), gives(2, 2), gives(9, 9)]);
    bench.observe(&judge, &["--swap-order"], 0);
    let asked: Vec<_> = judge.requests().iter().map(|request| parts(&request.json())).collect();
    assert_eq!(asked.len(), 6);
    for (one, other) in asked[..3].iter().zip(&asked[3..]) {
        let reversed: Vec<&String> = other.1.iter().rev().collect();
        assert!(one.1.iter().collect::<Vec<_>>() == reversed);
        let sorted = |texts: &[String]| {
            let mut texts = texts.to_vec();
            texts.sort();
            texts
        };
        assert_eq!(sorted(&one.0), sorted(&other.0));
    }
    let scores = bench.score_json(&[], 0);
    let agreement = &scores["trust"]["agreement"];
    assert!(agreement.as_array().is_some_and(|pairs| !pairs.is_empty()), "{scores:#}");
    assert_eq!(agreement[0]["images"], 3);
    assert!((agreement[0]["exact"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-12, "{agreement:#}");
    assert_eq!(scores["trust"]["disputed"][0]["sample"], "reasoning-0001/0000", "{:#}", scores["trust"]);
    let protocols: Vec<&Value> =
        scores["judges"].as_array().unwrap().iter().map(|judge| &judge["judge"]["protocol"]).collect();
    assert_eq!(protocols, ["reason-edit@1", "reason-edit-swapped@1"]);
    let said = stdout(&bench.score(&["--verdicts"], 0));
    assert!(said.contains("agreement"), "{said}");
    let n_swapped =
        said.lines().filter(|line| line.contains("/0000") && line.contains("[reason-edit-swapped]"));
    assert!(n_swapped.count() >= 3, "each verdict names its protocol: {said}");
}

#[test]
fn the_same_model_on_two_servers_is_told_apart_by_its_id() {
    let bench = JudgeBench::new("trust-servers");
    let judges = [
        Provider::start([gives(8, 8), gives(2, 2), gives(5, 5)]),
        Provider::start([gives(1, 8), gives(2, 2), gives(5, 5)]),
    ];
    for judge in &judges {
        let name = format!("{}#owner/gpt-4o-2024-11-20", judge.url());
        let output = bench.observe_command(judge, &["--judge", &name]).output().unwrap();
        check_exit(&output, 0);
        // A server may put an owner before the name of the model that published scores are by.
        assert!(!stderr(&output).contains("published scores"), "{}", stderr(&output));
    }
    let scores = bench.score_json(&[], 0);
    let ids: Vec<&str> = scores["judges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|judge| judge["judge"]["id"].as_str().unwrap())
        .collect();
    let said = stdout(&bench.score(&["--verdicts"], 0));
    for id in ids {
        let title = format!("owner/gpt-4o-2024-11-20 (openai-chat, reason-edit@1) [{id}]");
        assert!(said.lines().any(|line| line.contains(&title) && line.contains("instruction")), "{said}");
        assert!(said.matches(&format!("owner/gpt-4o-2024-11-20 [{id}]")).count() >= 4, "{said}");
    }
}

#[test]
fn several_judges_have_a_table_each_and_one_can_be_chosen() {
    let bench = JudgeBench::new("trust-several");
    let (one, other) = (Provider::start([gives(8, 8)]), Provider::start([gives(3, 3)]));
    let name = format!("{}#second", other.url());
    bench.observe(&one, &["--judge", &format!("{}#m", one.url()), "--judge", &name], 0);
    assert_eq!((one.requests().len(), other.requests().len()), (3, 3));
    let scores = bench.score_json(&[], 0);
    assert_eq!(scores["judges"].as_array().unwrap().len(), 2);
    let chosen = bench.score_json(&["--observer", "second"], 0);
    assert_eq!(chosen["judges"].as_array().unwrap().len(), 1);
    assert!((row(&chosen, "overall")["score"].as_f64().unwrap() - 0.3).abs() < 1e-12);
    let id = scores["judges"][0]["judge"]["id"].as_str().unwrap();
    assert!(
        (row(&bench.score_json(&["--observer", id], 0), "overall")["score"].as_f64().unwrap() - 0.8).abs()
            < 1e-12
    );
    let said = stderr(&bench.score(&["--observer", "nobody"], 2));
    assert!(said.contains("no judge `nobody`") && said.contains("second"), "{said}");
}

/// A first run judged as 8, 6 and 4, then as 8, 6 and 5, and a second one whose anchors are judged as `again`.
fn anchored(name: &str, again: [u32; 3]) -> (Value, String) {
    let bench = JudgeBench::new(name);
    write_edits(&bench.folder.join("others"), 900);
    bench.import("others", "second");
    let script = [8, 6, 4, 8, 6, 5].into_iter().chain(again).chain([5, 5, 5]);
    let judge = Provider::start(script.map(|score| gives(score, score)));
    bench.observe(&judge, &["--judge-repeats", "2"], 0);
    let second = bench.folder.join("second");
    let judge_name = format!("{}#m", judge.url());
    let anchors = bench.run();
    let arguments = [
        "observe",
        text(&second),
        "--no-metrics",
        "--judge",
        &judge_name,
        "--judge-concurrency",
        "1",
        "--anchors",
        text(&anchors),
    ];
    check_exit(&bench.call(&arguments), 0);
    assert_eq!(judge.requests().len(), 12);
    check_exit(&bench.call(&arguments), 0);
    assert_eq!(judge.requests().len(), 12, "anchors are judged once in a run");
    let output = bench.call(&["score", text(&second), "--json"]);
    check_exit(&output, 0);
    let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        (row(&scores, "overall")["score"].as_f64().unwrap() - 0.5).abs() < 1e-12,
        "anchors are in no score"
    );
    let references = replies(&second).len();
    assert_eq!(references, 12, "six references, three anchors, three samples");
    (scores, stderr(&output))
}

#[test]
fn anchors_that_are_judged_as_before_but_for_noise_show_no_drift() {
    let (scores, said) = anchored("trust-anchors-equal", [8, 6, 4]);
    let anchors = &scores["trust"]["anchors"][0];
    assert_eq!((&anchors["anchors"], &anchors["beyond_noise"]), (&json!(3), &json!(false)), "{anchors:#}");
    assert!((anchors["difference"].as_f64().unwrap() + 0.05 / 3.0).abs() < 1e-9, "{anchors:#}");
    assert!(!said.contains("anchors moved"), "{said}");
}

#[test]
fn anchors_that_are_judged_otherwise_show_drift() {
    let (scores, said) = anchored("trust-anchors-drift", [3, 1, 0]);
    let anchors = &scores["trust"]["anchors"][0];
    assert!((anchors["difference"].as_f64().unwrap() + 1.45 / 3.0).abs() < 1e-9, "{anchors:#}");
    assert_eq!(anchors["beyond_noise"], true, "{anchors:#}");
    assert!(said.contains("the anchors moved beyond"), "{said}");
}

#[test]
fn anchors_that_the_judge_never_saw_are_refused_before_a_call() {
    let bench = JudgeBench::new("trust-anchors-none");
    bench.import("edits", "anchors");
    let judge = Provider::start([gives(5, 5)]);
    let anchors = bench.folder.join("anchors");
    let said = stderr(&bench.observe(&judge, &["--anchors", text(&anchors)], 5));
    assert!(said.contains("has not judged the anchors"), "{said}");
    assert_eq!(judge.requests().len(), 0);
}

#[test]
fn a_protocol_file_changes_the_words_and_is_another_judge() {
    let bench = JudgeBench::new("trust-protocol");
    let output = bench.call(&["protocol", "show", "reason-edit"]);
    check_exit(&output, 0);
    let own =
        stdout(&output).replace("You compare a photograph", "You, a strict teacher, compare a photograph");
    assert_ne!(own, stdout(&output));
    let path = bench.folder.join("own.toml");
    fs::write(&path, &own).unwrap();
    let judge = Provider::start([gives(5, 5)]);
    bench.observe(&judge, &[], 0);
    bench.observe(&judge, &["--protocol", text(&path)], 0);
    let requests = judge.requests();
    assert_eq!(requests.len(), 6, "other words are another question");
    assert!(parts(&requests[5].json()).0[0].contains("a strict teacher"));
    assert_eq!(bench.score_json(&[], 0)["judges"].as_array().unwrap().len(), 2);

    let other = own
        .replace("suite = \"reason-edit\"", "suite = \"wise-legacy\"")
        .replace("edit-scores", "wise-legacy");
    for (text_of_file, words) in [
        (other.as_str(), "own.toml"),
        ("{ not toml", "is not a valid protocol"),
        ("", "is not a valid protocol"),
        (&own.replace("[[message]]", "[[massage]]"), "is not a valid protocol"),
        (&own.replace("{instruction}", "{instructions}"), "is not a valid protocol"),
    ] {
        fs::write(&path, text_of_file).unwrap();
        let output = bench.observe_command(&judge, &["--protocol", text(&path)]).output().unwrap();
        super::judge_bench::check_clean(&output);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    fs::write(&path, [0xff, 0xfe, 0]).unwrap();
    let output = bench.observe_command(&judge, &["--protocol", text(&path)]).output().unwrap();
    assert!([1, 2].contains(&output.status.code().unwrap()), "{}", stderr(&output));
    assert_eq!(judge.requests().len(), 6, "nothing was asked");
}

#[test]
fn a_sound_protocol_of_another_suite_is_refused() {
    let bench = JudgeBench::new("trust-protocol-suite");
    let path = bench.folder.join("wise.toml");
    let file = r#"
id = "own-wise"
version = 1
suite = "wise-verified"
title = "t"
judge_pin = "m"
reply = "wise-verified"
max_tries = 2
wording_source = "own"
[[message]]
text = "Asked: {prompt} Known: {explanation}"
[[message]]
image = "answer"
"#;
    fs::write(&path, file).unwrap();
    check_exit(&bench.call(&["protocol", "show", text(&path)]), 0);
    let judge = Provider::start([gives(5, 5)]);
    let said = stderr(&bench.observe(&judge, &["--protocol", text(&path)], 2));
    assert!(said.contains("is for wise-verified, and the run's suite is reason-edit"), "{said}");
    assert_eq!(judge.requests().len(), 0);
}

const CATALOGUE: &str = r#"
[[model]]
provider = "openai-chat"
id = "m"
source = "https://prices.example/"
as_of = "2026-01-02"
input_image_tokens = 1000
[model.price]
text_input = 10
image_input = 10
text_output = 100
"#;

#[test]
fn a_limit_on_the_cost_needs_a_price_and_is_kept() {
    let bench = JudgeBench::new("trust-cost");
    let judge = Provider::start([gives(5, 5)]);
    let said = stderr(&bench.observe(&judge, &["--judge-max-cost", "1"], 2));
    assert!(said.contains("the price of m is unknown") && judge.requests().is_empty(), "{said}");

    let catalogue = bench.folder.join("models.toml");
    fs::write(&catalogue, CATALOGUE).unwrap();
    let priced = ["--catalogue", text(&catalogue)];
    let plan = stdout(&bench.observe(&judge, &[&priced[..], &["--judge-dry-run"]].concat(), 0));
    assert!(
        plan.contains("3 questions of 3") && plan.contains("about $0.") && plan.contains("each"),
        "{plan}"
    );
    assert!(judge.requests().is_empty());
    let dear = stderr(&bench.observe(&judge, &[&priced[..], &["--judge-repeats", "100"]].concat(), 2));
    assert!(dear.contains("for 300 questions to m") && dear.contains("--judge-max-cost DOLLARS"), "{dear}");
    assert!(judge.requests().is_empty());
    // A question is thought to cost at most some 13 cents, and costs 2.
    let said = stderr(&bench.observe(&judge, &[&priced[..], &["--judge-max-cost", "0.15"]].concat(), 7));
    assert!(said.contains("of --judge-max-cost are left"), "{said}");
    let n = judge.requests().len();
    assert!((1..3).contains(&n), "{n} calls: {said}");
    bench.observe(&judge, &[&priced[..], &["--judge-max-cost", "5"]].concat(), 0);
    assert_eq!(judge.requests().len(), 3);
    let spend = &bench.score_json(&[], 0)["spend"];
    assert!((spend["usd"].as_f64().unwrap() - 0.06).abs() < 1e-9, "{spend:#}");
    let plan = stdout(&bench.observe(&judge, &[&priced[..], &["--judge-dry-run"]].concat(), 0));
    assert!(plan.contains("0 questions of 3, no cost"), "{plan}");
}

#[test]
fn a_dry_run_calls_nobody_and_writes_nothing() {
    let bench = JudgeBench::new("trust-dry");
    let judge = Provider::start([gives(5, 5)]);
    let before = fs::read(bench.run().join("run.db")).unwrap();
    let plan =
        stdout(&bench.observe(&judge, &["--judge-dry-run", "--judge-repeats", "2", "--swap-order"], 0));
    assert_eq!(plan.matches("6 questions of 6, price unknown").count(), 2, "{plan}");
    assert!(judge.requests().is_empty());
    assert!(fs::read(bench.run().join("run.db")).unwrap() == before);
}

const SECRET: &str = "sk-canary/judge+7d6c";

#[test]
fn a_judges_key_is_sent_and_otherwise_nowhere() {
    let bench = JudgeBench::new("trust-key");
    let encoded = STANDARD_NO_PAD.encode(SECRET);
    let echo = format!("{{\"score\": [9, 9], \"reasoning\": \"{SECRET} {encoded}\"}}");
    let failed = json!({"error": {"message": format!("Authorization: Bearer {SECRET}"), "code": SECRET}});
    let judge = Provider::start([
        Action::Reply(words(&echo).header("x-echo", SECRET).header("set-cookie", SECRET)),
        says(&format!("no score, {SECRET}")),
        Action::Reply(Reply::json(400, &failed).header("x-request-id", SECRET)),
        says(SECRET),
        says(&format!("still {encoded}")),
    ]);
    let key = bench.folder.join("key");
    fs::write(&key, format!("{SECRET}\n")).unwrap();
    let mut command = bench.observe_command(&judge, &["--judge-key-file", text(&key)]);
    let output = command.env("IMGEVAL_LOG", "debug").output().unwrap();
    check_exit(&output, 4);
    let requests = judge.requests();
    assert_eq!(requests.len(), 5);
    let authorization = format!("Bearer {SECRET}");
    assert!(requests.iter().all(|request| request.header("authorization") == Some(&authorization)));
    let kept = replies(&bench.run());
    assert!(kept[0].1.contains("****"), "{kept:?}");
    let shown = bench.score(&["--verdicts"], 4);
    let shown_json = bench.score(&["--verdicts", "--json"], 4);
    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    for path in files(&bench.run()) {
        places.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    for output in [&output, &shown, &shown_json] {
        places.push(("stdout".to_owned(), output.stdout.clone()));
        places.push(("stderr".to_owned(), output.stderr.clone()));
    }
    for raw in super::generate_keys::raw_texts(&bench.run(), "judgments") {
        places.push(("a raw reply".to_owned(), raw.into_bytes()));
    }
    let escaped = SECRET.replace('/', "\\/");
    for (place, bytes) in places {
        let bytes = String::from_utf8_lossy(&bytes);
        for needle in [SECRET, &escaped, &encoded] {
            assert!(!bytes.contains(needle), "{needle} in {place}");
        }
    }
    assert_eq!(kept[0].0, CASES[0]);
}

#[test]
fn keys_of_vendors_are_not_sent_to_a_judge_named_by_its_address() {
    let bench = JudgeBench::new("trust-foreign-key");
    let judge = Provider::start([gives(5, 5)]);
    let output = bench
        .observe_command(&judge, &[])
        .env("OPENAI_API_KEY", SECRET)
        .env("GEMINI_API_KEY", SECRET)
        .output();
    check_exit(&output.unwrap(), 0);
    for request in judge.requests() {
        assert!(request.headers.iter().all(|(_, value)| !value.contains("canary")), "{:?}", request.headers);
    }
    // Settings of the working folder lead judges elsewhere no more than generators.
    let n_asked = judge.requests().len();
    let key_file = bench.folder.join("key");
    fs::write(&key_file, SECRET).unwrap();
    bench.settings(&format!(
        "[providers.openai]\nbase_url = \"{0}\"\n[providers.own]\nkind = \"openai-chat\"\nbase_url = \"{0}\"\n",
        judge.url()
    ));
    for arguments in
        [&["--judge", "openai:m"][..], &["--judge", "own:m", "--judge-key-file", text(&key_file)]]
    {
        let output = bench.observe_command(&judge, arguments).env("OPENAI_API_KEY", SECRET).output().unwrap();
        check_exit(&output, 2);
        assert!(stderr(&output).contains("imgeval trust imgeval.toml"), "{}", stderr(&output));
    }
    assert_eq!(judge.requests().len(), n_asked);
}
