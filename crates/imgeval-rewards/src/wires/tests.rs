//! Requests that the clients of all frameworks made, against what their servers answered. The golden files are not part of the repository.

use std::{fs, path::PathBuf};

use imgeval_core::ContentHash;
use imgeval_suites::geneval::{VerdictOptions, compute_reward, parse_any_detections_line};
use serde_json::json;

use super::*;
use crate::pickle::{self, Value};

const SCORES: [&str; 3] = ["clip", "hpsv2", "image_reward"];

pub(super) fn context(semantics: Semantics) -> Context<'static> {
    Context {
        semantics,
        content_type: "",
        gives_geneval: true,
        scores: &[],
        main_score: None,
        judges_edits: true,
    }
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/wires/rewards").join(name)
}

fn read_json(name: &str) -> Option<Json> {
    Some(serde_json::from_str(&fs::read_to_string(golden(name)).ok()?).unwrap())
}

/// Path, status and body of a captured message.
fn message(name: &str) -> (String, Vec<u8>) {
    let bytes = fs::read(golden(name)).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let line = String::from_utf8_lossy(&bytes[..end]).lines().next().unwrap().to_owned();
    (line.split(' ').nth(1).unwrap().to_owned(), bytes[end + 4..].to_vec())
}

/// The detections from which the captured servers answered.
struct Table(Vec<Json>);

impl Table {
    fn measure(&self, question: &Question) -> Result<Measured, String> {
        let What::GenEval { metadata, semantics } = &question.what else {
            return Err("no GenEval".to_owned());
        };
        let hash = match &question.picture {
            Picture::Encoded(bytes) => ContentHash::of(bytes),
            Picture::Pixels(pixels) => ContentHash::of(pixels.rgb()),
        };
        let names = ["pixels_sha256", "jpeg75_sha256", "jpeg95_sha256"];
        let row = self.0.iter().find(|row| names.iter().any(|name| row[name] == hash.as_str()));
        let objects = row.map_or(json!([]), |row| row["detections"].clone());
        let line = json!({"metadata": metadata.to_value(), "width": 48, "height": 32, "objects": objects});
        let line = line.to_string().replace("\"colour\"", "\"color\"");
        let line = parse_any_detections_line(&line, &VerdictOptions::default()).unwrap();
        let reward = compute_reward(metadata, &line.objects, &line.options, *semantics);
        reward.map(|(_, reward)| Measured::GenEval(reward)).map_err(|error| error.to_string())
    }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Float(number) => json!(number),
        Value::Integer(number) => json!(number),
        Value::Text(text) => json!(**text),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Dictionary(entries) => {
            let entry =
                |(key, value): &(Value, Value)| (plain(key).as_str().unwrap().to_owned(), plain(value));
            Json::Object(entries.iter().map(entry).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Equal but for the last digits of numbers.
fn assert_close(found: &Json, expected: &Json, what: &str) {
    match (found, expected) {
        (Json::Object(a), Json::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{what}");
            a.iter().for_each(|(key, value)| assert_close(value, &b[key], &format!("{what}.{key}")));
        }
        (Json::Array(a), Json::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{what}");
            a.iter().zip(b).for_each(|(a, b)| assert_close(a, b, what));
        }
        (Json::Number(a), Json::Number(b)) => {
            assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-12, "{what}: {a} {b}");
        }
        _ => assert_eq!(found, expected, "{what}"),
    }
}

/// Reads a captured request, measures what it asks for, and writes the answer.
fn answer(name: &str, expected: &Json, table: &Table) -> Result<Json, Refusal> {
    let (path, body) = message(name);
    let wire = WIRES.into_iter().find(|wire| wire.path == path).unwrap();
    let scores = SCORES.map(str::to_owned);
    let main_score = (name.contains("ocr") || expected.get("rewards").is_none()).then_some("ocr");
    let main_score =
        main_score.filter(|_| wire.name == "pickle").or((wire.name == "flow-factory").then_some("any"));
    let context = Context { scores: &scores, main_score, ..context(wire.semantics) };
    let batch = (wire.read)(&body, &context)?;
    let mut places = std::collections::HashMap::<String, usize>::new();
    let mut measure = |question: &Result<Question, String>| match question {
        // Made-up numbers of other rewards, in the order of the answer.
        Ok(Question { what: What::Score { name, .. }, .. }) => {
            let place = places.entry(name.clone()).or_default();
            let lists = [&expected["scores"], &expected["scores"][name], &expected["rewards"]];
            let number = lists.iter().find_map(|list| list[*place].as_f64());
            let number = number.or_else(|| expected["results"][*place][name][name].as_f64());
            *place += 1;
            number.map(Measured::Score).ok_or_else(|| "not a number".to_owned())
        }
        Ok(question) => table.measure(question),
        Err(problem) => Err(problem.clone()),
    };
    let measured: Vec<_> = batch.questions.iter().map(&mut measure).collect();
    let reply = (batch.write)(&measured)?;
    Ok(match wire.name {
        "pickle" => plain(&pickle::read(&reply.body).unwrap()),
        _ => serde_json::from_slice(&reply.body).unwrap(),
    })
}

/// Situations whose captured answers show what the original does wrong; what is answered instead.
const OTHERWISE: [(&str, &str); 6] = [
    ("verl-omni/geneval_no_metadata", "derived from the prompt"),
    ("deepgen-rl/geneval_no_metadata", "derived from the prompt"),
    ("deepgen-rl/geneval_metadata_one_level_too_deep", "found one level deeper"),
    ("deepgen-rl/geneval_error_no_tag", "refused with 400"),
    ("unirl/geneval_no_metadata", "derived from the prompt"),
    ("unirl/nan_is_null", "an entry in `errors`"),
];

/// Rewards of other kinds than single images, or ones that nobody has here.
const NOT_GIVEN: [&str; 6] =
    ["editreward", "ocr_nan", "one_good_one_broken_one_slow", "condition_images", "video", "scorer"];

#[test]
fn golden_requests_have_the_answers_of_their_servers() {
    let Some(detections) = read_json("detections.json") else { return };
    let table = Table(detections["rows"].as_array().unwrap().clone());
    let mut n_equal = 0;
    for framework in ["verl-omni", "deepgen-rl", "flow-factory", "unirl"] {
        let expected = read_json(&format!("{framework}/expected.json")).unwrap();
        for situation in expected["situations"].as_array().unwrap() {
            let name = format!("{framework}/{}", situation["name"].as_str().unwrap());
            if NOT_GIVEN.iter().any(|part| name.contains(part)) {
                continue;
            }
            let pairs = situation["requests"]
                .as_array()
                .unwrap()
                .iter()
                .zip(situation["responses"].as_array().unwrap());
            for (request, response) in pairs {
                let is_answer = response["line"].as_str().unwrap().contains(" 200 ");
                if !request["line"].as_str().unwrap().starts_with("POST")
                    || !is_answer
                        && !name.contains("no_tag")
                        && !name.contains("server_4")
                        && !name.contains("unknown")
                {
                    continue;
                }
                let expected = &response["decoded"];
                let found =
                    answer(&format!("{framework}/{}", request["file"].as_str().unwrap()), expected, &table);
                if !is_answer {
                    // A bad image fails alone on this wire.
                    let alone = name.contains("bad_image");
                    assert_eq!(found.is_err(), !alone, "{name}");
                } else if OTHERWISE.iter().any(|(other, _)| *other == name) {
                    assert_ne!(&found.unwrap(), expected, "{name}");
                } else {
                    assert_close(
                        &found.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}")),
                        expected,
                        &name,
                    );
                    n_equal += 1;
                }
            }
        }
    }
    assert!(n_equal >= 25, "{n_equal}");
}

#[test]
fn golden_requests_of_cosmos_rl_are_pulled() {
    let Some(detections) = read_json("detections.json") else { return };
    let table = Table(detections["rows"].as_array().unwrap().clone());
    let situations = read_json("cosmos-rl/expected.json").unwrap();
    let mut n_equal = 0;
    for situation in situations["situations"].as_array().unwrap() {
        let name = situation["name"].as_str().unwrap();
        let (requests, responses) =
            (situation["requests"].as_array().unwrap(), situation["responses"].as_array().unwrap());
        for (pulled, response) in requests.iter().zip(responses) {
            let expected = &response["decoded"];
            if expected.get("scores").is_none() {
                continue;
            }
            let file = format!("cosmos-rl/{}", requests[0]["file"].as_str().unwrap());
            let all = answer(&file, expected, &table).unwrap();
            let all = Reply::json(200, &all);
            let kind = pulled["decoded"]["type"].as_str().unwrap();
            let mut found: Json = serde_json::from_slice(&pull("u", kind, Ok(Some(&all))).body).unwrap();
            for key in ["duration", "decoded_duration"] {
                assert!(found[key].as_str().unwrap().parse::<f64>().unwrap() >= 0.0);
                found[key] = expected[key].clone();
            }
            assert_close(&found, expected, name);
            n_equal += 1;
        }
    }
    assert!(n_equal >= 7, "{n_equal}");
}

/// Their judge was made up; its numbers are those of the answer.
#[test]
fn golden_requests_of_edit_score_are_read() {
    let Some(situations) = read_json("editscore/expected.json") else { return };
    let mut n_equal = 0;
    for situation in situations["situations"].as_array().unwrap() {
        let name = situation["name"].as_str().unwrap();
        let (request, expected) = (&situation["requests"][0], &situation["responses"][0]["decoded"]);
        let (_, body) = message(&format!("editscore/{}", request["file"].as_str().unwrap()));
        let batch = (WIRES[0].read)(&body, &context(Semantics::FlowGrpo)).unwrap();
        if name.starts_with("worker_fails") {
            // A reward of 0 in the original.
            let failed =
                batch.questions.iter().map(|_| Err("the judge failed".to_owned())).collect::<Vec<_>>();
            assert!((batch.write)(&failed).is_err());
            continue;
        }
        let decoded = &request["decoded"];
        for (place, question) in batch.questions.iter().enumerate() {
            let question = question.as_ref().unwrap();
            let What::Edit { sources, .. } = &question.what else { panic!("{name}") };
            let images = sources.iter().zip(decoded["input_images"][place].as_array().unwrap());
            for (picture, image) in images.chain([(&question.picture, &decoded["output_image"][place])]) {
                let Picture::Pixels(pixels) = picture else { panic!("{name}") };
                assert_eq!((pixels.width(), pixels.height()), (48, 32), "{name}");
                if image["pil"]["mode"] == "RGB" {
                    assert_eq!(
                        ContentHash::of(pixels.rgb()).as_str(),
                        image["pil"]["pixels_sha256"],
                        "{name}"
                    );
                }
            }
        }
        let number = |text: &str, line: &str| -> f64 {
            let number = text.lines().find_map(|found| found.strip_prefix(line)).unwrap();
            number.parse().unwrap()
        };
        let is_list = expected.is_array();
        let measured = (0..batch.questions.len()).map(|place| {
            let (row, reasoning) = if is_list {
                (&expected[place]["reward"], &expected[place]["reasoning"])
            } else {
                (&expected["rewards"][place], &expected["reasoning"][place])
            };
            let reasoning = reasoning.as_str().unwrap();
            Ok(Measured::Edit(crate::question::EditScores {
                consistency: number(reasoning, "SC_score: "),
                quality: number(reasoning, "PQ_score: "),
                overall: row.as_f64().unwrap() * 10.0,
                consistency_reasoning: "sc words".to_owned(),
                quality_reasoning: "pq words".to_owned(),
            }))
        });
        let reply = (batch.write)(&measured.collect::<Vec<_>>()).unwrap();
        assert_close(&plain(&pickle::read(&reply.body).unwrap()), expected, name);
        n_equal += 1;
    }
    assert!(n_equal >= 10, "{n_equal}");
}
