//! What `run.toml` holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Manifest;

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
    parameters: BTreeMap<String, String>,
    /// Since version 2.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    generation: BTreeMap<String, String>,
}

impl From<&Manifest> for ManifestFile {
    fn from(manifest: &Manifest) -> Self {
        Self {
            // Runs without generated images stay readable for older versions.
            format_version: if manifest.generation.is_empty() { 1 } else { 2 },
            suite: manifest.suite.clone(),
            tool_version: manifest.tool_version.clone(),
            parameters: manifest.parameters.clone(),
            generation: manifest.generation.clone(),
        }
    }
}

impl From<ManifestFile> for Manifest {
    fn from(file: ManifestFile) -> Self {
        let ManifestFile { suite, parameters, generation, tool_version, .. } = file;
        Self { suite, parameters, generation, tool_version }
    }
}
