//! A local command for every image, with scripts for `/bin/sh`.

use std::{fs, path::Path, time::Duration};

use imgeval_clients::CommandGenerator;
use imgeval_core::{
    Answer, Capabilities, FailureKind, Generator, ImageFormat, ImageRequest, InputImage, SizeRequest, Turn,
    Usd,
};

use crate::support::{failure, request};

const LONG: Duration = Duration::from_secs(60);

/// A script in a folder of its own.
pub(crate) fn script(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.sh");
    fs::write(&path, text).unwrap();
    let program = format!("/bin/sh '{}'", path.display());
    (folder, program)
}

async fn run(text: &str, arguments: &str, request: &ImageRequest) -> Answer {
    let (_folder, program) = script(text);
    let generator = CommandGenerator::new(&format!("{program} {arguments}"), LONG, 1).unwrap();
    generator.generate(request, &imgeval_core::Always).await.unwrap()
}

fn words(answer: &Answer) -> Vec<String> {
    let bytes = answer.outcome.done().unwrap_or_else(|| panic!("{answer:?}"));
    String::from_utf8(bytes.clone()).unwrap().split('|').map(str::to_owned).collect()
}

/// Writes its arguments but the first, with bars between them, to its first.
const ECHO: &str = r#"out=$1; shift; for a in "$@"; do printf '%s|' "$a" >> "$out"; done"#;

fn picture(name: &str) -> InputImage {
    InputImage::new(ImageFormat::WebP, name.as_bytes().to_vec())
}

#[tokio::test]
async fn a_prompt_is_one_argument_and_reaches_no_shell() {
    let prompt = "-rf $(touch x) `id` 'a' \"b\" ; c > d {out}\nü";
    let answer = run(ECHO, "{out} {prompt} --prompt={prompt}", &request(prompt)).await;
    assert_eq!(words(&answer), [prompt, &format!("--prompt={prompt}"), ""]);
    assert_eq!((answer.cost.unwrap().amount, answer.tries), (Usd::ZERO, 1));
}

#[tokio::test]
async fn every_placeholder_is_filled() {
    let mut request = request("p");
    request.seed = Some(7);
    request.parameters.size = SizeRequest::parse("640x480");
    (request.id.ordinal, request.id.round) = (3, 2);
    let arguments = "{out} {prompt} {seed} {width}x{height} {id} {sample} {round}";
    assert_eq!(words(&run(ECHO, arguments, &request).await), ["p", "7", "640x480", "00000", "3", "2", ""]);
}

#[tokio::test]
async fn images_and_masks_are_files_that_are_gone_afterwards() {
    let text = r#"out=$1; shift; cat "$@" > "$out"; for a in "$@"; do echo "$a"; done"#;
    let mut request = request("p");
    request.images = vec![picture("one,"), picture("two,")];
    request.mask = Some(picture("mask"));
    let answer = run(&format!("shift; {text}"), "{prompt} {out} {inputs} {mask}", &request).await;
    assert_eq!(answer.outcome.done().unwrap(), b"one,two,mask");
    let files: Vec<&str> = answer.raw.lines().collect();
    assert!(
        files.len() == 3 && files.iter().all(|file| file.ends_with(".webp") && !Path::new(file).exists())
    );
}

#[tokio::test]
async fn a_further_round_edits_the_last_answer() {
    let mut second = request("p");
    second.history =
        vec![Turn { prompt: "a".to_owned(), images: vec![], answer: picture("first"), state: None }];
    let answer = run(r#"cat "$2" > "$1""#, "{out} {input} {prompt}", &second).await;
    assert_eq!(answer.outcome.done().unwrap(), b"first");
}

#[tokio::test]
async fn failures_have_their_kind_and_the_last_words() {
    let kinds = [
        ("echo working; echo 'no GPU' >&2; exit 3", FailureKind::CommandFailed, "exit code 3: no GPU"),
        ("kill -9 $$", FailureKind::CommandFailed, "signal 9"),
        ("true", FailureKind::CommandFailed, "the command succeeded but wrote no image to {out}"),
        (": > \"$1\"", FailureKind::CommandFailed, "the file is empty"),
        ("mkdir \"$1\"", FailureKind::CommandFailed, "a folder, not a file"),
    ];
    for (text, kind, words) in kinds {
        let answer = run(text, "{out} {prompt}", &request("p")).await;
        let (found, detail) = failure(&answer);
        assert_eq!(found, kind, "{text}: {detail}");
        assert!(detail.contains(words), "{text}: {detail}");
    }
    let answer = run(kinds[0].0, "{out} {prompt}", &request("p")).await;
    assert!(answer.raw.contains("working\n") && answer.raw.contains("no GPU\n"));
    let answer = run(ECHO, "{out} {prompt}", &request("a\0b")).await;
    assert_eq!(failure(&answer).0, FailureKind::RejectedRequest);
}

#[tokio::test]
async fn what_a_command_writes_is_kept_in_part() {
    let text = r#"i=0; while [ $i -lt 3000 ]; do echo "line $i of a lot of output, or so it seems"; i=$((i+1)); done; echo x > "$1""#;
    let answer = run(text, "{out} {prompt}", &request("p")).await;
    assert!(answer.outcome.done().is_some() && answer.raw.len() <= 64 * 1024);
    assert!(answer.raw.ends_with("line 2999 of a lot of output, or so it seems\n"));
}

#[tokio::test]
async fn beyond_the_time_limit_all_that_was_started_is_killed() {
    let (folder, program) = script(r#"(sleep 5; echo late > "$0.late") & echo $! > "$0.child"; wait"#);
    let generator =
        CommandGenerator::new(&format!("{program} {{out}} {{prompt}}"), Duration::from_secs(3), 1).unwrap();
    let answer = generator.generate(&request("p"), &imgeval_core::Always).await.unwrap();
    assert_eq!(failure(&answer), (FailureKind::TimedOut, "the command took longer than 3 s"));
    assert!(folder.path().join("script.sh.child").exists(), "it had started");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(!folder.path().join("script.sh.late").exists(), "its child lives on");
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_nothing_running() {
    let (folder, program) = script(r#"echo x > "$0.started"; sleep 2; echo late > "$0.late""#);
    let generator = CommandGenerator::new(&format!("{program} {{out}} {{prompt}}"), LONG, 1).unwrap();
    let started = folder.path().join("script.sh.started");
    let begun = async {
        while !started.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let asked = request("p");
    tokio::select! {
        answer = generator.generate(&asked, &imgeval_core::Always) => panic!("{answer:?}"),
        () = begun => {}
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!folder.path().join("script.sh.late").exists());
}

#[tokio::test]
async fn a_program_that_cannot_start_is_the_end() {
    let generator = CommandGenerator::new("/no/such/program {prompt} {out}", LONG, 1).unwrap();
    let down = generator.generate(&request("p"), &imgeval_core::Always).await.unwrap_err();
    assert_eq!(down.message, "could not start `/no/such/program`: no such program");
    assert!(!down.hint.is_empty());
}

#[tokio::test]
async fn what_a_command_lacks_a_placeholder_for_is_refused() {
    let can =
        |arguments: &str| CommandGenerator::new(&format!("p {arguments}"), LONG, 1).unwrap().capabilities();
    assert_eq!(can("{prompt} {out}"), Capabilities::default());
    let all = can("{prompt} {out} {seed} {width} {height} {inputs} {mask}");
    assert!(all.seed && all.size_in_pixels && all.edit && all.several_images && all.mask && all.rounds);
    assert!(can("{prompt} {out} {input}").edit && !can("{prompt} {out} {input}").several_images);
    let mut seeded = request("p");
    seeded.seed = Some(1);
    let answer = run(ECHO, "{out} {prompt}", &seeded).await;
    assert_eq!(failure(&answer).0, FailureKind::RejectedRequest);
    let answer = run(ECHO, "{out} {prompt} {seed}", &request("p")).await;
    assert_eq!(
        failure(&answer),
        (FailureKind::RejectedRequest, "the command needs {seed}, but the request has none")
    );
    for (line, words) in [
        ("p {out}", "lacks {prompt}"),
        ("p {prompt}", "lacks {out}"),
        ("p {prompt} {out} {width}", "only one of {width} and {height}"),
        ("p {prompt} {out} {steps}", "unknown placeholder {steps}"),
    ] {
        let error = CommandGenerator::new(line, LONG, 1).unwrap_err();
        assert!(error.to_string().contains(words) && !error.hint().is_empty(), "{error}");
    }
}
