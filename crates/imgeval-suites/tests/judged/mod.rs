//! Judged suites: messages cut out of scripts against what Python makes of the same scripts.

mod replies;
mod scores;

use std::{collections::BTreeMap, fs, path::Path};

use imgeval_suites::judged::{
    Field, JudgeProtocol, MessagePart, Template,
    python_source::{ExtractedMessages, extract_messages, wise_legacy_protocol, wise_verified_protocol},
};
use serde_json::{Value, json};

// Reference: scripts/reference/judge_messages.py (Python 3.11.7).
const FIXTURE: &str = include_str!("../fixtures/judge_messages.json");

fn flatten(messages: &ExtractedMessages, record: &Value) -> Value {
    let values = BTreeMap::from([
        (Field::Prompt, record["Prompt"].as_str().unwrap()),
        (Field::Explanation, record["Explanation"].as_str().unwrap()),
    ]);
    let bind = |template: &Template| template.bind(&values).unwrap();
    let part = |part: &MessagePart| match part {
        MessagePart::Text(template) => Value::String(bind(template)),
        MessagePart::Image(_) => Value::Null,
    };
    let message: Vec<Value> = messages.message.iter().map(part).collect();
    json!({ "system": messages.system.as_ref().map(bind), "message": message })
}

#[test]
fn messages_cut_out_of_scripts_are_those_that_python_makes() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let scripts = fixture["scripts"].as_object().unwrap();
    assert!(scripts.len() >= 5);
    for (name, expected) in scripts {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/judge_scripts/{name}.py"));
        let source = fs::read_to_string(path).unwrap();
        let messages = extract_messages(&source).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(flatten(&messages, &fixture["record"]), *expected, "{name}");
        // Python reads line ends of other systems as its own.
        assert_eq!(extract_messages(&source.replace('\n', "\r\n")).unwrap(), messages, "{name}");
    }
}

/// The benchmark's own script, where somebody has put it, against what `judge_messages.py PATH:FUNCTION` printed.
#[test]
fn messages_of_the_official_script_are_those_that_python_makes() {
    let (Some(script), Some(expected)) =
        (std::env::var_os("IMGEVAL_WISE_SCRIPT"), std::env::var_os("IMGEVAL_WISE_MESSAGES"))
    else {
        return;
    };
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let messages = extract_messages(&fs::read_to_string(script).unwrap()).unwrap();
    let expected: Value = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
    assert_eq!(flatten(&messages, &fixture["record"]), expected);
}

fn error_of(source: &str) -> String {
    extract_messages(source).unwrap_err().to_string()
}

/// A script whose text is the expression.
fn script(expression: &str) -> String {
    format!("def build(record, image):\n    return [{{'role': 'user', 'content': {expression}}}]\n")
}

#[test]
fn what_only_running_would_tell_is_refused_with_its_line() {
    let check = |expression: &str, expected: &str| {
        let error = error_of(&script(expression));
        assert!(error.starts_with("line 2") && error.contains(expected), "{expression}: {error}");
    };
    check("load_text('x')", "a call of `load_text`");
    check("record['Hint']", "the key `Hint`, which is neither");
    check("record[image]", "a key that is no constant");
    check("f'{record[\"Prompt\"]!r}'", "a placeholder with a conversion");
    check("f'{record[\"Prompt\"]:>9}'", "a placeholder with a format");
    check("'a %s' % image", "formatting with `%`");
    check("'a' if image else 'b'", "a choice");
    check("'{x}'.format(y='z')", "the field `{x}` of `format`");
    check("'{0.a}'.format('z')", "the field `{0.a}` of `format`");
    check("b'bytes'", "bytes in place of a text");
    check("'\\N{BULLET}'", "a character by its name");
    check("image", "`image`");
    check("[{'type': 'image_url', 'image_url': {'url': 'https://example.org/x.png'}}]", "no data URL");
    check("[{'type': 'audio'}]", "a part of type `audio`");
    check(
        "[{'type': 'image_url', 'image_url': {'url': f'data:{record[\"Prompt\"]};base64,{image}'}}]",
        "no data",
    );
}

#[test]
fn values_that_depend_on_the_run_are_refused() {
    let error = error_of("a = 'x'\na = 'y'\nm = [{'role': 'user', 'content': a}]\n");
    assert!(
        error.contains("line 3") && error.contains("`a`, which has another value from line 2 on"),
        "{error}"
    );
    let error =
        error_of("def f(c):\n  a = 'x'\n  if c:\n    a += 'y'\n  return [{'role': 'user', 'content': a}]\n");
    assert!(error.contains("another value from line 4 on"), "{error}");
    let loops = "a = 'x'\ndef f(c):\n  for a in c:\n    m = [{'role': 'user', 'content': a}]\n";
    assert!(error_of(loops).contains("something computed"));
    let pair = "a = 'x'\ndef f(c):\n  a, b = c\n  return [{'role': 'user', 'content': a}]\n";
    assert!(error_of(pair).contains("something computed"));
    let error = error_of("a = a\nm = [{'role': 'user', 'content': a}]\n");
    assert!(error.contains("names that stand for each other"), "{error}");
    assert!(error_of("x = 1\n").contains("no list of messages"));
    let two = "x = [{'role': 'user', 'content': 'a'}]\ny = [{'role': 'user', 'content': 'b'}]\n";
    assert_eq!(error_of(two), "the script holds several lists of messages that differ, in lines 1, 2");
}

#[test]
fn a_text_that_grows_without_bounds_is_refused() {
    let mut source = "a0 = 'xxxxxxxxxxxxxxxx'\n".to_owned();
    for index in 1..50 {
        source += &format!("a{index} = a{} + a{}\n", index - 1, index - 1);
    }
    source += "m = [{'role': 'user', 'content': a49}]\nn = a49\n";
    let error = error_of(&source);
    assert!(error.contains("mebibyte") || error.contains("each other"), "{error}");
    let nested = format!("m = {}", "[".repeat(100_000));
    assert!(extract_messages(&nested).is_err());
    let nested = format!("m = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(extract_messages(&nested).is_err());
}

#[test]
fn protocols_of_wise_are_made_of_a_script_and_the_published_numbers() {
    let script = include_str!("../fixtures/judge_scripts/format_string.py");
    let legacy = wise_legacy_protocol(script).unwrap();
    assert_eq!((legacy.label().as_str(), legacy.decoding.max_tokens), ("wise-legacy@1", Some(2_000)));
    assert_eq!(JudgeProtocol::from_toml(&legacy.to_toml().unwrap()).unwrap(), legacy);
    let verified = wise_verified_protocol(script).unwrap();
    assert_eq!(verified.decoding.extra[0].1, r#"{"enable_thinking": false}"#);
    assert_ne!(legacy.hash(), verified.hash());
    let official = std::env::var_os("IMGEVAL_WISE_SCRIPT").map(|path| fs::read_to_string(path).unwrap());
    assert!(official.is_none_or(|script| wise_legacy_protocol(&script).is_ok()));

    let error = |script: &str| wise_legacy_protocol(script).unwrap_err().to_string();
    assert_eq!(error(&script.replace("Explanation", "Prompt")), "the messages do not name {explanation}");
    assert_eq!(error(&script.replace("image_url", "text")).lines().count(), 1);
}
