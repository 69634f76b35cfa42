//! Pickles written by hand, and bodies that must be refused.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use imgeval_core::ContentHash;
use serde_json::{Value as Json, json};

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn plain_values_of_every_protocol_are_read() {
    // pickle.dumps([1, -2, True, None, "é", b"\xff", 0.5], protocol), by CPython 3.11.
    let protocol_0: &[u8] =
        b"(lp0\nI1\naI-2\naI01\naNaV\xe9\np1\nac_codecs\nencode\np2\n(V\xff\np3\nVlatin1\np4\ntp5\nRp6\naF0.5\na.";
    let protocol_4: &[u8] =
        b"\x80\x04\x95 \0\0\0\0\0\0\0]\x94(K\x01J\xfe\xff\xff\xff\x88N\x8c\x02\xc3\xa9\x94C\x01\xff\x94G?\xe0\0\0\0\0\0\0e.";
    let expected = Value::List(vec![
        Value::Integer(1),
        Value::Integer(-2),
        Value::Bool(true),
        Value::None,
        text("é"),
        Value::Bytes((*b"\xff").into()),
        Value::Float(0.5),
    ]);
    assert_eq!(read(protocol_0), Ok(expected.clone()));
    assert_eq!(read(protocol_4), Ok(expected));
}

#[test]
fn what_is_not_data_is_refused_by_its_name() {
    let problem = |body: &[u8]| read(body).unwrap_err().problem;
    assert_eq!(problem(b"cos\nsystem\n(V\necho\ntR."), Problem::Forbidden("os.system".to_owned()));
    assert!(matches!(problem(b"c_codecs\nencode\n(Vx\nVrot13\ntR."), Problem::Forbidden(_)));
    assert_eq!(problem(b"]\x94h\0a."), Problem::TooDeep);
    assert_eq!(problem(b"K\x01"), Problem::Truncated);
    assert_eq!(problem(b""), Problem::Truncated);
    assert_eq!(problem(b"h\x05."), Problem::Memo);
    assert_eq!(problem(b"a."), Problem::Stack);
    assert_eq!(problem(b"\x80\x06N."), Problem::Protocol(6));
    assert_eq!(problem(b"(o."), Problem::Opcode(b'o'));
    assert_eq!(problem(b"}](N\x8cs."), Problem::Truncated);
    assert_eq!(problem(b"}]Ns."), Problem::Key);
    assert_eq!(problem(b"I123456789012345678901\n."), Problem::Number);
    assert_eq!(problem(b"X\xff\xff\xff\xffab."), Problem::Truncated);
}

#[test]
fn a_small_body_cannot_grow() {
    // A list of ten lists, each of which names the one before ten times.
    let mut body = b"]\x94".to_vec();
    for depth in 0_u8..20 {
        body.extend(b"]\x94(");
        (0..10).for_each(|_| body.extend([b'h', depth]));
        body.push(b'e');
    }
    body.push(b'.');
    assert_eq!(read(&body).unwrap_err().problem, Problem::TooMuch);
}

#[test]
fn answers_are_read_back() {
    let floats = |values: &[f64]| Answer::List(values.iter().map(|value| Answer::Float(*value)).collect());
    let many = vec![0.25; 2500];
    let long = "x".repeat(300);
    let answer = Answer::Dictionary(vec![
        ("none", floats(&[])),
        ("one", floats(&[1.0])),
        ("many", floats(&many)),
        ("text", Answer::Text(&long)),
        ("again", Answer::List(vec![Answer::Text(&long), Answer::Text("one"), Answer::Integer(0)])),
    ]);
    let value = read(&write(&answer)).unwrap();
    assert_eq!(value.get("none"), Some(&Value::List(Vec::new())));
    assert_eq!(value.get("one"), Some(&Value::List(vec![Value::Float(1.0)])));
    assert_eq!(value.get("many"), Some(&Value::List(vec![Value::Float(0.25); 2500])));
    assert_eq!(value.get("again"), Some(&Value::List(vec![text(&long), text("one"), Value::Integer(0)])));
}

/// Made by `scripts/reference/reward_pickles.py` with CPython, NumPy and Pillow.
fn fixtures() -> Json {
    serde_json::from_str(include_str!("../../fixtures/pickles.json")).unwrap()
}

fn body_of(fixture: &Json) -> Vec<u8> {
    BASE64_STANDARD.decode(fixture["pickle"].as_str().unwrap()).unwrap()
}

/// As the script shows values.
fn shown(value: &Value) -> Json {
    let sha256 = |bytes: &[u8]| json!(ContentHash::of(bytes).as_str());
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Integer(number) => json!(number),
        Value::Huge => panic!("a huge number"),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(**text),
        Value::Bytes(bytes) => json!({"sha256": sha256(bytes)}),
        Value::List(items) => items.iter().map(shown).collect(),
        Value::Dictionary(entries) => {
            let entry =
                |(key, value): &(Value, Value)| (shown(key).as_str().unwrap().to_owned(), shown(value));
            Json::Object(entries.iter().map(entry).collect())
        }
        Value::Image(image) => {
            let PillowImage { mode, width, height, data } = &**image;
            json!({"mode": **mode, "width": width, "height": height, "sha256": sha256(data)})
        }
    }
}

#[test]
fn what_python_writes_is_read() {
    for fixture in fixtures()["read"].as_array().unwrap() {
        let name = &fixture["name"];
        let value = read(&body_of(fixture)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(shown(&value), fixture["value"], "{name}");
    }
}

#[test]
fn what_is_harmful_is_refused() {
    for fixture in fixtures()["refused"].as_array().unwrap() {
        assert!(read(&body_of(fixture)).is_err(), "{}", fixture["name"]);
    }
    let deep = [[b'('; 100_000], [b't'; 100_000]].concat();
    assert!(read(&[&deep, b".".as_slice()].concat()).is_err());
    let number = [b"I".as_slice(), &[b'9'; 1_000_000], b"\n."].concat();
    assert_eq!(read(&number).unwrap_err().problem, Problem::Number);
}

/// Made by CPython and by hand; not part of the repository.
#[test]
fn golden_hostile_bodies_are_refused() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/suites/reward_server/hostile");
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "request") {
            continue;
        }
        let result = read(&fs::read(&path).unwrap());
        assert!(result.is_err(), "{}: {result:?}", path.display());
    }
}
