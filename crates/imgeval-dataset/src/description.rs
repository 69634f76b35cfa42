//! `imgeval-dataset.json`: which run a data set holds, and the files that belong to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use imgeval_core::json::from_json_slice;
use imgeval_store::{Label, Manifest};
use serde_json::{Value, json};

use crate::DatasetError;

/// The name of the file.
pub(crate) const MARKER: &str = "imgeval-dataset.json";
/// Far more than any run needs.
pub(crate) const MAX_MARKER_BYTES: u64 = 16 << 20;
const LAYOUT: u64 = 1;
/// The folders of the tables.
pub(crate) const TABLES: [&str; 3] = ["samples", "scores", "evidence"];

/// What a data set says of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub suite: String,
    /// The suite's parameters, such as seed and size.
    pub parameters: BTreeMap<String, String>,
    /// How the images were generated; empty if they were imported.
    pub generation: BTreeMap<String, String>,
    pub label: Option<Label>,
    pub has_images: bool,
    /// Whether all files are there; the export may have been stopped.
    pub(crate) is_complete: bool,
    /// As `FOLDER/NAME`, or `README.md`.
    pub(crate) files: BTreeSet<String>,
}

impl Description {
    pub(crate) fn of(manifest: &Manifest, has_images: bool) -> Self {
        Self {
            suite: manifest.suite.clone(),
            parameters: manifest.parameters.clone(),
            generation: manifest.generation.clone(),
            label: manifest.label.clone(),
            has_images,
            is_complete: false,
            files: BTreeSet::new(),
        }
    }

    pub(crate) fn render(&self) -> String {
        let value = json!({
            "layout": LAYOUT,
            "tool": format!("imgeval {}", env!("CARGO_PKG_VERSION")),
            "is_complete": self.is_complete,
            "suite": self.suite,
            "parameters": self.parameters,
            "generation": self.generation,
            "label": self.label.as_ref().map(Label::as_str),
            "has_images": self.has_images,
            "files": self.files,
        });
        format!("{value:#}\n")
    }

    /// Reads what [`Self::render`] gave. `path` is the folder's, for errors.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, DatasetError> {
        let damaged = |detail: String| DatasetError::Damaged { path: path.join(MARKER), detail };
        let value: Value = from_json_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        let found = value["layout"].as_u64().ok_or_else(|| damaged("it has no `layout`".to_owned()))?;
        if found != LAYOUT {
            return Err(DatasetError::Layout { path: path.to_owned(), found, known: LAYOUT });
        }
        let texts =
            |name: &str| texts_of(&value[name]).ok_or_else(|| damaged(format!("`{name}` holds no texts")));
        let suite = value["suite"].as_str().ok_or_else(|| damaged("it names no suite".to_owned()))?;
        let files = value["files"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Self {
            suite: suite.to_owned(),
            parameters: texts("parameters")?,
            generation: texts("generation")?,
            label: value["label"].as_str().and_then(|label| Label::parse(label).ok()),
            has_images: value["has_images"].as_bool().unwrap_or_default(),
            is_complete: value["is_complete"].as_bool().unwrap_or_default(),
            files: files
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| is_ours(name))
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The files of one table, in order.
    pub(crate) fn files_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        let of_table = move |name: &&str| name.split_once('/').is_some_and(|(folder, _)| folder == table);
        self.files.iter().map(String::as_str).filter(of_table)
    }
}

fn texts_of(value: &Value) -> Option<BTreeMap<String, String>> {
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    value.as_object()?.iter().map(text).collect()
}

/// Whether an export could have written a file of this name.
pub(crate) fn is_ours(name: &str) -> bool {
    let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    match name.split_once('/') {
        None => name == crate::card::CARD,
        Some((folder, file)) => {
            TABLES.contains(&folder) && file.strip_suffix(".parquet").is_some_and(is_number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> Description {
        Description {
            suite: "geneval".to_owned(),
            parameters: BTreeMap::from([("seed".to_owned(), "43".to_owned())]),
            generation: BTreeMap::new(),
            label: Label::parse("My model").ok(),
            has_images: true,
            is_complete: true,
            files: ["README.md", "samples/00000.parquet"].map(str::to_owned).into(),
        }
    }

    fn parse(text: &str) -> Result<Description, DatasetError> {
        Description::parse(text.as_bytes(), Path::new("d"))
    }

    #[test]
    fn what_was_rendered_is_parsed() {
        assert_eq!(parse(&description().render()).unwrap(), description());
    }

    #[test]
    fn only_names_of_exports_are_files_of_the_data_set() {
        let names = [
            "../a",
            "samples/../../b",
            "samples/a.parquet",
            "/etc/passwd",
            "notes.txt",
            "scores/00001.parquet",
        ];
        let mut value: Value = serde_json::from_str(&description().render()).unwrap();
        value["files"] = json!(names);
        assert_eq!(Vec::from_iter(parse(&value.to_string()).unwrap().files), ["scores/00001.parquet"]);
    }

    #[test]
    fn what_is_no_description_is_refused_in_a_sentence() {
        for (text, told) in [
            ("{", "damaged"),
            ("{}", "it has no `layout`"),
            (r#"{"layout": 2}"#, "has layout 2"),
            (r#"{"layout": 1, "suite": "a", "parameters": {"a": 1}}"#, "`parameters` holds no texts"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
