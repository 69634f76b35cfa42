//! Local programs and folders as providers, and files of cases: edits, masks, rounds.

use std::fs;

use serde_json::{Value, json};

use super::{
    provider::{Bench, Report, error, image, image_reply, png, stored_images},
    support::{check_exit, imgeval, stderr, text, write_picture},
};
use crate::fault_server::{Action, Request};

fn contains(request: &Request, needle: &[u8]) -> bool {
    request.body.windows(needle.len()).any(|window| window == needle)
}

fn script(bench: &Bench, text_of_script: &str) -> String {
    let path = bench.folder.join("script.sh");
    fs::write(&path, text_of_script).unwrap();
    text(&path).to_owned()
}

#[test]
fn a_command_is_started_for_each_image() {
    let bench = Bench::new("cases-cmd", [image(1)]);
    let picture = bench.folder.join("picture.png");
    write_picture(&picture, 1);
    let log = bench.folder.join("log");
    let script = script(
        &bench,
        "echo \"$1 $2 $3\" >> \"$5\"\n[ \"$2\" = 1 ] && { echo 'out of memory' >&2; exit 9; }\ncp \"$4\" \"$6\"\n",
    );
    let model = format!(
        "cmd:/bin/sh {script} {{seed}} {{sample}} {{id}} {} {} {{out}} --prompt={{prompt}}",
        text(&picture),
        text(&log)
    );
    let arguments = ["--model", &model, "--ids", "2,3", "--samples", "2", "--image-seed", "40"];
    let report = bench.report(&arguments, 4);
    report.check(&[("made", 2), ("command-failed", 2)]);
    assert_eq!(
        (&report.0["spend"]["usd"], &report.0["spend"]["calls_without_price"]),
        (&0.0.into(), &0.into())
    );
    let example = report.0["examples"]["command-failed"][0].as_str().unwrap();
    assert!(example.contains("out of memory") && example.contains('9'), "{example}");
    let calls = || fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(calls(), ["40 0 00002", "40 0 00003", "41 1 00002", "41 1 00003"]);
    bench.report(&arguments, 4).check(&[("made", 0), ("there-before", 2), ("command-failed", 2)]);
    assert_eq!(calls().len(), 6, "what failed is asked for again, what is there is not");
    assert!(bench.provider.requests().is_empty());
}

#[test]
fn a_command_that_is_not_there_or_malformed_is_one_sentence() {
    let bench = Bench::new("cases-cmd-bad", [image(1)]);
    let output = bench.generate(&["--model", "cmd:/nonexistent/program {prompt} {out}"]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("/nonexistent/program"), "{}", stderr(&output));
    for (model, words) in [
        ("cmd:program {prompt}", "lacks {out}"),
        ("cmd:program {promt} {out}", "the unknown placeholder {promt}"),
        ("cmd:program 'x {prompt} {out}", "an unclosed quote"),
        ("cmd-lines:program {prompt}", "has {prompt}"),
        ("folder:/nonexistent/folder", "/nonexistent/folder"),
    ] {
        let output = bench.generate(&["--model", model]);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[test]
fn a_long_lived_command_answers_line_by_line() {
    let bench = Bench::new("cases-cmd-lines", [image(1)]);
    let picture = bench.folder.join("picture.png");
    write_picture(&picture, 1);
    let starts = bench.folder.join("starts");
    let script = script(
        &bench,
        r#"echo started >> "$2"
while IFS= read -r line; do
    id=${line#*'"id":"'}; id=${id%%'"'*}
    case "$id" in
        00001/*) echo "{\"id\": \"$id\", \"refused\": \"not this one\"}" ;;
        *) echo "{\"id\": \"$id\", \"image\": \"$1\"}" ;;
    esac
done
"#,
    );
    let model = format!("cmd-lines:/bin/sh {script} {} {}", text(&picture), text(&starts));
    let arguments = ["--model", &model, "--ids", "0,1,2"];
    let report = bench.report(&arguments, 4);
    report.check(&[("made", 2), ("refused", 1)]);
    assert_eq!(report.0["examples"]["refused"][0], "00001/0000: not this one");
    assert_eq!(fs::read_to_string(&starts).unwrap(), "started\n", "one process answers all");
    bench.report(&arguments, 4).check(&[("made", 0), ("there-before", 2), ("refused", 1)]);
    assert_eq!(fs::read_to_string(&starts).unwrap(), "started\n", "an answer is not asked for again");
}

#[test]
fn a_folder_gives_the_images_that_it_has() {
    let bench = Bench::new("cases-folder", [image(1)]);
    let images = bench.folder.join("images");
    write_picture(&images.join("00000/samples/0000.png"), 1);
    write_picture(&images.join("00001_0.png"), 2);
    let model = format!("folder:{}", text(&images));
    let report = bench.report(&["--model", &model, "--ids", "0,1,2"], 4);
    report.check(&[("made", 2), ("not-accessible", 1)]);
    assert!(report.0["examples"]["not-accessible"][0].as_str().unwrap().contains("00002"), "{:#}", report.0);
    assert_eq!(stored_images(&bench.run()).len(), 2);
    write_picture(&images.join("00002.png"), 3);
    bench.report(&["--model", &model, "--ids", "0,1,2"], 0).check(&[("made", 1), ("there-before", 2)]);
}

fn write_cases(bench: &Bench, lines: &[Value]) -> String {
    let path = bench.folder.join("input/cases.jsonl");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    text(&path).to_owned()
}

#[test]
fn edits_send_the_image_and_the_mask() {
    let bench = Bench::new("cases-edit", [image(7)]);
    let (source, mask) = (png(20, 20, 1), png(20, 20, 2));
    let cases = write_cases(
        &bench,
        &[
            json!({"id": "hat.1", "tag": "edit", "prompt": "give it a hat", "images": ["a.png"], "mask": "m.png"}),
        ],
    );
    fs::write(bench.folder.join("input/a.png"), &source).unwrap();
    fs::write(bench.folder.join("input/m.png"), &mask).unwrap();
    let arguments = ["--cases", &cases];
    bench.report(&arguments, 0).check(&[("made", 1)]);
    let requests = bench.provider.requests();
    assert_eq!(requests[0].path, "/v1/images/edits");
    assert!(contains(&requests[0], &source) && contains(&requests[0], &mask));
    assert!(contains(&requests[0], b"give it a hat"));
    assert_eq!(stored_images(&bench.run()).len(), 3, "what was sent is kept with what came");

    // Where the files lie does not matter, what is in them does.
    fs::rename(bench.folder.join("input"), bench.folder.join("moved")).unwrap();
    let moved = cases.replace("/input/", "/moved/");
    bench.report(&["--cases", &moved], 0).check(&[("made", 0), ("there-before", 1)]);
    fs::write(bench.folder.join("moved/a.png"), png(20, 20, 3)).unwrap();
    check_exit(&bench.generate(&["--cases", &moved]), 6);
    assert_eq!(bench.provider.requests().len(), 1);
}

#[test]
fn each_round_goes_on_from_the_answer_before() {
    let answers = [png(24, 16, 1), png(24, 16, 2), png(24, 16, 3)];
    let bench = Bench::new("cases-rounds", answers.clone().map(|bytes| Action::Reply(image_reply(&bytes))));
    let cases = write_cases(&bench, &[json!({"id": "talk", "rounds": ["a cat", "now red", "now blue"]})]);
    bench.report(&["--cases", &cases], 0).check(&[("made", 3)]);
    let requests = bench.provider.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/v1/images/generations", "/v1/images/edits", "/v1/images/edits"]);
    assert_eq!(requests[0].json()["prompt"], "a cat");
    for (round, prompt) in [(1, "now red"), (2, "now blue")] {
        assert!(contains(&requests[round], prompt.as_bytes()), "round {}", round + 1);
        assert!(contains(&requests[round], &answers[round - 1]), "round {}", round + 1);
    }
    assert!(!contains(&requests[2], &answers[0]), "only the last answer is edited");
    bench.report(&["--cases", &cases], 0).check(&[("made", 0), ("there-before", 3)]);
    assert_eq!(bench.provider.requests().len(), 3);
}

#[test]
fn a_conversation_that_broke_goes_on_from_its_last_answer() {
    let first = png(24, 16, 1);
    let script =
        [Action::Reply(image_reply(&first)), Action::Reply(error(400, "moderation_blocked", "no")), image(5)];
    let bench = Bench::new("cases-rounds-broken", script);
    let cases = write_cases(&bench, &[json!({"id": "talk", "rounds": ["a cat", "now red", "now blue"]})]);
    bench.report(&["--cases", &cases], 4).check(&[("made", 1), ("moderated", 1), ("waiting", 1)]);
    bench.report(&["--cases", &cases], 4).check(&[
        ("made", 0),
        ("there-before", 1),
        ("moderated", 1),
        ("waiting", 1),
    ]);
    assert_eq!(bench.provider.requests().len(), 2);
    let arguments = ["--cases", &cases, "--retry", "moderated"];
    bench.report(&arguments, 0).check(&[("made", 2), ("there-before", 1)]);
    let requests = bench.provider.requests();
    assert_eq!(requests.len(), 4);
    assert!(contains(&requests[2], &first) && contains(&requests[2], b"now red"));
}

#[test]
fn malformed_files_of_cases_are_refused_with_the_line() {
    let bench = Bench::new("cases-malformed", [image(1)]);
    write_picture(&bench.folder.join("a.png"), 1);
    fs::write(bench.folder.join("no-image.png"), "hello").unwrap();
    let long = format!(r#"{{"id": "{}", "prompt": "p"}}"#, "x".repeat(500));
    for (line, words) in [
        (r#"{"id": "b", "prompt": "p""#, "EOF"),
        (r#"["b", "p"]"#, "cases.jsonl"),
        (r#"{"id": "a", "prompt": "p"}"#, "duplicate id `a`"),
        (r#"{"id": "../x", "prompt": "p"}"#, "invalid id `../x`"),
        (r#"{"id": "", "prompt": "p"}"#, "invalid id ``"),
        (r#"{"id": ".x", "prompt": "p"}"#, "invalid id `.x`"),
        (r#"{"id": "b\u001b[2J", "prompt": "p"}"#, "invalid id"),
        (&long, "at most 120"),
        (r#"{"id": 7, "prompt": "p"}"#, "expected a string"),
        (r#"{"id": "b", "prompt": "p", "images": ["gone.png"]}"#, "gone.png"),
        (r#"{"id": "b", "prompt": "p", "images": ["no-image.png"]}"#, "no-image.png`"),
        (r#"{"id": "b", "prompt": "p", "mask": "a.png"}"#, "a mask needs an image"),
        (r#"{"id": "b", "prompt": "p", "rounds": ["p"]}"#, "either `prompt` or `rounds`"),
        (r#"{"id": "b"}"#, "either `prompt` or `rounds`"),
        (r#"{"id": "b", "rounds": []}"#, "`rounds` is empty"),
        (r#"{"id": "b", "rounds": ["p", 7]}"#, "in `rounds`"),
        (r#"{"id": "b", "prompt": "  "}"#, "a prompt is empty"),
        (r#"{"id": "b", "prompt": "p", "size": "1x1"}"#, "unknown field `size`"),
    ] {
        let path = bench.folder.join("cases.jsonl");
        fs::write(&path, format!("{{\"id\": \"a\", \"prompt\": \"p\"}}\n\n{line}\n")).unwrap();
        let output = bench.generate(&["--cases", text(&path)]);
        check_exit(&output, 2);
        let said = stderr(&output);
        assert!(said.contains("cases.jsonl`, line 3: ") && said.contains(words), "{line}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
        assert!(!bench.run().exists(), "{line}");
    }
    let path = bench.folder.join("cases.jsonl");
    fs::write(&path, "\n").unwrap();
    check_exit(&bench.generate(&["--cases", text(&path)]), 5);
    for (bytes, words) in [
        (&b"\xff\xfe{\0}\0\n\0"[..], "it is UTF-16; save it as UTF-8"),
        (b"{\"id\": \"a\"}\n\xe9\n", "line 2 is not UTF-8"),
    ] {
        fs::write(&path, bytes).unwrap();
        let output = bench.generate(&["--cases", text(&path)]);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    assert!(!bench.run().exists() && bench.provider.requests().is_empty());
}

#[test]
fn a_file_of_cases_may_grow_but_not_change_what_the_run_has_seen() {
    let bench = Bench::new("cases-grow", [image(1)]);
    let case = |id: &str, prompt: &str| json!({"id": id, "prompt": prompt});
    let cases = write_cases(&bench, &[case("a", "one")]);
    bench.report(&["--cases", &cases], 0).check(&[("made", 1)]);
    write_cases(&bench, &[case("c", "three"), case("b", "two"), case("a", "one")]);
    bench.report(&["--cases", &cases, "--ids", "a,b"], 0).check(&[("made", 1), ("there-before", 1)]);
    write_cases(&bench, &[case("a", "other")]);
    let output = bench.generate(&["--cases", &cases]);
    check_exit(&output, 6);
    assert!(stderr(&output).contains("the case `a` has changed"), "{}", stderr(&output));
    let listing = fs::read_to_string(bench.run().join("cases.jsonl")).unwrap();
    assert_eq!(listing.lines().count(), 2);
    assert!(listing.contains("one") && listing.contains("two") && !listing.contains("other"));
}

#[test]
fn cases_are_chosen_by_id_and_tag() {
    let bench = Bench::new("cases-chosen", [image(1)]);
    let case = |id: &str, tag: &str| json!({"id": id, "tag": tag, "prompt": format!("a {id}")});
    let cases = write_cases(&bench, &[case("a", "x"), case("b", "y"), case("c", "y")]);
    bench.report(&["--cases", &cases, "--tags", "y", "--limit", "1"], 0).check(&[("made", 1)]);
    bench.report(&["--cases", &cases, "--ids", "a,c"], 0).check(&[("made", 2)]);
    assert_eq!(bench.provider.prompts(), ["a b", "a a", "a c"]);
    for (arguments, words) in [(["--ids", "d"], "no prompt has the id `d`"), (["--tags", "z"], "the tag `z`")]
    {
        let output = bench.generate(&["--cases", &cases, arguments[0], arguments[1]]);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    let report = Report::read(&bench.generate(&["--cases", &cases]));
    report.check(&[("made", 0), ("there-before", 3)]);
}

#[test]
fn files_from_windows_editors_are_read() {
    let bench = Bench::new("cases-windows", [image(1)]);
    let cases = bench.folder.join("cases.jsonl");
    fs::write(&cases, "\u{feff}{\"id\": \"a\", \"prompt\": \"a cat\"}\r\n\r\n").unwrap();
    let key = bench.folder.join("key");
    fs::write(&key, "\u{feff}sk-from-file\r\n").unwrap();
    let entry = "[[model]]\r\nprovider = \"openai-images\"\r\nid = \"some-model\"\r\nsource = \"https://prices.example/\"\r\nas_of = \"2026-01-02\"\r\n";
    fs::write(bench.folder.join("models.toml"), format!("\u{feff}{entry}")).unwrap();
    let template = bench.folder.join("template");
    fs::write(&template, "\u{feff}{prompt}, in oil\r\n").unwrap();
    bench.settings("\u{feff}catalogue = \"models.toml\"\r\n[providers.openai]\r\nretries = 0\r\n");
    let rewriter = format!("template:{}", text(&template));
    let arguments = ["--cases", text(&cases), "--key-file", text(&key), "--rewriter", &rewriter];
    bench.report(&arguments, 0).check(&[("made", 1)]);
    let requests = bench.provider.requests();
    assert_eq!(requests[0].header("authorization"), Some("Bearer sk-from-file"));
    assert!(contains(&requests[0], b"\"a cat, in oil\""), "nothing before the words");
}

/// A conversation of three rounds by a command that logs its input and answers with another image each round.
fn converse(bench: &Bench) -> Vec<String> {
    for round in 1..=3 {
        write_picture(&bench.folder.join(format!("picture-{round}.png")), round);
    }
    let script = script(
        bench,
        "if [ -n \"$1\" ]; then cmp -s \"$1\" \"$4/picture-$(($2 - 1)).png\" && echo before >> \"$4/log\" || echo other >> \"$4/log\"\nelse echo nothing >> \"$4/log\"; fi\ncp \"$4/picture-$2.png\" \"$3\"\n",
    );
    let cases = write_cases(bench, &[json!({"id": "talk", "rounds": ["a cat", "now red", "now blue"]})]);
    let model = format!(
        "cmd:/bin/sh {script} {{input}} {{round}} {{out}} {} --prompt={{prompt}}",
        text(&bench.folder)
    );
    bench.report(&["--model", &model, "--cases", &cases], 0).check(&[("made", 3)]);
    let log = fs::read_to_string(bench.folder.join("log")).unwrap();
    log.lines().map(str::to_owned).collect()
}

#[test]
fn a_command_holds_a_conversation_with_an_empty_input_at_first() {
    let bench = Bench::new("cases-cmd-rounds", [image(1)]);
    assert_eq!(converse(&bench), ["nothing", "before", "before"]);
}

#[test]
fn a_command_without_a_place_for_what_is_sent_is_told_which() {
    let bench = Bench::new("cases-cmd-places", [image(1)]);
    fs::create_dir_all(bench.folder.join("input")).unwrap();
    for name in ["a.png", "b.png", "m.png"] {
        write_picture(&bench.folder.join("input").join(name), 1);
    }
    for (case, more, placeholder) in [
        (json!({"id": "a", "rounds": ["x", "y"]}), "", "`{input}`"),
        (json!({"id": "a", "prompt": "x", "images": ["a.png"]}), "", "`{input}`"),
        (json!({"id": "a", "prompt": "x", "images": ["a.png", "b.png"]}), " {input}", "`{inputs}`"),
        (json!({"id": "a", "prompt": "x", "images": ["a.png"], "mask": "m.png"}), " {input}", "`{mask}`"),
    ] {
        let cases = write_cases(&bench, &[case]);
        let model = format!("cmd:program {{prompt}} {{out}}{more}");
        let output = bench.generate(&["--model", &model, "--cases", &cases]);
        check_exit(&output, 2);
        let expected = format!("the command line has no {placeholder}, which a request with");
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    }
}

#[test]
fn every_round_of_a_conversation_shows_its_own_prompt_and_what_was_before() {
    let bench = Bench::new("cases-rounds-report", [image(1)]);
    converse(&bench);
    let out = bench.folder.join("out");
    check_exit(&imgeval(&["report", text(&bench.run()), "--out", text(&out), "--single-file"]), 0);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let block = |start: &str| -> Value {
        let (_, rest) = page.split_once(&format!("id=\"{start}")).unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    };
    let (index, texts) = (block("index\""), block("texts-0-"));
    assert_eq!(index["cases"], json!(["talk", "talk, round 2", "talk, round 3"]));
    let prompts: Vec<&Value> = texts.as_array().unwrap().iter().map(|text| &text["prompt"]).collect();
    assert_eq!(prompts, ["a cat", "now red", "now blue"]);
    assert!(texts[0]["input"].is_null(), "{texts:#}");
    for round in 1..3 {
        let answer_before = &index["samples"][round - 1][6][0];
        assert!(answer_before.is_string() && texts[round]["input"]["hash"] == *answer_before, "{texts:#}");
    }
}

#[test]
fn runs_of_own_cases_are_not_scored_and_it_is_said_why() {
    let bench = Bench::new("cases-observe", [image(1)]);
    let cases = write_cases(&bench, &[json!({"id": "a", "prompt": "a cat"})]);
    bench.report(&["--cases", &cases], 0).check(&[("made", 1)]);
    let run = bench.run();
    for more in [&[][..], &["--judge", "http://127.0.0.1:9/v1#some-judge"]] {
        let output = imgeval(&[&["observe", text(&run)][..], more].concat());
        check_exit(&output, 2);
        let said = stderr(&output);
        assert!(
            said.contains("a run of your own cases has no scoring rules, so neither a detector nor a judge"),
            "{said}"
        );
        assert!(!said.contains("GenEval"), "{said}");
    }
    let output = imgeval(&["score", text(&run)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("no scoring rules"), "{}", stderr(&output));
}
