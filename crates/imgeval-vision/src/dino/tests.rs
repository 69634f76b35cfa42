//! Against timm: `tests/fixtures/dino`, made by `scripts/reference/round_features.py`. The published tensors' formula and the golden
//! networks are compared in `round_features`.

use std::path::{Path, PathBuf};

use imgeval_core::Pixels;
use imgeval_metrics::consistency::{SelfSimilarity, Tokens, cosine};
use serde_json::Value;

use super::Dino;
use crate::{ModelError, compute::ComputeOptions, random_weights::ramp_picture};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dino").join(name)
}

fn answers() -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture("expected.json")).unwrap()).unwrap()
}

/// The fixture's weights in a folder of their own, with what stands beside them.
fn load(name: &str, beside: Option<&str>) -> Result<Dino, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::copy(fixture(name), &path).unwrap();
    if let Some(beside) = beside {
        std::fs::write(path.with_extension("json"), beside).unwrap();
    }
    Dino::load(&path, &ComputeOptions::default())
}

fn assert_near(found: &[f32], expected: &Value, what: &str) {
    let expected: Vec<f64> =
        expected.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!(
            (f64::from(*found) - expected).abs() < 2e-4 * largest,
            "{what}: {found} instead of {expected}"
        );
    }
}

#[test]
fn features_are_timms_in_all_three_forms() {
    let answers = answers();
    for name in ["tiny.safetensors", "tiny.pth", "tiny_plain.pth"] {
        let dino = load(name, Some(r#"{"num_attention_heads": 2}"#)).unwrap();
        dino.canary().unwrap();
        let mut first = None;
        for answer in answers["pictures"].as_array().unwrap() {
            let number = |value: &Value| value.as_u64().unwrap();
            let size = [0, 1].map(|axis| number(&answer["size"][axis]) as u32);
            let picture = ramp_picture(number(&answer["seed"]), size[0], size[1]);
            let check_sum = |square: &Pixels, sum: &str| {
                let prepared: Vec<f32> =
                    dino.prepare(square).unwrap().flatten_all().unwrap().to_vec1().unwrap();
                let total: f64 = prepared.iter().copied().map(f64::from).sum();
                let expected = answer[sum].as_f64().unwrap();
                assert!((total - expected).abs() < 1e-3 * expected.abs().max(1.0), "{total} and {expected}");
            };
            check_sum(&dino.middle(&picture).unwrap(), "middle_sum");
            check_sum(&dino.squashed(&picture).unwrap(), "whole_sum");
            let class_token = dino.class_tokens(std::slice::from_ref(&picture)).unwrap().concat();
            assert_near(&class_token, &answer["class_token"], name);
            let tokens = dino.tokens(&picture).unwrap();
            assert_near(&tokens.tokens[49 * 6..], &answer["last_token"], name);
            assert_near(&tokens.keys[49 * 6..], &answer["last_key"], name);
            let similarity = SelfSimilarity::of(&Tokens::new(&tokens.keys, tokens.width).unwrap()).unwrap();
            let near = |found: f64, what: &str| {
                let expected = answer[what].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-4, "{what}: {found} instead of {expected}");
            };
            near(similarity.mean(), "mean_similarity");
            let (first_token, first_similarity) =
                first.get_or_insert((class_token.clone(), similarity.clone()));
            near(cosine(&class_token, first_token).unwrap(), "cosine");
            near(similarity.distance(first_similarity).unwrap(), "structure");
        }
    }
}

#[test]
fn weights_of_other_networks_and_impossible_heads_are_refused() {
    let refused = |beside: Option<&str>| load("tiny.pth", beside).err().unwrap().to_string();
    assert!(refused(None).contains("attention heads: 0 do not divide 6 channels"), "{}", refused(None));
    let odd = refused(Some(r#"{"num_attention_heads": 4}"#));
    assert!(odd.contains("attention heads: 4 do not divide 6 channels"), "{odd}");
    let text = refused(Some(r#"{"num_attention_heads": "2"}"#));
    assert!(text.contains("`num_attention_heads` is \"2\""), "{text}");
    let lpips = fixture("../lpips/trunk.pth");
    let other = Dino::load(&lpips, &ComputeOptions::default()).err().unwrap().to_string();
    assert!(other.contains("does not contain a vision transformer of DINO; "), "{other}");
}
