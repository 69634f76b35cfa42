//! Answers as Python writes them, and requests that real clients made with the answers of the original server; the latter are not part of
//! the repository.

use std::{fs, path::PathBuf};

use imgeval_suites::geneval::{Semantics, VerdictOptions, compute_reward, parse_any_detections_line};
use serde_json::json;

use super::*;
use crate::wires::{WIRES, tests::context};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/suites/reward_server").join(name)
}

/// The rewards of objects, listed as in GenEval's detections.
fn measure(question: &Result<Question, String>, objects: &Json) -> Result<Measured, String> {
    let What::GenEval { metadata, semantics } = &question.as_ref().map_err(Clone::clone)?.what else {
        panic!("not GenEval")
    };
    let any = json!({"tag": "colors", "include": [], "prompt": "objects do not depend on it"});
    let line = json!({"metadata": any, "width": 100, "height": 100, "objects": objects});
    let line = parse_any_detections_line(&line.to_string(), &VerdictOptions::default()).unwrap();
    let reward = compute_reward(metadata, &line.objects, &line.options, *semantics).unwrap().1;
    Ok(Measured::GenEval(reward))
}

#[test]
fn golden_requests_have_the_answers_of_the_original_server() {
    let Ok(text) = fs::read_to_string(golden("wire.json")) else { return };
    let entries: Vec<Json> = serde_json::from_str(&text).unwrap();
    let mut n_answered = 0;
    for entry in &entries {
        let name = entry["name"].as_str().unwrap();
        let body = fs::read(golden(&format!("wire/{name}.request"))).unwrap();
        let batch = (WIRES[0].read)(&body, &context(Semantics::FlowGrpo));
        let is_understood = batch.as_ref().is_ok_and(|batch| batch.questions.iter().all(Result::is_ok));
        if entry["status"] == 200 {
            let batch = batch.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
            let objects = entry["objects_per_image"].as_array().unwrap();
            let measured: Vec<_> = batch.questions.iter().zip(objects).map(|(q, o)| measure(q, o)).collect();
            let expected = fs::read(golden(&format!("wire/{name}.response"))).unwrap();
            assert!((batch.write)(&measured).unwrap().body == expected, "{name}");
            n_answered += 1;
        } else if ["error_png", "error_grey_jpeg"].contains(&name) || name == "numpy2_count_int64" {
            // What is wrong is in the images, or is only wrong for the original.
            assert!(is_understood, "{name}");
        } else if entry["method"] == "POST" && entry["path"] == "/" {
            assert!(!is_understood, "{name}");
        }
    }
    assert!(n_answered > 30, "{n_answered}");
}

/// By `scripts/reference/reward_pickles.py`.
#[test]
fn answers_are_those_of_python() {
    let fixtures: Json = serde_json::from_str(include_str!("../../fixtures/pickles.json")).unwrap();
    for fixture in fixtures["answers"].as_array().unwrap() {
        let tagged = |tag: &Json| Tagged { tag: tag.as_str().unwrap().to_owned(), asks_nothing: false };
        let tags: Vec<Tagged> = fixture["tags"].as_array().unwrap().iter().map(tagged).collect();
        let reward = |row: &Json| {
            let number = |place: usize| row[place].as_f64().unwrap();
            Ok(Measured::GenEval(Reward { score: number(0), reward: number(1), strict_reward: number(2) }))
        };
        let measured: Vec<_> = fixture["rewards"].as_array().unwrap().iter().map(reward).collect();
        let reply = write_answer(&measured, &tags, fixture["only_strict"] == true).unwrap();
        let sha256 = imgeval_core::ContentHash::of(&reply.body);
        assert_eq!(sha256.as_str(), fixture["sha256"], "{}", fixture["name"]);
    }
}
