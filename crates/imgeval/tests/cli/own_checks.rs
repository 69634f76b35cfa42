//! Cases of one's own with checks: from the example that `init` writes to scores, comparison and page.

use std::{fs, process::Output};

use imgeval_core::{BoundingBox, Category, Detection, Evidence, Outcome};
use imgeval_store::{RunReader, RunWriter};
use serde_json::{Value, json};

use super::{
    judge_bench::{check_clean, parts, row, says},
    provider::{Bench, KEY, Provider, image},
    report_bench::observer,
    support::{check_exit, command, imgeval, stderr, stdout, text},
};

/// A run of one image for each case of the example.
fn run_of_example(name: &str) -> Bench {
    let bench = Bench::new(name, [image(1), image(2), image(3)]);
    let file = bench.folder.join("mine.jsonl");
    check_exit(&imgeval(&["init", "cases", text(&file)]), 0);
    let again = imgeval(&["init", "cases", text(&file)]);
    check_exit(&again, 2);
    assert!(stderr(&again).contains("exists"), "{}", stderr(&again));
    bench.report(&["--cases", text(&file)], 0).check(&[("made", 3)]);
    bench
}

/// A detector saw these classes in the image of each case.
fn see(bench: &Bench, seen: &[(&str, &[&str])]) {
    let mut images = Vec::new();
    let reader = RunReader::open(&bench.run()).unwrap();
    reader
        .for_each_sample(None, |observed| {
            let Outcome::Done(record) = observed.sample.outcome else { return };
            images.push((observed.sample.id.case.as_str().to_owned(), record.hash));
        })
        .unwrap();
    let mut writer = RunWriter::open(&bench.run(), "test").unwrap();
    let (meta, key) = observer("");
    writer.record_observer(&meta, &key).unwrap();
    for (case, image) in images {
        let classes = seen.iter().find(|(of, _)| *of == case).map_or(&[][..], |(_, classes)| *classes);
        let detection = |(place, class): (usize, &&str)| Detection {
            category: Category::from_name(class).unwrap(),
            score: 0.95,
            bounding_box: BoundingBox {
                x1: place as f32 * 4.0,
                y1: 2.0,
                x2: place as f32 * 4.0 + 3.0,
                y2: 9.0,
            },
            mask: None,
            colors: None,
        };
        let detections = classes.iter().enumerate().map(detection).collect();
        let (observer, width, height) = (key.observer.clone(), 24, 16);
        writer.record_evidence(&key, &Evidence { image, observer, width, height, detections }).unwrap();
    }
}

fn observe(bench: &Bench, judge: &Provider, more: &[&str], exit: i32) -> Output {
    let (run, name) = (bench.run(), format!("{}#m", judge.url()));
    let common = ["observe", text(&run), "--judge", &name, "--judge-concurrency", "1"];
    let output = imgeval(&[&common[..], more].concat());
    check_clean(&output);
    check_exit(&output, exit);
    output
}

fn scores(bench: &Bench, exit: i32) -> Value {
    let output = imgeval(&["score", text(&bench.run()), "--json", "--verdicts"]);
    check_exit(&output, exit);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn check_value(scores: &Value, name: &str, expected: f64) {
    let value = row(scores, name)["score"].as_f64().unwrap();
    assert!((value - expected).abs() < 1e-12, "{name}: {scores:#}");
}

const EVERYTHING: &[(&str, &[&str])] = &[("cups-1", &["cup", "cup", "cup"]), ("dog-1", &["dog", "couch"])];

#[test]
fn the_example_goes_from_init_to_scores_comparison_and_page() {
    let bench = run_of_example("checks-thread");
    see(&bench, EVERYTHING);
    let judge = Provider::start([says("Yes."), says("yes"), says("Metal")]);
    observe(&bench, &judge, &[], 0);
    let asked: Vec<String> =
        judge.requests().iter().map(|request| parts(&request.json()).0.join("\n")).collect();
    let questions = ["Is the dog asleep?", "Is the mug blue?", "What is the table made of?"];
    assert_eq!(asked.len(), 3);
    for (text, question) in asked.iter().zip(questions) {
        assert!(text.contains(&format!("<question>\n{question}\n</question>")), "{text}");
        assert!(!text.contains("wood"), "the wanted answer is not told: {text}");
    }
    observe(&bench, &judge, &[], 0);
    assert_eq!(judge.requests().len(), 3, "what has an answer is not asked again");

    let found = scores(&bench, 0);
    check_value(&found, "color", 0.5);
    check_value(&found, "count", 1.0);
    check_value(&found, "overall", 0.5 / 3.0 + 2.0 / 3.0);
    assert_eq!(found["verdicts"].as_array().unwrap().len(), 3, "{found:#}");
    let run = bench.run();
    let table = imgeval(&["score", text(&run), "--verdicts"]);
    check_exit(&table, 0);
    for words in ["mug-1", "question-2 0", "objects 1", "0.833", "own cases"] {
        assert!(stdout(&table).contains(words), "{words}: {}", stdout(&table));
    }
    let output = imgeval(&["compare", text(&run), text(&run)]);
    check_exit(&output, 0);
    assert!(stdout(&output).contains("overall"), "{}", stdout(&output));
    let out = bench.folder.join("out");
    check_exit(&imgeval(&["report", text(&run), "--out", text(&out), "--single-file"]), 0);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("question-2 0") && page.contains("Is the mug blue?"));
}

#[test]
fn what_evidence_is_not_there_yet_leaves_its_image_without_a_score() {
    let bench = run_of_example("checks-incomplete");
    let run = bench.run();
    let output = imgeval(&["score", text(&run)]);
    check_exit(&output, 5);
    see(&bench, &[("cups-1", &["cup", "cup"])]);
    let found = scores(&bench, 4);
    check_value(&found, "count", 0.0);
    assert_eq!(found["judges"][0]["judge"]["provider"], "detector");
    assert_eq!(row(&found, "overall")["score"], Value::Null, "a part of a weighted score is not there");
    let output = imgeval(&["score", text(&run)]);
    check_exit(&output, 4);
    let table = stdout(&output);
    assert!(table.contains("no judge was asked by question"), "{table}");

    // Nobody can tell what this reply means.
    let judge = Provider::start(["It looks so, yes", "no", "so so", "no idea", "no"].map(says));
    let said = stderr(&observe(&bench, &judge, &[], 4));
    assert!(said.contains("unparsed: 1"), "{said}");
    let found = scores(&bench, 4);
    check_value(&found, "color", 0.0);
    assert_eq!(row(&found, "count")["images_missing"], 1, "{found:#}");
}

#[test]
fn a_rubric_gives_the_score_of_its_protocol() {
    let bench = Bench::new("checks-rubric", [image(1)]);
    let source = bench.folder.join("door.png");
    fs::write(&source, super::provider::png(20, 20, 1)).unwrap();
    let case = json!({
        "id": "door", "prompt": "Paint the door green.", "images": ["door.png"],
        "checks": [{"kind": "rubric", "protocol": "reason-edit"}],
    });
    let file = bench.folder.join("cases.jsonl");
    fs::write(&file, format!("# one edit\n{case}\n")).unwrap();
    bench.report(&["--cases", text(&file)], 0).check(&[("made", 1)]);
    let judge = Provider::start([says(r#"{"score": [8, 6], "reasoning": "green"}"#)]);
    observe(&bench, &judge, &[], 0);
    let request = judge.requests()[0].json();
    assert_eq!(parts(&request).1.len(), 2, "the source and the edit");
    check_value(&scores(&bench, 0), "overall", 0.6);
    let output =
        imgeval(&["observe", text(&bench.run()), "--judge", "http://127.0.0.1:9/v1#m", "--swap-order"]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("determine how a judge is asked"), "{}", stderr(&output));
}

#[test]
fn one_command_generates_judges_and_scores_and_continues() {
    let bench = Bench::new("checks-run", [image(1)]);
    let case = json!({"id": "a", "prompt": "a cup", "checks": [
        {"kind": "question", "question": "Is there a cup?", "answer": "yes"},
        {"kind": "question", "question": "Is it empty?", "answer": "no"},
    ]});
    let file = bench.folder.join("cases.jsonl");
    fs::write(&file, format!("{case}\n")).unwrap();
    let judge = Provider::start([says("yes")]);
    let (run, url, name) = (bench.run(), bench.provider.url(), format!("{}#m", judge.url()));
    let without_judge = [
        "run",
        "--cases",
        text(&file),
        "--model",
        "openai:some-model",
        "--base-url",
        &url,
        "--samples",
        "1",
        "--run",
        text(&run),
        "--json",
    ];
    let call = |more: &[&str], exit: i32| {
        let mut command = command(&[&without_judge[..], more].concat());
        let output = command.env("OPENAI_API_KEY", KEY).output().unwrap();
        check_exit(&output, exit);
        output
    };
    let said = stderr(&call(&[], 2));
    assert!(said.contains("--judge"), "{said}");
    assert!(bench.provider.requests().is_empty(), "nothing is paid for before");
    for _ in 0..2 {
        let output = call(&["--judge", &name], 0);
        check_value(&serde_json::from_slice(&output.stdout).unwrap(), "overall", 0.5);
    }
    assert_eq!((bench.provider.requests().len(), judge.requests().len()), (1, 2));
}

#[test]
fn what_no_check_can_mean_is_refused_before_anything_is_paid() {
    let bench = Bench::new("checks-refused", [image(1)]);
    let file = bench.folder.join("cases.jsonl");
    let question = json!({"kind": "question", "question": "Is it?", "answer": "yes"});
    for (lines, expected) in [
        (
            vec![json!({"id": "a", "prompt": "p", "checks": [{"kind": "smell"}]})],
            "line 1: check 1: unknown kind `smell`; available: objects, question, questions, rubric,",
        ),
        (vec![json!({"id": "a", "rounds": ["p", "q"], "checks": [question]})], "has one round"),
        (vec![json!({"id": "a", "prompt": "p", "rule": "all"})], "`rule` needs `checks`"),
        (
            vec![json!({"id": "a", "prompt": "p", "rule": "most", "checks": [question]})],
            "unknown rule `most`",
        ),
        (vec![json!({"id": "a", "prompt": "p", "weight": 0, "checks": [question]})], "positive number"),
        (
            vec![json!({"id": "a", "prompt": "p", "checks": [question]}), json!({"id": "b", "prompt": "p"})],
            "case b has no checks",
        ),
    ] {
        fs::write(&file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        let output = bench.generate(&["--cases", text(&file)]);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    assert!(bench.provider.requests().is_empty());
}

#[test]
fn checks_of_objects_alone_take_neither_judges_nor_raters() {
    let bench = Bench::new("checks-objects", [image(1)]);
    let case = json!({"id": "a", "prompt": "a cup", "checks": [
        {"kind": "objects", "tag": "single_object", "include": [{"class": "cup", "count": 1}]},
    ]});
    let file = bench.folder.join("cases.jsonl");
    fs::write(&file, format!("{case}\n")).unwrap();
    bench.report(&["--cases", text(&file)], 0).check(&[("made", 1)]);
    see(&bench, &[("a", &["cup"])]);
    check_value(&scores(&bench, 0), "overall", 1.0);
    let run = bench.run();
    for (arguments, expected) in [
        (vec!["observe", text(&run), "--judge", "http://127.0.0.1:9/v1#m"], "need no judge"),
        (vec!["label", text(&run)], "people label cases that ask a judge something"),
    ] {
        let output = imgeval(&arguments);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}
