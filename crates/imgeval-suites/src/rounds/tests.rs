//! What the tests of the benchmarks share.

use std::path::PathBuf;

/// The golden files of a benchmark; `None` on a machine without them.
pub(super) fn golden(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/multiturn").join(name);
    path.exists().then_some(path)
}

pub(super) fn golden_json(name: &str) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(golden(name)?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The file names in an array.
pub(super) fn texts(value: &serde_json::Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}
