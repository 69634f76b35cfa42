//! Kept replies, read anew without asking anybody.

use std::{fs, process::Output};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use imgeval_core::{Failure, FailureKind, Outcome};
use imgeval_store::{AttemptRecord, GenerationBatch, KeptReply, RunReader, RunWriter};
use serde_json::{Value, json};

use super::{
    provider::{Bench, png, stored_images},
    schemas,
    support::{check_exit, command, stderr, stdout, text},
};
use crate::fault_server::{Action, Reply};

fn reply(body: &Value) -> Action {
    Action::Reply(Reply::json(200, body))
}

/// Without a key, and without a server to go to.
fn reread(bench: &Bench, more: &[&str]) -> Output {
    let run = bench.run();
    let mut arguments = vec!["generate", text(&run), "--reread"];
    arguments.extend(more);
    let output =
        command(&arguments).env_remove("OPENAI_API_KEY").current_dir(&bench.folder).output().unwrap();
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    output
}

fn calls(bench: &Bench) -> Vec<Value> {
    let path = bench.folder.join("calls.jsonl");
    let run = bench.run();
    check_exit(&command(&["export", text(&run), "--calls", text(&path)]).output().unwrap(), 0);
    let lines = fs::read_to_string(path).unwrap();
    schemas::check_stamped(&lines);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Puts a reply into the run under a failed sample, as a version would have left it that could not read it.
fn leave(bench: &Bench, sample: &str, kept: &str) {
    let mut attempt = None;
    RunReader::open(&bench.run())
        .unwrap()
        .for_each_attempt(|one| {
            if one.id.to_string() == sample {
                attempt = Some(one);
            }
        })
        .unwrap();
    let failure = Failure { kind: FailureKind::EmptyReply, detail: "no image".to_owned() };
    let attempt = AttemptRecord {
        outcome: Outcome::Failed(failure),
        kept: Some(KeptReply::pack(200, kept)),
        ..attempt.unwrap()
    };
    let batch = GenerationBatch { attempts: vec![attempt], ..GenerationBatch::default() };
    RunWriter::open(&bench.run(), "test").unwrap().record_generation(&batch).unwrap();
}

#[test]
fn an_image_in_a_kept_reply_is_recovered_without_a_key_or_a_call() {
    let unknown = json!({"artwork": {"layers": [1, 2, 3]}, "note": "no image"});
    let bench = Bench::new("reread-recovers", [reply(&unknown)]);
    bench.report(&["--limit", "3"], 4).check(&[("made", 0), ("empty-reply", 3)]);
    let before = calls(&bench);
    assert_eq!((before.len(), &before[0]["reply_is_whole"]), (3, &Value::Bool(true)));
    assert_eq!(before[0]["reply"], unknown.to_string());
    assert_eq!(before[0]["reply_status"], 200);

    let output = reread(&bench, &[]);
    check_exit(&output, 4);
    assert_eq!(
        stdout(&output),
        "recovered: 0 images from stored replies\nunchanged: 3 images (empty-reply)\n"
    );

    leave(
        &bench,
        "00000/0000",
        &json!({"data": [{"b64_json": STANDARD.encode(png(64, 48, 5))}]}).to_string(),
    );
    leave(&bench, "00001/0000", &json!({"data": [{"url": "https://images.example/1.png"}]}).to_string());
    let output = reread(&bench, &["--json"]);
    check_exit(&output, 4);
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["recovered"], json!(["00000/0000"]));
    assert_eq!(told["needs_download"], json!(["00001/0000"]));
    assert_eq!(told["unchanged"], json!({"empty-reply": 1}));
    assert_eq!(stored_images(&bench.run()).len(), 1);
    assert_eq!(bench.provider.requests().len(), 3, "nothing was sent");

    let after = calls(&bench);
    let last = after.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["outcome"], &last["requests"]),
        (&json!("image-reread"), &json!("done"), &json!(0))
    );
    bench.report(&["--limit", "3"], 4).check(&[("made", 0), ("there-before", 1), ("empty-reply", 2)]);
}

#[test]
fn where_nothing_can_be_read_one_sentence_says_so() {
    let bench = Bench::new("reread-nothing", [super::provider::image(1)]);
    let output = reread(&bench, &[]);
    assert!(!output.status.success() && stderr(&output).contains("run"), "{}", stderr(&output));
    bench.report(&["--limit", "1"], 0);
    let output = reread(&bench, &[]);
    check_exit(&output, 0);
    assert_eq!(stdout(&output), "reread: every sample has its image\n");

    let run = bench.run();
    let judged = command(&["observe", text(&run), "--reread"]).output().unwrap();
    check_exit(&judged, 5);
    assert!(stderr(&judged).contains("no judge was asked"), "{}", stderr(&judged));
    for wrong in [
        vec!["generate", "--reread"],
        vec!["generate", text(&run)],
        vec!["generate", text(&run), "--reread", "--model", "openai:m"],
        vec!["generate", text(&run), "--reread", "--suite", "geneval"],
    ] {
        check_exit(&command(&wrong).output().unwrap(), 2);
    }
}
