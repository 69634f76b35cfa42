//! Commands that answer lines of JSON, with scripts for `/bin/sh`.

use std::{fs, time::Duration};

use imgeval_clients::CommandLinesGenerator;
use imgeval_core::{Answer, FailureKind, Generator, ImageFormat, InputImage, SizeRequest, Turn};
use serde_json::Value;

use crate::{
    commands::script,
    support::{failure, request},
};

const LONG: Duration = Duration::from_secs(60);

/// Answers every line by what follows; `$id` is the question's, `$out` the path to write to, `$line` the whole line.
fn server(answer: &str) -> (tempfile::TempDir, String) {
    script(&format!(
        r#"echo started >> "$0.starts"
while IFS= read -r line; do
    id=${{line#*'"id":"'}}; id=${{id%%'"'*}}
    out=${{line#*'"out":"'}}; out=${{out%%'"'*}}
    {answer}
done"#
    ))
}

fn starts(folder: &tempfile::TempDir) -> usize {
    fs::read_to_string(folder.path().join("script.sh.starts")).unwrap().lines().count()
}

async fn ask(generator: &CommandLinesGenerator, prompt: &str) -> Answer {
    generator.generate(&request(prompt), &imgeval_core::Always).await.unwrap()
}

#[tokio::test]
async fn one_process_answers_many_questions() {
    let (folder, program) = server(
        r#"printf "%s" "$line" > "$out"; echo "{\"id\": \"$id\", \"image\": \"$out\", \"revised_prompt\": \"r\"}""#,
    );
    let generator = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
    for prompt in ["a \"cat\"\nand more", "a dog"] {
        let answer = ask(&generator, prompt).await;
        let asked: Value = serde_json::from_slice(answer.outcome.done().unwrap()).unwrap();
        assert_eq!((&asked["prompt"], &asked["id"]), (&prompt.into(), &"00000/0000".into()));
        assert_eq!(answer.revised_prompt.as_deref(), Some("r"));
        let names: Vec<&String> = asked.as_object().unwrap().keys().collect();
        assert_eq!(names, ["id", "prompt", "out"], "what is absent is left away");
    }
    assert_eq!(starts(&folder), 1);
}

#[tokio::test]
async fn all_of_a_request_is_told() {
    let (_folder, program) =
        server(r#"printf "%s" "$line" > "$out"; echo "{\"id\": \"$id\", \"image\": \"$out\"}""#);
    let generator = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
    let picture = InputImage::new(ImageFormat::Jpeg, *b"x");
    let mut request = request("p");
    request.system = Some("s".to_owned());
    request.seed = Some(9);
    request.parameters.size = SizeRequest::parse("64x32");
    request.parameters.output_format = Some(ImageFormat::WebP);
    request.images = vec![picture.clone()];
    request.mask = Some(picture.clone());
    request.history =
        vec![Turn { prompt: "before".to_owned(), images: vec![], answer: picture.clone(), state: None }];
    let answer = generator.generate(&request, &imgeval_core::Always).await.unwrap();
    let asked: Value = serde_json::from_slice(answer.outcome.done().unwrap()).unwrap();
    assert_eq!((&asked["width"], &asked["height"], &asked["seed"]), (&64.into(), &32.into(), &9.into()));
    assert_eq!((&asked["system"], &asked["output_format"]), (&"s".into(), &"webp".into()));
    assert_eq!(asked["history"][0]["prompt"], "before");
    for path in [&asked["inputs"][0], &asked["mask"], &asked["history"][0]["answer"]] {
        assert!(path.as_str().unwrap().ends_with(".jpg"), "{asked}");
    }
}

#[tokio::test]
async fn images_refusals_and_errors_come_in_their_own_fields() {
    let (_folder, program) = server(
        r#"case "$line" in
        *inline*) echo "{\"id\": \"$id\", \"image_base64\": \"aGk=\"}";;
        *junk*) echo "{\"id\": \"$id\", \"image_base64\": \"%%\"}";;
        *no*) echo "{\"id\": \"$id\", \"refused\": \"I would rather not\"}";;
        *bad*) echo "{\"id\": \"$id\", \"error\": \"out of memory\"}";;
        *) echo "{\"id\": \"$id\"}";;
    esac"#,
    );
    let generator = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
    assert_eq!(ask(&generator, "inline").await.outcome.done().unwrap(), b"hi");
    for (prompt, kind, words) in [
        ("junk", FailureKind::NotAnImage, "not base64"),
        ("no", FailureKind::Refused, "I would rather not"),
        ("bad", FailureKind::CommandFailed, "the command says: out of memory"),
        ("x", FailureKind::EmptyReply, "none of image"),
    ] {
        let answer = ask(&generator, prompt).await;
        let (found, detail) = failure(&answer);
        assert!(found == kind && detail.contains(words), "{prompt}: {found:?} {detail}");
    }
}

#[tokio::test]
async fn a_process_that_ends_is_started_again_and_given_up_after_three_ends_in_a_row() {
    let (folder, program) = server(
        r#"case "$line" in *die*) echo 'CUDA error' >&2; exit 5;; esac
    echo "{\"id\": \"$id\", \"image_base64\": \"aGk=\"}""#,
    );
    let generator = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
    for prompt in ["die", "die", "live", "die", "die"] {
        let answer = ask(&generator, prompt).await;
        if prompt == "live" {
            assert!(answer.outcome.done().is_some());
            continue;
        }
        let (kind, detail) = failure(&answer);
        assert_eq!(kind, FailureKind::CommandFailed);
        assert_eq!(detail, "the command ended with exit code 5 before it answered: CUDA error");
        assert_eq!(answer.raw, "CUDA error\n");
    }
    let down = generator.generate(&request("die"), &imgeval_core::Always).await.unwrap_err();
    assert!(down.message.starts_with("3 times in a row without an answer"), "{}", down.message);
    // One for each end, and one that lived, which died next.
    assert_eq!(starts(&folder), 5);
}

#[tokio::test]
async fn lines_that_are_no_answers_are_named() {
    for (answer, words) in [
        ("echo 'loading model...'", "not JSON of the protocol: `loading model...`"),
        (r#"echo '{"id": "other", "image": "x"}'"#, "answered to `other` when asked for `00000/0000`"),
        (r#"echo '{"image": 3}'"#, "not JSON of the protocol"),
    ] {
        let (_folder, program) = server(answer);
        let generator = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
        let answer = ask(&generator, "p").await;
        let (kind, detail) = failure(&answer);
        assert!(kind == FailureKind::CommandFailed && detail.contains(words), "{detail}");
    }
}

#[tokio::test]
async fn a_process_that_takes_too_long_is_replaced() {
    let (folder, program) = server(
        r#"case "$line" in *slow*) sleep 60;; esac; echo "{\"id\": \"$id\", \"image_base64\": \"aGk=\"}""#,
    );
    let generator = CommandLinesGenerator::new(&program, Duration::from_secs(5), 1).unwrap();
    let answer = ask(&generator, "slow").await;
    assert_eq!(failure(&answer), (FailureKind::TimedOut, "the command took longer than 5 s"));
    assert!(ask(&generator, "p").await.outcome.done().is_some());
    assert_eq!(starts(&folder), 2);
}

#[tokio::test]
async fn each_answer_keeps_only_what_was_written_for_it() {
    let (_folder, program) = server(
        r#"prompt=${line#*'"prompt":"'}; echo "drawing ${prompt%%'"'*}" >&2; sleep 0.3
    echo "{\"id\": \"$id\", \"image_base64\": \"aGk=\"}""#,
    );
    let generator = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
    for prompt in ["one", "two", "three"] {
        let answer = ask(&generator, prompt).await;
        let expected = format!("drawing {prompt}\n{{\"id\":\"00000/0000\"}}");
        assert_eq!(answer.raw, expected);
    }
}

#[tokio::test]
async fn as_many_processes_run_as_there_are_slots() {
    // Each answers only when both have been asked.
    let (folder, program) = server(
        r#"echo x >> "$0.asked"
    while [ $(wc -l < "$0.asked") -lt 2 ]; do sleep 0.05; done
    echo "{\"id\": \"$id\", \"image_base64\": \"aGk=\"}""#,
    );
    let generator = CommandLinesGenerator::new(&program, LONG, 2).unwrap();
    let (first, second) = tokio::join!(ask(&generator, "a"), ask(&generator, "b"));
    assert!(first.outcome.done().is_some() && second.outcome.done().is_some());
    assert_eq!(starts(&folder), 2);
}

#[tokio::test]
async fn command_lines_of_this_kind_have_no_placeholders() {
    let error = CommandLinesGenerator::new("serve {prompt}", LONG, 1).unwrap_err();
    assert!(error.to_string().contains("has {prompt}, but such a command receives everything"), "{error}");
    assert!(CommandLinesGenerator::new("  ", LONG, 1).is_err());
    let missing = CommandLinesGenerator::new("/no/such/program", LONG, 1).unwrap();
    assert!(
        missing
            .generate(&request("p"), &imgeval_core::Always)
            .await
            .unwrap_err()
            .message
            .contains("no such program")
    );
}

#[tokio::test]
async fn a_process_that_ended_after_its_answer_is_replaced_without_a_failure() {
    let (folder, program) = server(r#"echo "{\"id\": \"$id\", \"image_base64\": \"aGk=\"}"; exit 0"#);
    let generator = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
    for _ in 0..5 {
        assert!(ask(&generator, "p").await.outcome.done().is_some());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(starts(&folder), 5);
}
