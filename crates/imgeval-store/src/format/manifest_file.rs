//! What `run.toml` holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Label, Manifest};

/// The one field that every version of the manifest has.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionOnly {
    pub(crate) format_version: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManifestFile {
    format_version: i64,
    suite: String,
    tool_version: String,
    /// Since version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    parameters: BTreeMap<String, String>,
    /// Since version 2.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    generation: BTreeMap<String, String>,
}

impl From<&Manifest> for ManifestFile {
    fn from(manifest: &Manifest) -> Self {
        Self {
            // Runs without generated images or a label stay readable for older versions.
            format_version: match (&manifest.label, manifest.generation.is_empty()) {
                (Some(_), _) => 3,
                (None, false) => 2,
                (None, true) => 1,
            },
            suite: manifest.suite.clone(),
            tool_version: manifest.tool_version.clone(),
            parameters: manifest.parameters.clone(),
            generation: manifest.generation.clone(),
            label: manifest.label.as_ref().map(|label| label.as_str().to_owned()),
        }
    }
}

impl From<ManifestFile> for Manifest {
    fn from(file: ManifestFile) -> Self {
        let ManifestFile { suite, parameters, generation, tool_version, label, .. } = file;
        // Somebody else may have written the file; what is no label is none.
        let label = label.and_then(|label| Label::parse(&label).ok());
        Self { suite, parameters, generation, tool_version, label }
    }
}
