//! `imgeval diagnose`: what people see, and what happens to strange input. What the numbers mean is tested in the crate.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use image::{ImageBuffer, Rgb};
use serde_json::Value;

use super::{
    networks::golden,
    support::{check_exit, command, imgeval, stderr, stdout, test_folder, text, write_official},
};

/// Noise that is smooth, with or without a lattice of 8 pixels.
pub(super) fn write_class(folder: &Path, has_lattice: bool, count: u32) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let pixel = |x: u32, y: u32| {
            let value = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ number.wrapping_mul(97_531);
            let grain = (value.wrapping_mul(2_246_822_519) >> 27) as u8;
            let wave =
                60.0 * (f64::from(x + 7 * number) / 17.0).sin() * (f64::from(y * (number + 3)) / 90.0).cos();
            let lattice = if has_lattice && (x.is_multiple_of(8) || y.is_multiple_of(8)) { 14 } else { 0 };
            Rgb([(120.0 + wave) as u8 + grain + lattice; 3])
        };
        let picture = ImageBuffer::<Rgb<u8>, Vec<u8>>::from_fn(64, 64, pixel);
        picture.save(folder.join(format!("{number}.png"))).unwrap();
    }
    let line = |number: u32| format!("{{\"file\": \"{number}.png\", \"group\": \"{number}\"}}\n");
    fs::write(folder.join("groups.jsonl"), (0..count).map(line).collect::<String>()).unwrap();
}

#[test]
fn a_probe_is_trained_and_asked() {
    let folder = test_folder("diagnose");
    let (plain, lattice) = (folder.join("plain"), folder.join("lattice"));
    write_class(&plain, false, 40);
    write_class(&lattice, true, 40);
    let (probe, report) = (folder.join("probe.safetensors"), folder.join("report"));
    let classes = [format!("plain={}", text(&plain)), format!("lattice={}", text(&lattice))];
    let train = ["diagnose", "architecture", "train", "--class", &classes[0], "--class", &classes[1]];
    let with_out = [&train[..], &["--out", text(&probe), "--report", text(&report)]].concat();
    let output = imgeval(&with_out);
    check_exit(&output, 0);
    let shown = stdout(&output);
    for part in ["Confounders", "shuffled labels, 10 trainings", "not done: no --control-decoder", "at most"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json: Value = serde_json::from_slice(&fs::read(report.join("report.json")).unwrap()).unwrap();
    let auc = &json["card"]["evaluation"]["separation"]["auc"];
    assert!(auc["value"].as_f64().unwrap() > 0.95 && auc["low"].as_f64().unwrap() > 0.7, "{auc}");
    assert_eq!(json["claim"], "generators");
    assert!(fs::read_to_string(report.join("summary.md")).unwrap().contains("well separated"));

    let figures: Vec<_> =
        fs::read_dir(report.join("figures")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let svgs =
        figures.iter().filter(|path| path.extension().is_some_and(|extension| extension == "svg")).count();
    // Two histograms, three robustness curves, likeness and spectra; each as PDF and PNG too.
    assert_eq!((svgs, figures.len()), (7, 21), "{figures:?}");

    // A file that is no image is named and counted, and the rest is answered.
    fs::write(lattice.join("note.png"), "not a picture").unwrap();
    let output = imgeval(&["diagnose", "architecture", "apply", text(&probe), text(&lattice), "--json"]);
    check_exit(&output, 4);
    assert!(stderr(&output).contains("note.png`: unsupported-format: looks like plain text"));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(answer["summary"]["shares"][1]["value"].as_f64().unwrap() > 0.9, "{}", answer["summary"]);
    assert_eq!(answer["images"].as_array().unwrap().len(), 40);
    assert_eq!(answer["unused"][0]["reason"], "unsupported-format");
    assert_eq!(answer["evidence"].as_array().unwrap().len(), 3);

    // Half a probe is none.
    let bytes = fs::read(&probe).unwrap();
    fs::write(&probe, &bytes[..bytes.len() / 2]).unwrap();
    let output = imgeval(&["diagnose", "architecture", "apply", text(&probe), text(&lattice)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("is not a probe, or it is damaged"), "{}", stderr(&output));
}

/// A small network learns to the same bytes however often, and leaves nothing beside its probe.
#[test]
fn networks_are_trained_to_the_same_bytes() {
    let folder = test_folder("diagnose-networks");
    let (plain, lattice) = (folder.join("plain"), folder.join("lattice"));
    write_class(&plain, false, 20);
    write_class(&lattice, true, 20);
    let classes = [format!("plain={}", text(&plain)), format!("lattice={}", text(&lattice))];
    let train = |out: &Path| {
        let class = ["diagnose", "architecture", "train", "--class", &classes[0], "--class", &classes[1]];
        let network = ["--probe", "residual", "--epochs", "2", "--out", text(out)];
        let output = imgeval(&[&class[..], &network].concat());
        check_exit(&output, 0);
        assert!(stderr(&output).contains("epoch 2: training loss"), "{}", stderr(&output));
        fs::read(out).unwrap()
    };
    let (first, second) = (folder.join("first"), folder.join("second"));
    assert_eq!(train(&first), train(&second));
    assert!(!folder.join("first.training").exists());
    check_exit(&imgeval(&["diagnose", "architecture", "apply", text(&first), text(&plain)]), 0);
}

/// Every file below a folder with the time of its last change.
fn files_with_times(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_with_times(&path)),
            false => _ = files.insert(path.clone(), path.metadata().unwrap().modified().unwrap()),
        }
    }
    files
}

/// With the tiny random CLIP of `../shared/golden`; says nothing where that folder is absent.
#[test]
fn embeddings_are_computed_once_and_belong_to_their_weights() {
    let Some(golden) = golden() else { return };
    let folder = test_folder("diagnose-clip");
    let (plain, lattice, kept) = (folder.join("plain"), folder.join("lattice"), folder.join("kept"));
    write_class(&plain, false, 20);
    write_class(&lattice, true, 20);
    let probe = folder.join("probe");
    let classes = [format!("plain={}", text(&plain)), format!("lattice={}", text(&lattice))];
    let clip = ["--clip", text(&golden.clip), "--embeddings-dir", text(&kept), "--models-dir", text(&folder)];
    let class = ["diagnose", "architecture", "train", "--class", &classes[0], "--class", &classes[1]];
    let train = [&class[..], &["--probe", "clip-linear", "--out", text(&probe)], &clip].concat();
    check_exit(&imgeval(&train), 0);
    let bytes = fs::read(&probe).unwrap();
    let embeddings = files_with_times(&kept);
    assert_eq!(embeddings.len(), 40);
    check_exit(&imgeval(&train), 0);
    assert_eq!(files_with_times(&kept), embeddings, "nothing is embedded again");
    assert_eq!(fs::read(&probe).unwrap(), bytes);
    let apply = ["diagnose", "architecture", "apply", text(&probe), text(&plain)];
    check_exit(&imgeval(&[&apply[..], &clip].concat()), 0);

    // The same network with other weights under the same name is another CLIP.
    let other = folder.join("clip");
    fs::create_dir_all(&other).unwrap();
    for entry in fs::read_dir(&golden.clip).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            // Not copied with its permissions: it may be read-only.
            fs::write(other.join(path.file_name().unwrap()), fs::read(&path).unwrap()).unwrap();
        }
    }
    let weights = other.join("model.safetensors");
    let mut changed = fs::read(&weights).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&weights, changed).unwrap();
    let output = imgeval(&[&apply[..], &["--clip", text(&other), "--models-dir", text(&folder)]].concat());
    check_exit(&output, 2);
    assert!(stderr(&output).contains("embeddings of another CLIP"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_learnt_from_is_told() {
    let folder = test_folder("diagnose-refused");
    let (few, empty, run) = (folder.join("few"), folder.join("empty"), folder.join("run"));
    write_class(&few, false, 4);
    fs::create_dir_all(&empty).unwrap();
    let out = folder.join("probe");
    let train = |classes: &[&str]| {
        let mut arguments = vec!["diagnose", "architecture", "train", "--out", text(&out)];
        classes.iter().for_each(|class| arguments.extend(["--class", class]));
        imgeval(&arguments)
    };
    let check = |classes: &[&str], exit: i32, says: &str| {
        let output = train(classes);
        check_exit(&output, exit);
        assert!(stderr(&output).contains(says), "{says}: {}", stderr(&output));
        assert!(!out.exists());
    };
    let few_class = |name: &str| format!("{name}={}", text(&few));
    check(&[&few_class("a")], 2, "only one class is given: `a`");
    check(&["a"], 2, "`a` is not of the form NAME=PLACE");
    check(&[&few_class("a"), &few_class("b")], 2, "class `a` has 4 groups of images but needs at least 10");
    check(&[&few_class("a"), &format!("b={}", text(&empty))], 5, "contains no image");
    check(&[&few_class("a"), &format!("b={}", text(&folder.join("absent")))], 2, "is not a folder");

    // A run without an image.
    let images = folder.join("images");
    write_official(&images, 0, 0);
    fs::write(images.join("00000/samples/0000.png"), "no picture").unwrap();
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&run)]), 4);
    check(&[&few_class("a"), &format!("b={}", text(&run))], 5, "contains no image");
}

#[test]
fn traces_of_a_place_stand_beside_the_reference() {
    let folder = test_folder("diagnose-artefacts");
    let (plain, lattice, report) = (folder.join("plain"), folder.join("lattice"), folder.join("report"));
    write_class(&plain, false, 12);
    write_class(&lattice, true, 12);
    fs::write(lattice.join("note.png"), "not a picture").unwrap();
    let named = format!("made={}", text(&lattice));
    let arguments = ["diagnose", "artefacts", &named, "--reference", text(&plain), "--report", text(&report)];
    let output = command(&arguments).env("IMGEVAL_COLUMNS", "80").output().unwrap();
    check_exit(&output, 4);
    assert!(stderr(&output).contains("note.png`: unsupported-format"), "{}", stderr(&output));
    let shown = stdout(&output);
    for part in ["made: 12 images, 1 unreadable; reference: 12 images", "period 8", "chance"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // What is due to files comes before any number.
    assert!(shown.find("8-pixel grid, lossless") < shown.find("Azimuthal spectrum"), "{shown}");
    let widest = shown.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}: {shown}");

    let written = fs::read_to_string(report.join("report.json")).unwrap();
    super::schemas::check_stamped(&written);
    let json: Value = serde_json::from_str(&written).unwrap();
    let place = &json["places"][0];
    assert_eq!((place["name"].as_str(), place["n_images"].as_u64()), (Some("made"), Some(12)));
    assert_eq!(place["unused_counts"][0]["count"], 1);
    let number = |key: &str| {
        place["numbers"].as_array().unwrap().iter().find(|row| row["number"] == key).unwrap().clone()
    };
    assert!(number("lattice_8")["difference"]["low"].as_f64().unwrap() > 0.0, "{}", number("lattice_8"));
    // 64 pixels are too few for a checkerboard: counted, no zero.
    assert!(number("p8")["place"].is_null());
    assert_eq!(number("p8")["not_measurable"][0]["count"], 12);
    assert!(fs::read_to_string(report.join("summary.md")).unwrap().contains("Residual fingerprint"));
    let figures = fs::read_dir(report.join("figures")).unwrap().count();
    // Spectra, a fingerprint each, and their correlations; each as SVG, PDF and PNG.
    assert_eq!(figures, 12);
}

#[test]
fn traces_without_a_reference_stand_alone() {
    let folder = test_folder("diagnose-artefacts-alone");
    let (plain, bad) = (folder.join("plain"), folder.join("bad"));
    write_class(&plain, false, 3);
    let output = imgeval(&["diagnose", "artefacts", text(&plain), "--json"]);
    check_exit(&output, 0);
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(json["reference"].is_null());
    let place = &json["places"][0];
    assert_eq!(place["name"], "plain");
    let codes: Vec<&str> =
        place["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["too-few-images", "no-reference"]);
    assert!(place["numbers"].as_array().unwrap().iter().all(|row| row["difference"].is_null()));

    fs::create_dir_all(&bad).unwrap();
    fs::write(bad.join("a.png"), "not a picture").unwrap();
    let output = imgeval(&["diagnose", "artefacts", text(&bad)]);
    check_exit(&output, 5);
    assert!(stderr(&output).contains("no image of `bad` can be read"), "{}", stderr(&output));
    check_exit(&imgeval(&["diagnose", "artefacts", text(&folder.join("absent"))]), 2);
}
