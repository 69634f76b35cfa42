//! Requests that real clients made, and the answers of the original server. The golden files are not part of the repository.

use std::{fs, path::PathBuf};

use imgeval_suites::geneval::{Semantics, VerdictOptions, compute_reward, parse_any_detections_line};
use serde_json::{Value as Json, json};

use super::*;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/suites/reward_server").join(name)
}

/// The rewards of objects, listed as in GenEval's detections.
fn reward_of(asked: &Asked, objects: &Json) -> Reward {
    let any = json!({"tag": "colors", "include": [], "prompt": "objects do not depend on it"});
    let line = json!({"metadata": any, "width": 100, "height": 100, "objects": objects});
    let line = parse_any_detections_line(&line.to_string(), &VerdictOptions::default()).unwrap();
    compute_reward(&asked.metadata, &line.objects, &line.options, Semantics::FlowGrpo).unwrap().1
}

#[test]
fn golden_requests_have_the_answers_of_the_original_server() {
    let Ok(text) = fs::read_to_string(golden("wire.json")) else { return };
    let entries: Vec<Json> = serde_json::from_str(&text).unwrap();
    let mut n_answered = 0;
    for entry in &entries {
        let name = entry["name"].as_str().unwrap();
        let body = fs::read(golden(&format!("wire/{name}.request"))).unwrap();
        let request = read_request(&body);
        if entry["status"] == 200 {
            let request = request.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let objects = entry["objects_per_image"].as_array().unwrap();
            let rewards: Vec<Reward> =
                request.samples.iter().zip(objects).map(|(a, o)| reward_of(a, o)).collect();
            let expected = fs::read(golden(&format!("wire/{name}.response"))).unwrap();
            assert!(write_answer(&request, &rewards) == expected, "{name}");
            n_answered += 1;
        } else if ["error_png", "error_grey_jpeg"].contains(&name) || name == "numpy2_count_int64" {
            // What is wrong is in the images, or is only wrong for the original.
            assert!(request.is_ok(), "{name}: {request:?}");
        } else if entry["method"] == "POST" && entry["path"] == "/" {
            assert!(request.is_err(), "{name}");
        }
    }
    assert!(n_answered > 30, "{n_answered}");
}
