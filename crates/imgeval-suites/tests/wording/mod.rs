//! Wording found by name: stand-ins in the forms of the benchmarks' files against what running them gives.

mod pages;
mod refused;
mod wise;

use std::{collections::BTreeMap, fs, path::PathBuf};

use imgeval_suites::{
    judged::{Field, Template},
    wording::{Compose, WordingFiles, format_with_itself, repr_json},
};
use serde_json::Value;

// Reference: scripts/reference/wording.py (Python 3.11.7).
fn expected() -> Value {
    serde_json::from_str(include_str!("../fixtures/wording/expected.json")).unwrap()
}

fn fixture(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wording");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The stand-in's files, under their own names.
fn files(names: &[&str]) -> WordingFiles {
    let mut files = WordingFiles::default();
    for name in names {
        let text = fixture(name);
        match name.rsplit_once('.').unwrap().1 {
            "py" => files.add_python(name, &text).unwrap(),
            "json" => files.add_json(name, &text).unwrap(),
            _ => files.add_yaml(name, &text).unwrap(),
        }
    }
    files
}

/// The reference's case as a suite would give it.
fn bind(template: &Template) -> String {
    let expected = expected();
    let case = &expected["case"];
    let text = |name: &str| case[name].as_str().unwrap().to_owned();
    let list = |name: &str| -> Vec<&str> {
        case[name].as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
    };
    let values = BTreeMap::from([
        (Field::Prompt, text("prompt")),
        (Field::FormattedPrompt, format_with_itself(&text("formatted")).unwrap()),
        (Field::Instruction, text("instruction")),
        (Field::Explanation, text("explanation")),
        (Field::Question, text("question")),
        (Field::Questions, list("questions").into_iter().map(str::trim).collect::<Vec<_>>().join("\n")),
        (Field::Reference, text("reference")),
        (Field::ScoringPoints, repr_json(&case["points"])),
        (Field::TestPoints, repr_json(&case["testpoint"])),
        (Field::Criteria, repr_json(&case["criteria"])),
        (Field::FirstReply, text("reply")),
    ]);
    template.bind(&values.iter().map(|(field, value)| (*field, value.as_str())).collect()).unwrap()
}

fn compose(compose: &Compose, files: &WordingFiles, facts: &[(&str, &str)]) -> String {
    let template = compose.template(files, &facts.iter().copied().collect());
    bind(&template.unwrap_or_else(|error| panic!("{compose:?}: {error}")))
}
