//! Studies from text to steps.

use std::{fs, path::Path};

use super::*;

const SMALL: &str = r#"
title = "Two"
folder = "out"
samples = 2
[[models]]
name = "A b"
model = "openai:x"
options = { size = "512x512", image_seed = 3, any_model = true }
[[models]]
name = "C"
images = { geneval = "c" }
runs = { wise-legacy = "runs/c" }
more_images = ["more"]
[[suites]]
suite = "geneval"
samples = 1
[[suites]]
suite = "wise-legacy"
judges = ["openai:y"]
[diagnose.artefacts]
reference = "photos"
[diagnose.forensics]
real = ["Photos=photos"]
[diagnose.architecture]
classes = { a = "a", "b/x" = "b" }
"#;

fn study(text: &str) -> Result<Study, StudyError> {
    Study::parse(Path::new("base/study.toml"), text)
}

fn ids(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn a_plan_holds_every_step_in_order() {
    let steps = plan(&study(SMALL).unwrap());
    assert_eq!(
        ids(&steps),
        [
            "geneval/A-b",
            "geneval/C",
            "wise-legacy/A-b",
            "diagnose/artefacts",
            "diagnose/architecture-training",
            "diagnose/architecture-A-b",
            "diagnose/architecture-C",
            "diagnose/forensics",
            "report"
        ]
    );
    let Task::Suite { images: Images::Generated { model, options }, samples: Some(1), run, .. } =
        &steps[0].task
    else {
        panic!("{:?}", steps[0])
    };
    assert_eq!((model.as_str(), options.len()), ("openai:x", 3));
    assert_eq!(run, Path::new("base/out/runs/geneval--A-b"));
    // The suite's own number wins over the study's.
    assert!(matches!(&steps[2].task, Task::Suite { samples: Some(2), .. }));
    let Task::Artefacts { places, .. } = &steps[3].task else { panic!("{:?}", steps[3]) };
    let places: Vec<(&str, &str)> = places.iter().map(|at| (at.name.as_str(), at.place.as_str())).collect();
    assert_eq!(
        places,
        [
            ("A b", "base/out/runs/geneval--A-b"),
            ("A b", "base/out/runs/wise-legacy--A-b"),
            ("C", "base/out/runs/geneval--C"),
            ("C", "base/runs/c"),
            ("C", "base/more")
        ]
    );
    let Task::Report { runs, diagnoses, .. } = &steps[8].task else { panic!("{:?}", steps[8]) };
    assert_eq!((runs.len(), diagnoses.len()), (4, 5));
}

#[test]
fn studies_that_make_no_sense_are_refused_with_the_reason() {
    let model = "[[models]]\nname = \"A\"\nmodel = \"openai:x\"\n";
    let suite = "[[suites]]\nsuite = \"geneval\"\n";
    for (text, part) in [
        (String::new(), "names no model"),
        (model.to_owned(), "asks for nothing"),
        (format!("{model}{model}{suite}"), "two models are called"),
        (format!("{model}{suite}{suite}"), "listed twice"),
        (format!("{model}[[suites]]\nsuite = \"genevil\"\n"), "unknown suite `genevil`"),
        (format!("{model}{suite}models = [\"B\"]\n"), "unknown model `B`"),
        (format!("[[models]]\nname = \"A\"\n{suite}"), "needs `model`"),
        (format!("[[models]]\nname = \"../..\"\nmodel = \"openai:x\"\n{suite}"), "cannot name a model"),
        (format!("{model}options = {{ sice = \"x\" }}\n{suite}"), "unknown option `sice`"),
        (format!("max_cost = -1.0\n{model}{suite}"), "max_cost"),
        (format!("{model}{suite}[diagnose.architecture]\nclasses = {{ a = \"a\" }}\n"), "at least two"),
        (format!("{model}{suite}[extra]\n"), "unknown field"),
        ("[[models]".to_owned(), "study"),
    ] {
        let error = study(&text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn templates_are_studies_with_and_without_their_examples() {
    study(TEMPLATE).unwrap();
    let whole = study(&TEMPLATE.replace("#: ", "")).unwrap();
    assert!(whole.suites.len() >= 5 && whole.models.len() == 3 && whole.diagnose.forensics.is_some());
    let paper = study(PAPER).unwrap();
    let steps = plan(&paper);
    for id in [
        "geneval/Gemini",
        "reason-edit/gpt-image-2",
        "wise-legacy/Gemini",
        "diagnose/forensics",
        "diagnose/rounds",
        "report",
    ] {
        assert!(ids(&steps).contains(&id), "{id}: {:?}", ids(&steps));
    }
}

#[test]
fn a_step_is_up_to_date_until_its_task_or_its_files_change() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("1.png"), "1").unwrap();
    let read = |text: &str| plan(&Study::parse(&folder.path().join("study.toml"), text).unwrap());
    let text =
        "folder = \"out\"\n[[models]]\nname = \"A\"\nmore_images = [\"photos\"]\n[diagnose.artefacts]\n";
    let (first, out) = (&read(text)[0], folder.path().join("out"));

    let mut ledger = Ledger::open(&out).unwrap();
    assert_eq!(ledger.state_of(first), StepState::New);
    assert!(matches!(Ledger::open(&out), Err(StudyError::Busy { .. })));
    ledger.record(first, Outcome::Failed, &"x".repeat(2000), 1.5).unwrap();
    assert_eq!(ledger.state_of(first), StepState::Unfinished(Outcome::Failed));
    assert_eq!(ledger.record_of(first).unwrap().message.len(), 600);
    ledger.record(first, Outcome::Done, "", 1.5).unwrap();
    drop(ledger);

    let ledger = Ledger::read(&out).unwrap().unwrap();
    assert_eq!(ledger.state_of(first), StepState::UpToDate);
    let other = &read(&format!("{text}reference = \"photos\"\n"))[0];
    assert_eq!(ledger.state_of(other), StepState::Changed);
    fs::write(photos.join("2.png"), "2").unwrap();
    assert_eq!(ledger.state_of(first), StepState::Changed);

    fs::write(out.join("steps.json"), "{").unwrap();
    assert!(Ledger::read(&out).unwrap_err().to_string().contains("steps.json"));
    assert!(Ledger::read(&folder.path().join("none")).unwrap().is_none());
}
