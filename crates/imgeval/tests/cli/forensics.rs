//! `imgeval detect-fake` and `imgeval diagnose forensics` with the small weights of the detectors' own tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    diagnose::write_class,
    schemas::check_stamped,
    support::{check_exit, imgeval, stderr, stdout, test_folder, text},
};

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
    refused(&["detect-fake", text(&image), "--detector", "nobody"], 2, "there is no detector `nobody`");
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
    refused(&accepted, 1, "people find them at https://www.dropbox.com/");
    let absent = ["detect-fake", text(&image), "--detector", "cnnspot", "--models-dir", text(&models)];
    refused(&absent, 1, "weights `cnnspot-network` are not at");
    check_exit(&imgeval(&["detect-fake", "--list", "--models-dir", text(&models)]), 0);
    let json = imgeval(&["detect-fake", "--list", "--json", "--models-dir", text(&models)]);
    check_stamped(&stdout(&json));
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
    assert!(stderr(&output).contains("2 images are not below a folder of fake ones"), "{}", stderr(&output));
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
    assert!(stderr(&broken).contains("broken.png` cannot be used"), "{}", stderr(&broken));

    let alone = ["diagnose", "forensics", "--fake", &places[1], "--no-own", "--detector", "univfd"];
    let weights = ["--weights", &univfd[0], "--weights", &univfd[1], "--sweep", "none"];
    let output = imgeval(&[&alone[..], &weights].concat());
    check_exit(&output, 0);
    assert!(stdout(&output).contains("not defined"), "{}", stdout(&output));
}
