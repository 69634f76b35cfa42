//! Judging that is stopped, locked out or missing what it needs; pixel metrics beside it; and images made, judged and scored in
//! one command.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Output, Stdio},
    sync::Arc,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::Semaphore;

use super::{
    judge_bench::{CASES, JudgeBench, check_clean, gives, replies, row, words},
    provider::{KEY, Provider, image},
    support::{check_exit, stderr, stdout, text, write_picture},
};
use crate::fault_server::Action;

/// Answers one call at once and all others when they are let go.
fn slow_judge() -> (Provider, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Action::Held(words("{\"score\": [5, 5], \"reasoning\": \"\"}"), gate.clone());
    (Provider::start([gives(5, 5), held]), gate)
}

#[test]
fn ctrl_c_waits_for_the_call_under_way_and_the_next_start_goes_on() {
    let bench = JudgeBench::new("judge-ctrl-c");
    let (judge, gate) = slow_judge();
    let mut child =
        bench.observe_command(&judge, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    judge.wait_for(2);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("press Ctrl-C again to stop now")));
    gate.add_permits(100);
    let mut stderr_bytes = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut stderr_bytes).unwrap();
    let output = Output { stderr: stderr_bytes, ..child.wait_with_output().unwrap() };
    check_exit(&output, 130);
    assert!(stderr(&output).contains("2 judged") && stderr(&output).contains("not judged: 1"));
    bench.observe(&judge, &[], 0);
    assert_eq!(judge.requests().len(), 3, "nothing is asked twice");
}

#[test]
fn a_run_that_is_being_judged_is_not_judged_by_a_second_process() {
    let bench = JudgeBench::new("judge-locked");
    let (judge, gate) = slow_judge();
    let mut child = bench.observe_command(&judge, &[]).stderr(Stdio::null()).spawn().unwrap();
    judge.wait_for(2);
    let other = Provider::start([gives(1, 1)]);
    let said = stderr(&bench.observe(&other, &[], 1));
    assert!(said.contains("observe"), "it says who: {said}");
    assert_eq!(other.requests().len(), 0);
    let table = bench.score(&[], 4);
    assert!(stdout(&table).contains("overall"), "what is on record can be read meanwhile");
    gate.add_permits(100);
    assert!(child.wait().unwrap().success());
}

#[test]
fn killed_with_several_calls_under_way_at_most_those_are_made_again() {
    let bench = JudgeBench::new("judge-killed-several");
    let (judge, gate) = slow_judge();
    let mut child =
        bench.observe_command(&judge, &["--judge-concurrency", "3"]).stderr(Stdio::null()).spawn().unwrap();
    judge.wait_for(3);
    child.kill().unwrap();
    child.wait().unwrap();
    gate.add_permits(100);
    bench.observe(&judge, &[], 0);
    let n = judge.requests().len();
    assert!((5..=6).contains(&n), "{n} requests");
    let scores = bench.score_json(&[], 0);
    assert!((row(&scores, "overall")["score"].as_f64().unwrap() - 0.5).abs() < 1e-12);
    let answered = replies(&bench.run()).iter().filter(|(_, words)| words.contains("score")).count();
    assert_eq!(answered, 3, "one answer each");
}

#[test]
fn killed_again_and_again_every_question_is_answered_once_and_few_are_asked_twice() {
    const N: u32 = 24;
    let bench = JudgeBench::of_many("judge-killed-often", N);
    let judge = Provider::start([gives(5, 5)]);
    let arguments = ["--judge-concurrency", "4"];
    let mut kills = 0;
    for wanted in [3, 9, 15, 21] {
        let mut child = bench.observe_command(&judge, &arguments).stderr(Stdio::null()).spawn().unwrap();
        judge.wait_for(wanted);
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    bench.observe(&judge, &arguments, 0);
    bench.observe(&judge, &arguments, 0);
    let n = judge.requests().len();
    assert!((N as usize..=N as usize + 4 * kills).contains(&n), "{n} requests");
    let answered: Vec<String> = replies(&bench.run())
        .into_iter()
        .filter(|(_, words)| words.contains("score"))
        .map(|(case, _)| case)
        .collect();
    let distinct: std::collections::BTreeSet<&String> = answered.iter().collect();
    assert_eq!((answered.len(), distinct.len()), (N as usize, N as usize), "one answer each");
    let scores = bench.score_json(&[], 0);
    assert_eq!(row(&scores, "overall")["images_scored"], N);
    // One may be on record whose process died before it was sent.
    let on_record = scores["spend"]["requests"].as_u64().unwrap() as usize;
    assert!((n..=N as usize + 4 * kills).contains(&on_record), "{on_record} of {n}: each is accounted for");
}

#[test]
fn a_suite_that_no_judge_scores_takes_none() {
    let bench = JudgeBench::new("judge-geneval");
    let judge = Provider::start([gives(5, 5)]);
    let (edits, name) = (bench.folder.join("edits"), format!("{}#m", judge.url()));
    let output = bench.call(&[
        "run",
        "--suite",
        "geneval",
        "--images",
        text(&edits),
        "--run",
        "other",
        "--judge",
        &name,
    ]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("judge") && judge.requests().is_empty(), "{}", stderr(&output));
    assert!(!bench.folder.join("other").exists());
}

#[test]
fn an_image_that_is_gone_from_the_run_fails_alone() {
    let bench = JudgeBench::new("judge-gone");
    let gone = super::provider::files(&bench.run().join("images"));
    let edit = fs::read(bench.folder.join("edits/LeftRight_metrics_1/0002.png")).unwrap();
    let gone = gone.iter().find(|path| fs::read(path).unwrap() == edit).unwrap();
    fs::rename(gone, bench.folder.join("away.png")).unwrap();
    let judge = Provider::start([gives(5, 5)]);
    let said = stderr(&bench.observe(&judge, &[], 4));
    assert!(said.contains("2 judged") && said.contains(CASES[1]), "{said}");
    assert_eq!(judge.requests().len(), 2);
    let scores = bench.score_json(&[], 4);
    assert_eq!(row(&scores, "overall")["images_missing"], 1);

    write_picture(gone, 5);
    let said = stderr(&bench.observe(&judge, &[], 4));
    assert!(said.contains(CASES[1]) && judge.requests().len() == 2, "a changed file is not judged: {said}");
    fs::copy(bench.folder.join("away.png"), gone).unwrap();
    bench.observe(&judge, &[], 0);
    assert_eq!(judge.requests().len(), 3);
}

#[test]
fn a_listing_that_is_damaged_is_one_sentence() {
    let bench = JudgeBench::new("judge-listing");
    let listing = bench.run().join("cases.jsonl");
    let whole = fs::read_to_string(&listing).unwrap();
    let judge = Provider::start([gives(5, 5)]);
    for damage in ["{", "[]\n", "{\"id\": 1}\n", "{\"id\":\"x\",\"tag\":\"\",\"rounds\":[]}\n", "\u{1b}[2J\n"]
    {
        fs::write(&listing, format!("{whole}{damage}")).unwrap();
        for output in [bench.observe_command(&judge, &[]).output().unwrap(), bench.call(&["score", "run"])] {
            check_clean(&output);
            check_exit(&output, 1);
            assert!(stderr(&output).contains("cases.jsonl`, line 4"), "{}", stderr(&output));
        }
    }
    assert!(judge.requests().is_empty());
}

#[test]
fn pixel_metrics_stand_beside_the_scores_and_those_without_weights_are_missing() {
    let bench = JudgeBench::new("judge-metrics");
    let judge = Provider::start([gives(5, 5)]);
    let (run, name, none) = (bench.run(), format!("{}#m", judge.url()), bench.folder.join("no-models"));
    let arguments = ["observe", text(&run), "--judge", &name, "--models-dir", text(&none)];
    let output = bench.call(&arguments);
    check_exit(&output, 4);
    let said = stderr(&output);
    assert!(said.contains("3 edits measured, 0 failed") && said.contains("lpips is missing"), "{said}");
    let metrics = &bench.score_json(&[], 0)["metrics"][0]["metrics"];
    assert_eq!(metrics["psnr"].as_array().unwrap().last().unwrap()["cases"], 3, "{metrics:#}");
    assert!(metrics["lpips"].is_null());
    assert!(stdout(&bench.score(&[], 0)).contains("dB"));
}

#[test]
fn images_are_made_judged_and_scored_by_one_command_each_with_a_limit_of_its_own() {
    let bench = JudgeBench::new("judge-made");
    let painter = Provider::start([image(7), image(8), image(9)]);
    let judge = Provider::start([gives(9, 9)]);
    let catalogue = bench.folder.join("models.toml");
    let prices = r#"
[[model]]
provider = "openai-images"
id = "some-model"
source = "https://prices.example/"
as_of = "2026-01-02"
input_image_tokens = 100
[model.price]
image = [{ usd = 0.04 }]
text_input = 1
image_input = 1
"#;
    fs::write(&catalogue, prices).unwrap();
    let (name, url, made) = (format!("{}#m", judge.url()), painter.url(), bench.folder.join("made"));
    let arguments = [
        "run",
        "--suite",
        "reason-edit",
        "--model",
        "openai:some-model",
        "--base-url",
        &url,
        "--samples",
        "1",
        "--concurrency",
        "1",
        "--run",
        text(&made),
        "--judge",
        &name,
        "--judge-concurrency",
        "1",
        "--no-metrics",
        "--catalogue",
        text(&catalogue),
    ];
    let call = |more: &[&str]| {
        let mut command = bench.command(&[&arguments[..], more].concat());
        let output = command.env("OPENAI_API_KEY", KEY).output().unwrap();
        check_clean(&output);
        output
    };
    let output = call(&["--judge-dry-run", "--limit", "1"]);
    check_exit(&output, 0);
    assert!(stdout(&output).contains("1 question of 1"), "{}", stdout(&output));
    assert_eq!((painter.requests().len(), judge.requests().len()), (1, 0), "only judging was dry");

    let entry = prices.replace("-images", "-chat").replace("\"some-model\"", "\"m\"");
    fs::write(&catalogue, format!("{prices}{entry}text_output = 100\n")).unwrap();
    let output = call(&["--judge-repeats", "100"]);
    check_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("for 2 images") && said.contains("for 300 questions to m"), "{said}");
    assert_eq!(painter.requests().len(), 1, "nothing is paid before judging is agreed to");
    fs::write(&catalogue, prices).unwrap();

    let output = call(&["--max-cost", "5"]);
    check_exit(&output, 0);
    assert_eq!((painter.requests().len(), judge.requests().len()), (3, 3), "{}", stderr(&output));
    assert!(stdout(&output).contains("0.900"), "{}", stdout(&output));
    let output = call(&["--judge-max-cost", "5", "--judge-repeats", "2"]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("the price of m is unknown"), "{}", stderr(&output));
    assert_eq!((painter.requests().len(), judge.requests().len()), (3, 3));
    assert!(judge.requests().iter().all(|request| request.header("authorization").is_none()));
}
