//! Reference: `scripts/reference/clip_tokenizer.py` (open_clip's tokenizer with ftfy). Every id must be equal.

use std::{fs, path::Path};

use imgeval_vision::clip::tokenizer::Tokenizer;
use proptest::prelude::*;
use serde_json::Value;

fn check(tokenizer: &Tokenizer, case: &Value) {
    let text = case["text"].as_str().unwrap();
    check_ids(&tokenizer.encode(text), &case["ids"], text);
}

fn check_ids(found: &[u32], expected: &Value, text: &str) {
    let mut expected: Vec<u32> =
        expected.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
    expected.resize(77, 0);
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn unrepaired_ids_are_those_of_transformers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clip_tokenizer.json");
    let fixture: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let tokenizer = Tokenizer::new();
    for case in fixture["texts"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let expected = if case["hub_ids"].is_null() { &case["ids"] } else { &case["hub_ids"] };
        check_ids(&tokenizer.encode_unrepaired(text), expected, text);
    }
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

#[test]
fn any_text_gets_77_ids_with_both_marks() {
    let tokenizer = Tokenizer::new();
    let pieces = prop_oneof!["\\PC{0,8}", "&#?[0-9A-Za-z]{0,6};?", "[\\x00-\\x20<&;]{0,3}", any::<String>()];
    let texts = prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let check = |text: String| {
        let ids = tokenizer.encode(&text);
        prop_assert_eq!((ids.len(), ids[0]), (77, 49_406));
        let end = ids.iter().rposition(|id| *id == 49_407);
        prop_assert!(end.is_some_and(|end| ids[end + 1..].iter().all(|id| *id == 0)));
        Ok(())
    };
    runner.run(&texts, check).unwrap();
}
