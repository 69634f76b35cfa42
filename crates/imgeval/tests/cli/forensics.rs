//! `imgeval detect-fake` and `imgeval diagnose forensics` with the small weights of the detectors' own tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    diagnose::write_class,
    judge_bench::{says, words},
    provider::{KEY, Provider},
    schemas::check_stamped,
    support::{check_exit, command, imgeval, stderr, stdout, test_folder, text},
};
use crate::fault_server::{Action, Reply};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-forensics/tests/fixtures/transformers").join(name)
}

#[test]
fn single_images_are_judged_as_by_the_reference() {
    let expected: Value = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
    let expected = &expected["expected"]["univfd_0"]["large.png"];
    let (image, head, trunk) =
        (fixture("large.png"), fixture("univfd_0.pth"), fixture("clip_hf.safetensors"));
    let weights = [("--weights", text(&head)), ("--weights", text(&trunk))];
    let mut lines = Vec::new();
    for [first, second] in [[0, 1], [1, 0]] {
        let (first, second) = (weights[first], weights[second]);
        let arguments = [
            "detect-fake",
            text(&image),
            "--detector",
            "univfd",
            first.0,
            first.1,
            second.0,
            second.1,
            "--json",
        ];
        let output = imgeval(&arguments);
        check_exit(&output, 0);
        check_stamped(&stdout(&output));
        lines.push(stdout(&output));
    }
    assert_eq!(lines[0], lines[1], "the order of files does not matter");
    let found: Value = serde_json::from_str(&lines[0]).unwrap();
    let logit = found["logits"][0].as_f64().unwrap();
    assert!((logit - expected["logits"][0].as_f64().unwrap()).abs() < 2e-4, "{logit}");
    assert_eq!((&found["verdict"], &found["pipeline"]), (&"fake".into(), &"crop224".into()));
    assert_eq!(found["crop_sha256"], expected["crop_sha256"]);
}

#[test]
fn strange_requests_end_with_one_sentence() {
    let folder = test_folder("detect-fake");
    let (image, head) = (fixture("large.png"), fixture("univfd_0.pth"));
    let refused = |arguments: &[&str], code: i32, words: &str| {
        let output = imgeval(arguments);
        check_exit(&output, code);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    };
    refused(&["detect-fake", text(&image), "--detector", "nobody"], 2, "unknown detector `nobody`");
    let one = ["detect-fake", text(&image), "--detector", "univfd", "--weights", text(&head)];
    refused(&one, 2, "needs 2 files of weights, 1 given");
    let other = ["detect-fake", text(&image), "--detector", "npr", "--weights", text(&head)];
    refused(&other, 2, "univfd_0.pth");
    let pipeline =
        ["detect-fake", text(&image), "--detector", "npr", "--pipeline", "huge", "--weights", text(&head)];
    refused(&pipeline, 2, "has no pipeline `huge`; it has");
    let map = ["detect-fake", text(&image), "--detector", "clipdet", "--map", text(&folder)];
    refused(&map, 2, "has no map");
    let models = folder.join("models");
    let absent = ["detect-fake", text(&image), "--detector", "cnnspot", "--models-dir", text(&models)];
    refused(&absent, 1, "CC BY-NC-SA 4.0: not for commercial use");
    let accepted = ["models", "pull", "cnnspot", "--accept-terms", "--models-dir", text(&models)];
    refused(&accepted, 1, "find them at https://www.dropbox.com/");
    let absent = ["detect-fake", text(&image), "--detector", "cnnspot", "--models-dir", text(&models)];
    refused(&absent, 1, "weights `cnnspot-network` are not at");
    check_exit(&imgeval(&["detect-fake", "--list", "--models-dir", text(&models)]), 0);
    let json = imgeval(&["detect-fake", "--list", "--json", "--models-dir", text(&models)]);
    check_stamped(&stdout(&json));
}

#[test]
fn an_installation_is_checked_by_published_numbers() {
    let folder = test_folder("canaries");
    let weights = fixture("bfree.safetensors");
    let check = |detector: &str| {
        let arguments = ["detect-fake", "--detector", detector, "--canaries", text(&folder)];
        imgeval(&[&arguments[..], &["--weights", text(&weights)]].concat())
    };
    let none = check("npr");
    check_exit(&none, 5);
    assert!(stderr(&none).contains("publish no number"), "{}", stderr(&none));
    let empty = check("b-free");
    check_exit(&empty, 5);
    assert!(stderr(&empty).contains("pass a copy of the repository of B-Free"), "{}", stderr(&empty));
    // These weights are not the published ones.
    fs::create_dir_all(folder.join("code/demo_images")).unwrap();
    fs::copy(fixture("large.png"), folder.join("code/demo_images/img0002.png")).unwrap();
    let wrong = check("b-free");
    check_exit(&wrong, 3);
    assert!(stdout(&wrong).contains("different"), "{}", stdout(&wrong));
    assert!(stderr(&wrong).contains("1 of 1 numbers differ"), "{}", stderr(&wrong));
}

#[test]
fn a_study_continues_names_broken_files_and_gives_its_verdict() {
    let folder = test_folder("forensics");
    let (real, fake, out) = (folder.join("photos"), folder.join("all/1_fake"), folder.join("study"));
    write_class(&real, false, 12);
    write_class(&fake, true, 12);
    write_class(&folder.join("all/0_real"), false, 2);
    let univfd =
        ["univfd_0.pth", "clip_hf.safetensors"].map(|name| format!("univfd={}", text(&fixture(name))));
    let places = [format!("photos={}", text(&real)), format!("drawn={}", text(&folder.join("all")))];
    let arguments = [
        "diagnose",
        "forensics",
        "--real",
        &places[0],
        "--fake",
        &places[1],
        "--detector",
        "univfd",
        "--weights",
        &univfd[0],
        "--weights",
        &univfd[1],
        "--sweep",
        "short",
        "--replicates",
        "100",
        "--out",
        text(&out),
        "--json",
    ];
    let output = imgeval(&arguments);
    check_exit(&output, 0);
    assert!(stderr(&output).contains("2 images are not in a folder of fake ones"), "{}", stderr(&output));
    let first = stdout(&output);
    check_stamped(&first);
    let report: Value = serde_json::from_str(&first).unwrap();
    let ids: Vec<&str> =
        report["detectors"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.starts_with(&["univfd", "own"]), "{ids:?}");
    assert_eq!((&report["n_real"], &report["n_fake"]), (&12.into(), &12.into()));
    assert!(!report["verdict"]["sentences"].as_array().unwrap().is_empty());
    assert!(out.join("index.html").is_file() && out.join("diagnosis.json").is_file());

    // Half of the scores are lost, as after a kill: the same answer, and no kept score is computed again.
    let scores = out.join("scores");
    let mut names: Vec<PathBuf> = fs::read_dir(&scores).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 24);
    names[..12].iter().for_each(|name| fs::remove_file(name).unwrap());
    let kept = fs::read(&names[20]).unwrap();
    let marked = String::from_utf8(kept).unwrap().replacen("\"score\":", "\"score\":  ", 1);
    fs::write(&names[20], &marked).unwrap();
    let again = imgeval(&arguments);
    check_exit(&again, 0);
    assert_eq!(stdout(&again), first);
    assert_eq!(fs::read_to_string(&names[20]).unwrap(), marked, "a kept score was written again");

    fs::write(real.join("broken.png"), "no image").unwrap();
    let broken = imgeval(&arguments);
    check_exit(&broken, 4);
    assert!(stderr(&broken).contains("broken.png`: unsupported-format"), "{}", stderr(&broken));

    let alone = ["diagnose", "forensics", "--fake", &places[1], "--no-own", "--detector", "univfd"];
    let weights = ["--weights", &univfd[0], "--weights", &univfd[1], "--sweep", "none"];
    let output = imgeval(&[&alone[..], &weights].concat());
    check_exit(&output, 0);
    assert!(stdout(&output).contains("undefined"), "{}", stdout(&output));
}

#[test]
fn vision_language_models_are_asked_once_and_never_guessed_for() {
    let folder = test_folder("forensics-judge");
    let (real, fake, out) = (folder.join("photos"), folder.join("drawn"), folder.join("study"));
    write_class(&real, false, 3);
    write_class(&fake, true, 3);
    // Six images as delivered, then the same matched. The fourth call is refused, the fifth answer says neither.
    let judge = Provider::start([
        says("This is a real image."),
        says("An unreal, fake image."),
        says("This is a fake image. The hands are odd."),
        Action::Reply(Reply::json(
            400,
            &serde_json::json!({"error": {"message": "this image is not accepted"}}),
        )),
        says("Hard to say."),
        Action::Reply(words("This is a fake image.")),
    ]);
    let name = format!("{}#fakeVLM", judge.url());
    let ask = |more: &[&str]| {
        let mut command =
            command(&["diagnose", "forensics", "--json", "--no-own", "--sweep", "none", "--yes"]);
        command.args(["--replicates", "100", "--judge", &name, "--models-dir", text(&folder.join("none"))]);
        command.args(["--real", text(&real), "--fake", text(&fake), "--out", text(&out)]);
        command.args(more).env("OPENAI_API_KEY", KEY).current_dir(&folder).output().unwrap()
    };
    let output = ask(&[]);
    check_exit(&output, 4);
    let said = stderr(&output);
    assert!(said.contains("gives no score for 1 image: the answer says neither real nor fake"), "{said}");
    assert!(said.contains("this image is not accepted"), "{said}");
    check_stamped(&stdout(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let names: Vec<&Value> =
        report["detectors"].as_array().unwrap().iter().map(|detector| &detector["name"]).collect();
    assert!(names.contains(&&"fakeVLM".into()), "{names:?}");
    assert!(names.contains(&&"fakeVLM, whole words".into()), "the two readings differ: {names:?}");
    assert_eq!(judge.requests().len(), 12);
    assert_eq!(judge.requests()[0].header("authorization"), None, "the key is OpenAI's");
    for (_, bytes) in super::support::files(&out) {
        assert!(!String::from_utf8_lossy(&bytes).contains(KEY));
    }

    // Only the refused image is asked about again.
    check_exit(&ask(&[]), 4);
    assert_eq!(judge.requests().len(), 13);
    let sent = judge.requests()[12].json().to_string();
    assert!(sent.contains("Does the image looks real/fake?"), "{sent}");
}
