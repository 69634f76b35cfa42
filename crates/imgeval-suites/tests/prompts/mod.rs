//! GenEval's prompts against NumPy and the official files.

use std::{fs, path::Path};

use imgeval_core::ContentHash;
use imgeval_suites::geneval::{
    Metadata, OFFICIAL_METADATA_SHA256, OFFICIAL_PROMPTS_SHA256, SuiteConfig, generate_cases,
    render_metadata_jsonl, render_prompts_txt,
};
use serde_json::Value;

// Reference: scripts/reference/geneval_prompts.py (NumPy 2.4.6).
const FIXTURE: &str = include_str!("../fixtures/numpy_prompts.json");

fn default_cases() -> Vec<Metadata> {
    generate_cases(&SuiteConfig::default()).unwrap()
}

fn sha256(text: &str) -> String {
    ContentHash::of(text.as_bytes()).as_str().to_owned()
}

/// An official file, where the folder of shared data is at hand.
fn read_official(name: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/geneval");
    folder.is_dir().then(|| fs::read_to_string(folder.join(name)).unwrap())
}

/// Compares line by line first, so that a failure shows the line and not two whole files.
fn check_equal(ours: &str, official: &str) {
    for (number, (ours, official)) in ours.lines().zip(official.lines()).enumerate() {
        assert_eq!(ours, official, "line {}", number + 1);
    }
    assert!(ours == official, "lengths {} and {}", ours.len(), official.len());
}

#[test]
fn suites_match_numpy_for_every_seed_and_size() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let suites = fixture["suites"].as_array().unwrap();
    assert_eq!(suites.len(), 24);
    for suite in suites {
        let per_task = u32::try_from(suite["per_task"].as_u64().unwrap()).unwrap();
        let config = SuiteConfig { seed: suite["seed"].as_u64().unwrap(), per_task };
        let cases = generate_cases(&config).unwrap();
        assert_eq!(cases.len() as u64, suite["cases"].as_u64().unwrap(), "{config:?}");
        assert_eq!(sha256(&render_metadata_jsonl(&cases)), suite["metadata_sha256"], "{config:?}");
        assert_eq!(sha256(&render_prompts_txt(&cases)), suite["prompts_sha256"], "{config:?}");
    }
}

#[test]
fn the_default_suite_has_the_official_hashes() {
    let cases = default_cases();
    assert_eq!(cases.len(), 553);
    assert_eq!(sha256(&render_metadata_jsonl(&cases)), OFFICIAL_METADATA_SHA256);
    assert_eq!(sha256(&render_prompts_txt(&cases)), OFFICIAL_PROMPTS_SHA256);
}

#[test]
fn the_default_suite_is_the_official_files() {
    let cases = default_cases();
    if let Some(official) = read_official("evaluation_metadata.jsonl") {
        check_equal(&render_metadata_jsonl(&cases), &official);
    }
    if let Some(official) = read_official("generation_prompts.txt") {
        check_equal(&render_prompts_txt(&cases), &official);
    }
}

#[test]
fn cases_survive_writing_and_reading() {
    let cases = default_cases();
    let text = render_metadata_jsonl(&cases);
    let parse = |line: &str| Metadata::parse(&serde_json::from_str(line).unwrap()).unwrap();
    assert_eq!(text.lines().map(parse).collect::<Vec<_>>(), cases);
}
