//! The official pair on the command line. What needs the tiny random networks of `../shared/golden` says nothing where
//! that folder is absent; their numbers are compared in imgeval-vision's tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Instant,
};

use serde_json::Value;

use super::{
    resume::moments,
    support::{check_exit, command, imgeval, stderr, stdout, test_folder, text, write_picture},
};

pub(super) struct Golden {
    mask2former: PathBuf,
    pub(super) clip: PathBuf,
    images: PathBuf,
}

pub(super) fn golden() -> Option<Golden> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let golden = Golden {
        mask2former: shared.join("golden/mask2former/model.pth"),
        clip: shared.join("golden/clip"),
        images: shared.join("data/images/geneval_gpt4o"),
    };
    golden.mask2former.is_file().then_some(golden)
}

/// Prompts that ask for the color of what the random network sees in everything: motorcycles and skis.
const COLORED: [&str; 7] = ["00338", "00287", "00329", "00516", "00548", "00541", "00457"];

/// The real images, as answers to those prompts.
fn colored_images(golden: &Golden, folder: &Path) -> PathBuf {
    let images = folder.join("images");
    fs::create_dir_all(&images).unwrap();
    let mut sources: Vec<_> =
        fs::read_dir(&golden.images).unwrap().map(|entry| entry.unwrap().path()).collect();
    sources.sort();
    for (source, name) in sources.iter().zip(COLORED) {
        fs::copy(source.join("samples/0000.png"), images.join(format!("{name}.png"))).unwrap();
    }
    images
}

pub(super) fn observer(golden: &Golden) -> [&str; 6] {
    ["--detector", "geneval", "--weights", text(&golden.mask2former), "--clip", text(&golden.clip)]
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn table(run: &Path) -> String {
    stdout(&imgeval(&["score", text(run), "--verdicts", "--json"]))
}

#[test]
fn detections_are_printed_with_sizes_and_masks() {
    let Some(golden) = golden() else { return };
    let folder = test_folder("networks-detect");
    let image = golden.images.join("00394/samples/0000.png");
    let arguments = ["detect", text(&image), "--json", "--weights", text(&golden.mask2former)];
    let annotated = ["--annotate", text(&folder)];
    let all = [&arguments[..], &annotated, &["--detector", "mask2former", "--min-score", "0"]].concat();
    let output = imgeval(&all);
    check_exit(&output, 0);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["width"], &line["height"]), (&526.into(), &526.into()));
    assert_eq!((&line["resized"], &line["padded"]), (&[800, 800].into(), &[800, 800].into()));
    assert_eq!((&line["comparable"], &line["note"]), (&false.into(), &"not comparable".into()));
    let detections = line["detections"].as_array().unwrap();
    assert_eq!(detections.len(), 100);
    assert!(detections.iter().all(|one| one["mask_area"].is_u64() && one["color"].is_null()));
    assert!(folder.join("0000.annotated.png").metadata().unwrap().len() > 1000);

    // With a color model the objects that could decide have ten scores and a name.
    let named = [&arguments[..], &["--detector", "geneval", "--clip", text(&golden.clip)]].concat();
    let output = imgeval(&named);
    check_exit(&output, 0);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let detections = line["detections"].as_array().unwrap();
    let n_named = detections.iter().filter(|one| one["color"].is_string()).count();
    assert!(n_named == 16 && detections.len() > 16, "the best sixteen of a class, not {n_named}");
    assert_eq!(detections[0]["color_scores"].as_array().unwrap().len(), 10);
}

#[test]
fn killed_anywhere_the_official_pair_ends_at_the_same_table() {
    let Some(golden) = golden() else { return };
    let folder = test_folder("networks-kill");
    let images = colored_images(&golden, &folder);
    let straight = folder.join("straight");
    let observe = |run: &Path| -> Vec<String> {
        let arguments = ["observe", text(run), "--color-objects", "2"];
        [&arguments[..], &observer(&golden)].concat().into_iter().map(str::to_owned).collect()
    };
    let began = Instant::now();
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&straight)]), 0);
    check_exit(&imgeval(&borrowed(&observe(&straight))), 0);
    let whole = began.elapsed();
    let expected = table(&straight);
    let verdicts: Value = serde_json::from_str(&expected).unwrap();
    assert_eq!(verdicts["note"], "not comparable", "random weights are not official");
    let reasons: Vec<&str> = verdicts["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|verdict| verdict["reasons"][0].as_str())
        .collect();
    assert!(reasons.iter().any(|reason| reason.contains("; and 1 ")), "no colour was looked at: {reasons:?}");

    let broken = folder.join("broken");
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&broken)]), 0);
    let observe = observe(&broken);
    let observe = borrowed(&observe);
    for moment in moments(whole).take(6) {
        let mut child = command(&observe).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    check_exit(&imgeval(&observe), 0);
    assert_eq!(table(&broken), expected);

    // Colors alone, from stored masks.
    let again = imgeval(&[&observe[..], &["--recompute-colors"]].concat());
    check_exit(&again, 0);
    assert!(stderr(&again).contains("observe: 0 images evaluated"), "{}", stderr(&again));
    assert!(stderr(&again).contains("colors named in"), "{}", stderr(&again));
    assert_eq!(table(&broken), expected);
}

#[test]
fn embeddings_are_those_of_the_reference() {
    let Some(golden) = golden() else { return };
    let expected = fs::read_to_string(golden.clip.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let image = golden.images.join("00394/samples/0000.png");
    let mut arguments = vec!["embed", "--clip", text(&golden.clip), "--json", "--image", text(&image)];
    let texts = expected["texts"].as_array().unwrap();
    for one in texts {
        arguments.extend(["--text", one["text"].as_str().unwrap()]);
    }
    let output = imgeval(&arguments);
    check_exit(&output, 0);
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1 + texts.len());
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let check = |found: &Value, expected: &Value| {
        let (found, expected) = (numbers(found), numbers(expected));
        let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= 2e-4 * largest, "{found} {expected}");
        }
    };
    check(&lines[0]["embedding"], &expected["images"][0]["embed"]);
    for (line, one) in lines[1..].iter().zip(texts) {
        check(&line["embedding"], &one["embed"]);
        // The reference pads with zeros behind the end of text.
        let ids = line["ids"].as_array().unwrap();
        let reference = one["ids"].as_array().unwrap();
        assert_eq!(ids[..], reference[..ids.len()], "{line}");
        assert!(reference[ids.len()..].iter().all(|id| *id == 0), "{line}");
    }
    let output = imgeval(&["embed", "--clip", text(&golden.clip), "--text", "a\tcow"]);
    check_exit(&output, 0);
    assert!(stdout(&output).starts_with("\"a\\tcow\": 16 numbers, norm "), "{}", stdout(&output));
}

fn check_refused(arguments: &[&str], reason: &str) {
    let output = imgeval(arguments);
    check_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains(reason) && said.contains("hint: "), "{said}");
}

#[test]
fn a_detector_refuses_weights_of_the_other_family() {
    let folder = test_folder("networks-family");
    let image = folder.join("00003.png");
    write_picture(&image, 1);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-vision/tests/fixtures/mask2former");
    let pth = fixtures.join("model_mmdet2.pth");
    let detect = ["detect", text(&image), "--models-dir", text(&folder)];
    // The detector is refused before anything asks what this would be.
    let families = [("hf-mask2former", &pth, "mmdetection"), ("geneval", &fixtures, "transformers")];
    for (name, weights, family) in families {
        let options = ["--detector", name, "--weights", text(weights), "--clip", text(&folder)];
        let reason = format!("contains weights of {family}, not of `{name}`");
        check_refused(&[&detect[..], &options].concat(), &reason);
        let either = ["--detector", "mask2former", "--weights", text(weights)];
        check_exit(&imgeval(&[&detect[..], &either].concat()), 0);
    }
}

#[test]
fn a_folder_without_weights_is_named_as_such() {
    let folder = test_folder("networks-no-weights");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-vision/tests/fixtures/mask2former");
    let models_dir = folder.join("models");
    let detect = ["detect", text(&folder), "--models-dir", text(&models_dir), "--detector", "mask2former"];
    for options in [
        ["--weights", text(&folder), "--clip", text(&folder)],
        ["--weights", text(&fixtures), "--clip", text(&folder)],
    ] {
        let output = imgeval(&[&detect[..], &options].concat());
        check_exit(&output, 2);
        let said = stderr(&output);
        assert!(said.contains("model.safetensors") && !said.contains("free disk space"), "{said}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused_in_a_sentence() {
    let folder = test_folder("networks-refused");
    let image = folder.join("00003.png");
    write_picture(&image, 1);
    let no_weights = folder.join("text.pth");
    fs::write(&no_weights, "no weights").unwrap();
    let detect = ["detect", text(&image), "--weights", text(&no_weights), "--detector"];
    check_refused(&[&detect[..], &["preview", "--clip", "somewhere"]].concat(), "without CLIP");
    check_refused(&[&detect[..], &["preview", "--dtype", "f16"]].concat(), "on the CPU with f32");
    check_refused(&[&detect[..], &["mask2former", "--dtype", "bf16"]].concat(), "f32");
    check_refused(&[&detect[..], &["mask2former"]].concat(), "text.pth");
    check_refused(&["observe", text(&folder), "--detector", "mask2former"], "names no colors");
    check_refused(&["embed", "--clip", text(&no_weights), "--text", "a cow"], "text.pth");
    let output = imgeval(&["embed", "--clip", text(&no_weights)]);
    check_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("--image <FILE>|--text <TEXT>"), "{said}");
}
