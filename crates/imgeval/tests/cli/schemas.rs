//! That JSON on stdout follows the schemas of `docs/schemas/`: the helpers of all tests call [`check`].

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use imgeval_report::schema::{KEY, Schema};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::support::imgeval;

/// Compiled schemas by id: compiling takes longer than checking.
static VALIDATORS: Mutex<BTreeMap<String, Validator>> = Mutex::new(BTreeMap::new());

/// Asserts that each document with a schema follows it, whether the text is one or has one a line.
pub(crate) fn check(text: &str) {
    for document in documents(text) {
        if let Some(id) = document.get(KEY).and_then(Value::as_str) {
            check_document(id, &document);
        }
    }
}

/// Asserts that there is JSON, and that every document of it names its schema first and follows it.
pub(crate) fn check_stamped(text: &str) {
    let documents = documents(text);
    assert!(!documents.is_empty(), "no JSON: {text}");
    for document in documents {
        let first = document.as_object().and_then(|fields| fields.keys().next());
        assert_eq!(first.map(String::as_str), Some(KEY), "{document}");
    }
    check(text);
}

fn documents(text: &str) -> Vec<Value> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Vec::new();
    }
    match serde_json::from_str(text) {
        Ok(document) => vec![document],
        Err(_) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
    }
}

fn check_document(id: &str, document: &Value) {
    // A test that failed elsewhere leaves the compiled schemas as they were.
    let mut validators = VALIDATORS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let validator = validators.entry(id.to_owned()).or_insert_with(|| {
        let schema = Schema::ALL.into_iter().find(|schema| schema.id() == id);
        let schema = schema.unwrap_or_else(|| panic!("unknown schema `{id}`"));
        compile(&folder().join(schema.file_name()))
    });
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{id}: {}", errors.join("\n"));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas")
}

/// The schema of a file, but with every field named: readers must expect new fields, tests must not miss them.
fn compile(path: &Path) -> Validator {
    let mut schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            // A property may be called `properties`; only a schema has a type beside it.
            if fields.contains_key("properties") && fields.get("type").is_some_and(|of| !of.is_object()) {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[test]
fn fixtures_follow_their_schemas() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-report/tests/fixtures");
    for name in ["board.json", "comparison.json"] {
        let text = fs::read_to_string(fixtures.join(name)).unwrap();
        check_stamped(&text);
    }
}

#[test]
fn every_schema_is_valid_and_takes_no_document_of_another() {
    for schema in Schema::ALL {
        let validator = compile(&folder().join(schema.file_name()));
        assert!(!validator.is_valid(&json!({})), "{}", schema.id());
        assert!(!validator.is_valid(&json!({KEY: "imgeval/other/1"})), "{}", schema.id());
    }
}

#[test]
fn a_field_that_no_schema_names_is_found() {
    let text = super::support::stdout(&imgeval(&["suites", "list", "--json"]));
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document["suites"][0]["new"] = true.into();
    let validator = compile(&folder().join(Schema::Suites.file_name()));
    assert!(!validator.is_valid(&document));
}
