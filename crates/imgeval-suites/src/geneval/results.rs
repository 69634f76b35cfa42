//! Result rows in the official format, one JSON object a line, as `evaluate_images.py` writes them and
//! `summary_scores.py` reads them: filename, tag, prompt, correct, reason, metadata and details, of which the last
//! two are JSON texts.

use imgeval_core::categories::CATEGORY_NAMES;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Verdict, metadata::Metadata};
use crate::python_json::to_python_json;

/// One row. Serializes in the official key order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultRow {
    pub filename: String,
    pub tag: String,
    pub prompt: String,
    pub correct: bool,
    /// What is wrong, one reason per line; empty if correct.
    pub reason: String,
    /// The metadata as JSON text; equal texts are one prompt.
    pub metadata: String,
    /// Kept boxes by class as JSON text: `{"cow": [[x1, y1, x2, y2, score], …]}`.
    pub details: String,
}

impl ResultRow {
    /// `raw_metadata` is the metadata with the key order in which it should be written.
    #[must_use]
    pub fn new(filename: String, metadata: &Metadata, raw_metadata: &Value, verdict: &Verdict) -> Self {
        Self {
            filename,
            tag: metadata.tag.name().to_owned(),
            prompt: metadata.prompt.clone(),
            correct: verdict.is_correct(),
            reason: verdict.reason_text(),
            metadata: to_python_json(raw_metadata),
            details: to_python_json(&details(verdict)),
        }
    }
}

fn details(verdict: &Verdict) -> Value {
    let mut by_class = Map::new();
    for (category, objects) in &verdict.kept {
        let row = |object: &super::DetectedObject| {
            let [x1, y1, x2, y2] = object.bounding_box.to_array();
            json!([x1, y1, x2, y2, object.score].map(f64::from))
        };
        by_class.insert(CATEGORY_NAMES[category.index()].to_owned(), objects.iter().map(row).collect());
    }
    Value::Object(by_class)
}
