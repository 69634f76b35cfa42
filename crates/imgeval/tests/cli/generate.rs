//! `imgeval generate` where everything goes well.

use std::{collections::BTreeSet, fs};

use imgeval_core::ContentHash;

use super::{
    provider::{Bench, KEY, Report, error, image, stored_images},
    schemas,
    support::{check_exit, command, imgeval, metadata_line, stderr, stdout, text},
};
use crate::fault_server::Action;

#[test]
fn from_nothing_to_samples_and_again_without_a_call() {
    let bench = Bench::new("generate-from-nothing", [image(1), image(2), image(3), image(4)]);
    let arguments = ["--ids", "0,52", "--samples", "2"];
    let report = bench.report(&arguments, 0);
    report.check(&[("made", 4)]);
    assert_eq!(report.0["spend"]["calls"], 4);
    assert_eq!(report.0["spend"]["calls_without_price"], 4);
    assert_eq!(report.0["spend"]["requests"], 4);
    assert!(report.0["stopped"].is_null());

    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(bench.run().join("run.toml")).unwrap()).unwrap();
    let facts = manifest["generation"].as_table().unwrap();
    assert_eq!(facts["provider"].as_str(), Some("openai-images"));
    assert_eq!(facts["model"].as_str(), Some("some-model"));
    assert_eq!(facts["endpoint"].as_str(), Some(bench.provider.url().as_str()));

    let images = stored_images(&bench.run());
    assert_eq!(images.len(), 4);
    for path in images {
        let hash = ContentHash::of(&fs::read(&path).unwrap()).to_string();
        assert_eq!(path.file_stem().unwrap().to_str(), Some(hash.as_str()));
    }

    let requests = bench.provider.requests();
    let first = &requests[0];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/v1/images/generations"));
    assert_eq!(first.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let expected: serde_json::Value = serde_json::from_str(&metadata_line(0)).unwrap();
    let body = first.json();
    assert_eq!((&body["prompt"], &body["model"]), (&expected["prompt"], &"some-model".into()));

    let report = bench.report(&arguments, 0);
    report.check(&[("made", 0), ("there-before", 4)]);
    assert_eq!(report.0["spend"]["calls"], 4, "the whole run's");
    assert_eq!(bench.provider.requests().len(), 4);
}

#[test]
fn more_samples_and_prompts_are_added_to_a_run() {
    let bench = Bench::new("generate-more", [image(1)]);
    bench.report(&["--ids", "3"], 0).check(&[("made", 1)]);
    bench.report(&["--ids", "3,4", "--samples", "2"], 0).check(&[("made", 3), ("there-before", 1)]);
    assert_eq!(bench.provider.prompt_counts().into_values().collect::<Vec<_>>(), [2, 2]);
    bench.report(&["--limit", "2", "--tags", "counting"], 0).check(&[("made", 2)]);
}

#[test]
fn generated_images_are_a_run_that_other_commands_know() {
    let bench = Bench::new("generate-and-score", [image(1)]);
    bench.report(&["--ids", "0"], 0);
    let run = bench.run();
    let output = imgeval(&["score", text(&run)]);
    check_exit(&output, 5);
    assert!(stderr(&output).contains("observe"), "{}", stderr(&output));
    // Weights are not here, and that is said before anything is asked for.
    let models = bench.folder.join("models");
    let (url, settings) = (bench.provider.url(), bench.folder.join("imgeval.toml"));
    let mut arguments = vec!["run", "--suite", "geneval", "--model", "openai:some-model", "--base-url", &url];
    arguments.extend(["--settings", text(&settings), "--ids", "1", "--run", text(&run)]);
    arguments.extend(["--models-dir", text(&models)]);
    let output = command(&arguments).env("OPENAI_API_KEY", KEY).output().unwrap();
    check_exit(&output, 1);
    assert!(stderr(&output).contains("imgeval models pull preview"), "{}", stderr(&output));
    assert_eq!(bench.provider.requests().len(), 1);
}

#[test]
fn the_table_for_people_names_outcomes_spend_and_run() {
    let bench = Bench::new("generate-table", [image(1)]);
    let mut command = bench.command(&["--ids", "0"]);
    let arguments: Vec<_> = command.get_args().filter(|argument| *argument != "--json").collect();
    let mut plain = super::support::command(&[]);
    plain.args(arguments).env("OPENAI_API_KEY", KEY).current_dir(&bench.folder);
    let output = plain.output().unwrap();
    check_exit(&output, 0);
    let table = stdout(&output);
    assert!(table.contains("made") && table.contains("cost: unknown for 1 call"), "{table}");
    assert!(table.contains("1 of them at an unknown price"), "{table}");
    assert!(stderr(&output).contains(text(&bench.run())), "{}", stderr(&output));
    Report::read(&command.output().unwrap()).check(&[("made", 0), ("there-before", 1)]);
}

#[test]
fn without_a_name_runs_lie_below_runs() {
    let bench = Bench::new("generate-default-run", [image(1)]);
    let (url, settings) = (bench.provider.url(), bench.folder.join("imgeval.toml"));
    let mut arguments = vec!["generate", "--suite", "geneval", "--model", "openai:a/b m", "--base-url", &url];
    arguments.extend(["--settings", text(&settings), "--ids", "0", "--samples", "1"]);
    let output = command(&arguments).current_dir(&bench.folder).output().unwrap();
    check_exit(&output, 0);
    assert!(bench.folder.join("runs/geneval-openai-a-b-m/run.toml").exists());
    // No key is no reason not to ask: servers of one's own want none.
    assert_eq!(bench.provider.requests()[0].header("authorization"), None);
}

#[test]
fn several_calls_go_on_at_the_same_time() {
    let bench = Bench::new("generate-concurrent", [image(1)]);
    bench.report(&["--limit", "12", "--concurrency", "6"], 0).check(&[("made", 12)]);
    let prompts: BTreeSet<String> = bench.provider.prompts().into_iter().collect();
    assert_eq!((prompts.len(), bench.provider.requests().len()), (12, 12));
}

#[test]
fn calls_are_exported_with_outcome_cost_and_reply() {
    let moderated = Action::Reply(error(400, "moderation_blocked", "not this one"));
    let bench = Bench::new("generate-calls", [image(1), moderated]);
    bench.report(&["--ids", "0,1", "--concurrency", "1"], 4);
    let (run, file) = (bench.run(), bench.folder.join("calls.jsonl"));
    check_exit(&imgeval(&["export", text(&run), "--calls", text(&file)]), 0);
    let lines = fs::read_to_string(&file).unwrap();
    schemas::check_stamped(&lines);
    let calls: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(calls.len(), 2);
    assert_eq!((&calls[0]["outcome"], &calls[0]["case"]), (&"done".into(), &"00000".into()));
    let image = calls[0]["image"].as_str().unwrap();
    assert!(run.join("images").join(&image[..2]).join(image).exists());
    assert!(calls[0]["reply"].as_str().unwrap().contains("b64_json"), "{lines}");
    assert_eq!((&calls[1]["outcome"], &calls[1]["detail"]), (&"moderated".into(), &"not this one".into()));
}
