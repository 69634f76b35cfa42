//! Two runs against each other: what may be compared, what the difference is, and what official prompts gain over fresh ones.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{
    report_bench::RunBench,
    resume::weights,
    support::{check_exit, imgeval, metadata_line, stderr, stdout, text, write_picture},
};

fn compare(a: &std::path::Path, b: &std::path::Path, more: &[&str], exit: i32) -> std::process::Output {
    let output = imgeval(&[&["compare", text(a), text(b)], more].concat());
    check_exit(&output, exit);
    output
}

fn line<'a>(comparison: &'a Value, part: &str) -> &'a Value {
    let lines = comparison["lines"].as_array().unwrap();
    lines.iter().find(|line| line["part"] == part).unwrap_or_else(|| panic!("no {part}: {comparison:#}"))
}

#[test]
fn a_clear_difference_is_told_with_its_interval_and_tests() {
    let bench = RunBench::new("compare-clear");
    let prompts: Vec<usize> = (0..40).chain(179..219).collect();
    let a = bench.write("a", &prompts, 2, |prompt, _| prompt % 10 != 0);
    let b = bench.write("b", &prompts, 2, |prompt, sample| prompt % 10 != 0 && (prompt + sample) % 2 == 0);
    let output = compare(&a, &b, &["--json"], 0);
    let comparisons: Value = serde_json::from_slice(&output.stdout).unwrap();
    let comparison = &comparisons["comparisons"][0];
    assert_eq!(comparison["paired"], true, "{comparison:#}");
    let overall = line(comparison, "overall");
    // In each prompt that a can do, b does one image of two.
    assert!((overall["difference"].as_f64().unwrap() - 0.45).abs() < 1e-12, "{overall:#}");
    assert_eq!(overall["prompts"], 80);
    assert_eq!([&overall["won"], &overall["tied"], &overall["lost"]], [72, 8, 0]);
    assert!(overall["interval"]["low"].as_f64().unwrap() > 0.3 && overall["p"].as_f64().unwrap() < 0.001);
    for part in ["single_object", "counting"] {
        let line = line(comparison, part);
        assert!(line["p_holm"].as_f64().unwrap() >= line["p"].as_f64().unwrap(), "{line:#}");
    }
    let text = stdout(&compare(&a, &b, &[], 0));
    assert!(text.contains("Overall, a scores 0.450 higher than b"), "{text}");
    assert!(text.contains("Protocol: "), "{text}");
    for format in ["markdown", "latex", "csv"] {
        let text = stdout(&compare(&a, &b, &["--format", format], 0));
        assert!(text.contains("0.450") || text.contains("0.45"), "{format}: {text}");
    }
}

#[test]
fn equal_runs_differ_in_nothing_and_say_what_they_could_have_found() {
    let bench = RunBench::new("compare-equal");
    let prompts: Vec<usize> = (0..30).collect();
    let right = |prompt: usize, sample: usize| !(prompt + sample).is_multiple_of(3);
    let a = bench.write("a", &prompts, 2, right);
    let b = bench.write("b", &prompts, 2, |prompt, sample| right(prompt + 1, sample));
    let output = compare(&a, &b, &["--json"], 0);
    let comparisons: Value = serde_json::from_slice(&output.stdout).unwrap();
    let overall = line(&comparisons["comparisons"][0], "overall").clone();
    assert!(overall["interval"]["low"].as_f64().unwrap() < 0.0, "{overall:#}");
    assert!(overall["interval"]["high"].as_f64().unwrap() > 0.0, "{overall:#}");
    assert!(overall["detectable"].as_f64().unwrap() > 0.0, "{overall:#}");
    let text = stdout(&compare(&a, &b, &[], 0));
    assert!(text.contains("No significant overall difference"), "{text}");
    let itself = stdout(&compare(&a, &a, &[], 0));
    assert!(itself.contains("No significant overall difference"), "{itself}");
}

#[test]
fn unlike_runs_are_refused_by_the_names_of_what_differs() {
    let bench = RunBench::new("compare-unlike");
    let prompts: Vec<usize> = (0..12).collect();
    let a = bench.write("a", &prompts, 1, |prompt, _| prompt % 2 == 0);
    let b = bench.import("b", &prompts, 1);
    let nobody = compare(&a, &b, &[], 5);
    assert!(stderr(&nobody).contains("has not been evaluated yet"), "{}", stderr(&nobody));
    bench.look(&b, "threshold=0.1", |prompt, _| prompt % 3 == 0);
    let refused = compare(&a, &b, &[], 6);
    let said = stderr(&refused);
    assert!(said.contains("protocols differ in detector.parameters"), "{said}");
    assert!(said.contains("--allow detector.parameters"), "{said}");
    assert!(refused.stdout.is_empty());
    let allowed = stdout(&compare(&a, &b, &["--allow", "detector.parameters"], 0));
    assert!(allowed.contains("differ, as allowed, in detector.parameters"), "{allowed}");
    let unknown = compare(&a, &b, &["--allow", "detector.parameter"], 2);
    assert!(stderr(&unknown).contains("no field `detector.parameter`"), "{}", stderr(&unknown));
}

/// Imports once more, with these words around the prompts in the folders' metadata.
fn rewrite_prompts(bench: &RunBench, name: &str, prompts: &[usize], words: &str) {
    let images = bench.run(&format!("{name}-images"));
    for prompt in prompts {
        let mut metadata: Value = serde_json::from_str(&metadata_line(*prompt)).unwrap();
        metadata["prompt"] = format!("{words}, {}", metadata["prompt"].as_str().unwrap()).into();
        fs::write(images.join(format!("{prompt:05}/metadata.jsonl")), metadata.to_string()).unwrap();
    }
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&bench.run(name))]), 0);
}

#[test]
fn scores_of_rewritten_prompts_have_a_fingerprint_of_their_own() {
    let bench = RunBench::new("compare-rewritten");
    let prompts = [0, 1, 2];
    let protocol = |name: &str| -> Value {
        let output = imgeval(&["score", text(&bench.run(name)), "--json"]);
        check_exit(&output, 0);
        let table: Value = serde_json::from_slice(&output.stdout).unwrap();
        table["protocol"].clone()
    };
    for name in ["plain", "rewritten", "again", "otherwise", "in-part"] {
        bench.write(name, &prompts, 1, |_, _| true);
    }
    let plain = protocol("plain");
    assert_eq!(plain["facts"]["prompts"], Value::Null);
    rewrite_prompts(&bench, "rewritten", &prompts, "In a sunlit room");
    rewrite_prompts(&bench, "again", &prompts, "At night");
    rewrite_prompts(&bench, "again", &prompts, "In a sunlit room");
    rewrite_prompts(&bench, "otherwise", &prompts, "At night");
    rewrite_prompts(&bench, "in-part", &prompts[1..], "In a sunlit room");
    let rewritten = protocol("rewritten");
    assert_eq!(rewritten["facts"]["prompts"], "rewritten");
    assert_eq!(rewritten, protocol("again"), "the same words, whatever was there before");
    let different = [&plain, &rewritten, &protocol("otherwise"), &protocol("in-part")];
    let fingerprints: BTreeSet<String> =
        different.iter().map(|protocol| protocol["fingerprint"].to_string()).collect();
    assert_eq!(fingerprints.len(), different.len(), "{fingerprints:?}");

    let said = stderr(&compare(&bench.run("plain"), &bench.run("rewritten"), &[], 6));
    assert!(said.contains("--allow prompts --allow prompts.sha256"), "{said}");
    let said = stdout(&imgeval(&["score", text(&bench.run("in-part"))]));
    assert!(said.contains("the official prompts, 2 of them rewritten"), "{said}");
}

#[test]
fn what_the_two_do_not_share_is_left_out_and_said() {
    let bench = RunBench::new("compare-shared");
    let a = bench.write("a", &(0..30).collect::<Vec<_>>(), 1, |_, _| true);
    let b = bench.write("b", &(10..45).collect::<Vec<_>>(), 1, |prompt, _| prompt % 2 == 0);
    let text = stdout(&compare(&a, &b, &[], 0));
    assert!(text.contains("25 prompts have a score in only one of the two"), "{text}");
    let c = bench.write("c", &(60..70).collect::<Vec<_>>(), 1, |_, _| true);
    let nothing = compare(&a, &c, &[], 5);
    assert!(stderr(&nothing).contains("no prompt has scores in both"), "{}", stderr(&nothing));
    assert!(!stdout(&nothing).contains("NaN"), "{}", stdout(&nothing));
}

#[test]
fn official_prompts_stand_beside_fresh_ones() {
    let bench = RunBench::new("compare-fresh");
    let (official, fresh, run) =
        (bench.folder.join("official"), bench.folder.join("fresh"), bench.folder.join("probe"));
    for index in 0..14 {
        write_picture(&official.join(format!("{index:05}.png")), index);
        write_picture(&fresh.join(format!("{index:05}.png")), 100 + index);
    }
    let weights = text(weights());
    let arguments = ["run", "--suite", "geneval", "--run", text(&run), "--weights", weights, "--images"];
    let call = |more: &[&str]| imgeval(&[&arguments[..], &[text(&official)], more].concat());
    let probe = ["--fresh-seed", "7", "--fresh-images", text(&fresh)];
    let output = call(&probe);
    check_exit(&output, 0);
    let said = stdout(&output);
    assert!(said.contains("official prompts (probe) and fresh ones (probe-fresh-7)"), "{said}");
    assert!(said.contains("seed 43") && said.contains("seed 7"), "{said}");
    let output = call(&[&probe[..], &["--json"]].concat());
    let table: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table["gap"]["paired"], false, "{table:#}");
    assert!(table["gap"]["lines"].as_array().unwrap().iter().any(|line| line["part"] == "single_object"));
    assert_eq!(table["fresh"]["protocol"]["facts"]["suite.seed"], "7");
    // The same from the two runs.
    let beside = bench.folder.join("probe-fresh-7");
    assert!(fs::metadata(beside.join("run.db")).is_ok());
    let compared: Value = serde_json::from_slice(&compare(&run, &beside, &["--json"], 0).stdout).unwrap();
    assert_eq!(compared["comparisons"][0]["lines"], table["gap"]["lines"]);

    for (more, said) in [
        (&["--fresh-seed", "43", "--fresh-images", text(&fresh)][..], "is the seed of the official prompts"),
        (&["--fresh-seed", "7"], "--fresh-images"),
        (&["--fresh-seed", "7", "--fresh-images", text(&fresh), "--seed", "9"], "leave out --seed"),
    ] {
        let output = call(more);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn one_run_tells_what_a_comparison_could_find() {
    let bench = RunBench::new("compare-plan");
    let a = bench.write("a", &(0..40).collect::<Vec<_>>(), 2, |prompt, sample| (prompt + sample) % 2 == 0);
    let plan = |more: &[&str]| {
        let output = imgeval(&[&["compare", text(&a)], more].concat());
        check_exit(&output, 0);
        stdout(&output)
    };
    let of = |plans: &str| -> Value { serde_json::from_str::<Value>(plans).unwrap()["plans"][0].clone() };
    let small = of(&plan(&["--json", "--difference", "0.02"]));
    let large = of(&plan(&["--json", "--difference", "0.2"]));
    let overall = |plan: &Value| plan["lines"].as_array().unwrap().last().unwrap().clone();
    // Each prompt has one right image of two: all the variance is within prompts.
    let needed = |plan: &Value| overall(plan)["prompts_needed"].as_u64().unwrap();
    assert!((90..=110).contains(&(needed(&small) / needed(&large))), "{small:#} {large:#}");
    assert!(overall(&large)["images_needed"].as_u64().unwrap() <= 12, "{large:#}");
    assert_eq!(overall(&small)["images_needed"], Value::Null, "no number of images is enough");
    assert!(plan(&[]).contains("80 % power"));
    for more in [&["--format", "csv"][..], &["--difference", "1.5"], &["--correlation", "2"]] {
        check_exit(&imgeval(&[&["compare", text(&a)], more].concat()), 2);
    }
}

#[test]
fn a_gate_fails_only_a_run_that_is_significantly_worse_and_says_so_in_junit_too() {
    let bench = RunBench::new("compare-gate");
    let prompts: Vec<usize> = (0..40).chain(179..219).collect();
    let good = bench.write("good", &prompts, 2, |prompt, _| prompt % 10 != 0);
    let bad =
        bench.write("bad", &prompts, 2, |prompt, sample| prompt % 10 != 0 && (prompt + sample) % 2 == 0);
    let near = bench.write("near", &prompts, 2, |prompt, _| prompt % 10 != 1);
    let junit = bad.with_file_name("scores.xml");
    let gate = |run: &std::path::Path, than: &std::path::Path| {
        imgeval(&["score", text(run), "--fail-if-worse-than", text(than), "--junit", text(&junit)])
    };
    let failed = gate(&bad, &good);
    check_exit(&failed, 3);
    assert!(stderr(&failed).contains("bad is worse than good: difference -0.4"), "{}", stderr(&failed));
    let xml = fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("failures=\"1\"") && xml.contains("not worse than good"), "{xml}");
    for (run, than) in [(&good, &bad), (&near, &good), (&good, &good)] {
        assert_ne!(gate(run, than).status.code(), Some(3), "{}", text(run));
        assert!(fs::read_to_string(&junit).unwrap().contains("failures=\"0\""));
    }
    check_exit(&imgeval(&["score", text(&good), "--fail-if-worse-than", "nowhere"]), 2);

    let listed = stdout(&imgeval(&["runs", text(bad.parent().unwrap()), "--json"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let runs = listed["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "{listed:#}");
    assert_eq!((&runs[0]["suite"], &runs[0]["images"]), (&"geneval".into(), &160.into()), "{listed:#}");
    assert!((runs[1]["scores"][0]["overall"].as_f64().unwrap() - 0.9).abs() < 1e-9, "{listed:#}");

    fs::write(near.join("run.toml"), "x").unwrap();
    let broken = imgeval(&["runs", text(bad.parent().unwrap())]);
    check_exit(&broken, 4);
    assert!(stdout(&broken).contains("cannot be read"), "{}", stdout(&broken));
    check_exit(&imgeval(&["runs", text(&bad.join("images"))]), 5);
}
