//! Studies: from a file to one report, step by step, and from there on only what is new.

use std::{fs, path::Path};

use image::{ImageBuffer, Rgb};
use serde_json::{Value, json};

use super::support::{check_exit, command, imgeval, stderr, stdout, test_folder, text};

/// An image with a texture that differs by seed.
fn write_image(path: &Path, seed: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixel = |x: u32, y: u32| {
        let value = (x / 8).wrapping_mul(37) ^ (y / 8).wrapping_mul(101) ^ seed.wrapping_mul(2_654_435_761);
        Rgb([(value % 251) as u8, (value / 7 % 253) as u8, (value / 31 % 239) as u8])
    };
    ImageBuffer::from_fn(96, 96, pixel).save(path).unwrap();
}

/// Images of two models, and a session of edits.
fn write_places(root: &Path) {
    for (folder, first) in [("images/a", 1), ("images/b", 20)] {
        (0..6).for_each(|place| write_image(&root.join(folder).join(format!("{place}.png")), first + place));
    }
    let session = root.join("session");
    ["source", "r1", "r2"].iter().zip(40..).for_each(|(name, seed)| {
        write_image(&session.join(format!("{name}.png")), seed);
    });
    let listing =
        json!({"source": "source.png", "rounds": ["one", "two"], "models": {"a": ["r1.png", "r2.png"]}});
    fs::write(session.join("session.json"), listing.to_string()).unwrap();
}

const STUDY: &str = r#"
title = "Two <folders>"
folder = "out"
[[models]]
name = "A"
more_images = ["images/a"]
sessions = ["session"]
[[models]]
name = "B"
more_images = ["images/b"]
[diagnose.artefacts]
[diagnose.rounds]
"#;

fn states(document: &Value) -> Vec<(String, String)> {
    let steps = document["steps"].as_array().unwrap();
    let pair =
        |step: &Value| (step["id"].as_str().unwrap().to_owned(), step["state"].as_str().unwrap().to_owned());
    steps.iter().map(pair).collect()
}

fn document(arguments: &[&str], code: i32) -> Value {
    let output = imgeval(arguments);
    check_exit(&output, code);
    serde_json::from_str(&stdout(&output)).unwrap()
}

#[test]
fn one_command_takes_a_study_to_its_report_and_later_only_does_what_is_new() {
    let root = test_folder("study");
    write_places(&root);
    let file = root.join("study.toml");
    fs::write(&file, STUDY).unwrap();
    let study = text(&file);

    let plan = document(&["study", study, "--dry-run", "--json"], 0);
    let to_do: Vec<(String, String)> = ["diagnose/artefacts", "diagnose/rounds", "report"]
        .map(|id| (id.to_owned(), "to do".to_owned()))
        .into();
    assert_eq!(states(&plan), to_do);
    assert!(!root.join("out").exists(), "a plan touches nothing");
    assert_eq!(states(&document(&["study", "status", study, "--json"], 4)), to_do);

    let done = document(&["study", study, "--json"], 0);
    assert!(states(&done).iter().all(|(_, state)| state == "done"), "{done}");
    let page = fs::read_to_string(root.join("out/report/index.html")).unwrap();
    assert!(page.contains("Two &lt;folders&gt;") && !page.contains("Two <folders>"));
    assert!(root.join("out/logs/diagnose--artefacts.txt").exists());

    let again = imgeval(&["study", study]);
    check_exit(&again, 0);
    assert_eq!(stderr(&again).matches("up to date").count(), 3, "{}", stderr(&again));

    write_image(&root.join("images/b/9.png"), 77);
    let changed = imgeval(&["study", study]);
    check_exit(&changed, 0);
    let told = stderr(&changed);
    assert!(told.contains("[1/3] diagnose/artefacts: done"), "{told}");
    assert!(told.contains("[2/3] diagnose/rounds: up to date"), "{told}");
    assert!(told.contains("[3/3] report: done"), "{told}");
}

#[test]
fn what_is_missing_is_listed_and_stops_nothing_else() {
    let root = test_folder("study-missing");
    write_places(&root);
    fs::remove_dir_all(root.join("images/b")).unwrap();
    let file = root.join("study.toml");
    // The second model has no images, the suite no data and no key.
    let more = "\n[[models]]\nname = \"C\"\nmodel = \"openai:gpt-image-2\"\n[[suites]]\nsuite = \"wise-legacy\"\nmodels = [\"C\"]\n";
    fs::write(&file, format!("{STUDY}{more}")).unwrap();
    let study = text(&file);

    let plan = document(&["study", study, "--dry-run", "--json"], 4);
    let missing = plan["steps"].to_string();
    assert!(missing.contains("imgeval suites fetch wise"), "{missing}");
    assert!(missing.contains("images/b` does not exist"), "{missing}");

    let refused = imgeval(&["study", study]);
    check_exit(&refused, 2);
    assert!(stderr(&refused).contains("nothing limits the cost"), "{}", stderr(&refused));

    let done = document(&["study", study, "--yes", "--json"], 4);
    let found = states(&done);
    let state = |id: &str| found.iter().find(|(known, _)| known == id).map(|(_, state)| state.as_str());
    assert_eq!(state("wise-legacy/C"), Some("failed"));
    assert_eq!((state("diagnose/artefacts"), state("report")), (Some("done"), Some("done")));
    let step = &done["steps"][0];
    assert!(step["remark"].as_str().unwrap().contains("is scored by a judge"), "{step}");
    let artefacts = &done["steps"][1]["remark"];
    assert!(artefacts.as_str().unwrap().contains("study-missing/images/b"), "{artefacts}");

    let wrong = imgeval(&["study", study, "--only", "genevil"]);
    check_exit(&wrong, 2);
    assert!(stderr(&wrong).contains("steps are wise-legacy/C"), "{}", stderr(&wrong));
}

#[test]
fn init_writes_studies_that_can_be_planned_and_overwrites_none() {
    let root = test_folder("study-init");
    for (file, more) in [("own.toml", None), ("paper.toml", Some("--like=gpt-imgeval"))] {
        let path = root.join(file);
        let arguments: Vec<&str> = ["init", text(&path)].into_iter().chain(more).collect();
        check_exit(&imgeval(&arguments), 0);
        check_exit(&imgeval(&arguments), 2);
        // Without a key or weights there is always something missing.
        let plan = document(&["study", text(&path), "--dry-run", "--json"], 4);
        assert!(plan["steps"].to_string().contains("OPENAI_API_KEY"), "{plan}");
    }
    let output = command(&["init"]).current_dir(&root).output().unwrap();
    check_exit(&output, 0);
    assert!(root.join("study.toml").exists());
}
