//! Reference: `scripts/reference/clip_tokenizer.py` (open_clip's tokenizer with ftfy). Every id must be equal.

use std::{fs, path::Path};

use imgeval_vision::clip::tokenizer::Tokenizer;
use serde_json::Value;

fn check(tokenizer: &Tokenizer, case: &Value) {
    let text = case["text"].as_str().unwrap();
    let mut expected: Vec<u64> =
        case["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    expected.resize(77, 0);
    let found: Vec<u64> = tokenizer.encode(text).into_iter().map(u64::from).collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn ids_are_those_of_open_clip() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clip_tokenizer.json");
    let fixture: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let tokenizer = Tokenizer::new();
    for case in fixture["texts"].as_array().unwrap() {
        check(&tokenizer, case);
    }
}

/// Ids from open_clip 2.20, where the folder of shared data is at hand.
#[test]
fn ids_are_those_of_the_official_evaluators_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/clip/expected.json");
    let Ok(bytes) = fs::read(path) else { return };
    let golden: Value = serde_json::from_slice(&bytes).unwrap();
    let tokenizer = Tokenizer::new();
    for case in golden["texts"].as_array().unwrap() {
        check(&tokenizer, case);
    }
}
