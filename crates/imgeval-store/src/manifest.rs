//! `run.toml`: what was asked of a run.

use std::{collections::BTreeMap, io, path::Path};

use imgeval_files::OwnFolder;

use crate::{
    Label, StoreError,
    format::{ManifestFile, VersionOnly},
};

/// The newest version of the manifest that this code reads and writes. 2: how images are generated. 3: a label.
pub(crate) const FORMAT_VERSION: i64 = 3;
/// Far more than anything that is asked of a run.
const MAX_BYTES: u64 = 4 << 20;

/// What must stay the same for samples and evidence to belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub suite: String,
    /// The suite's parameters, such as seed and size.
    pub parameters: BTreeMap<String, String>,
    /// How the images are generated, such as provider and model; empty if they are imported.
    pub generation: BTreeMap<String, String>,
    /// The version that made the run; not part of its identity.
    pub tool_version: String,
    /// What the user calls the run; not part of its identity.
    pub label: Option<Label>,
}

impl Manifest {
    /// Reads the manifest of the run in `directory`.
    pub(crate) fn load(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("run.toml");
        let text = imgeval_files::read_text(&path, MAX_BYTES).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::NotARun { path: directory.to_owned() },
            _ => StoreError::io("read", &path)(source),
        })?;
        let damaged = |error: toml::de::Error| StoreError::Damaged {
            path: path.clone(),
            detail: error.message().to_owned(),
        };
        // The version decides how the rest may look, so it is read first.
        let version: VersionOnly = toml::from_str(&text).map_err(damaged)?;
        if version.format_version > FORMAT_VERSION {
            let (found, supported) = (version.format_version, FORMAT_VERSION);
            return Err(StoreError::TooNew { path, found, supported });
        }
        toml::from_str::<ManifestFile>(&text).map(Self::from).map_err(damaged)
    }

    /// Writes the manifest whole or not at all.
    pub(crate) fn save(&self, directory: &Path) -> Result<(), StoreError> {
        let path = directory.join("run.toml");
        let text = toml::to_string(&ManifestFile::from(self))
            .map_err(|error| StoreError::Damaged { path: path.clone(), detail: error.to_string() })?;
        OwnFolder::open(directory)
            .and_then(|run| run.write_whole("run.toml", text.as_bytes()))
            .map_err(StoreError::io("write", &path))
    }

    /// Refuses to mix this run with another suite or other parameters, naming the first difference.
    pub(crate) fn check_same(&self, asked: &Self, path: &Path) -> Result<(), StoreError> {
        let mismatch = |field: &str, existing: &str, asked: &str| StoreError::Mismatch {
            path: path.to_owned(),
            field: field.to_owned(),
            existing: existing.to_owned(),
            asked: asked.to_owned(),
        };
        if self.suite != asked.suite {
            return Err(mismatch("suite", &self.suite, &asked.suite));
        }
        let names = self.parameters.keys().chain(asked.parameters.keys());
        for name in names {
            let value = |manifest: &Self| manifest.parameters.get(name).cloned().unwrap_or_default();
            if value(self) != value(asked) {
                return Err(mismatch(name, &value(self), &value(asked)));
            }
        }
        let names = self.generation.keys().chain(asked.generation.keys());
        for name in names {
            let value = |manifest: &Self| {
                manifest.generation.get(name).map_or("(nothing)", String::as_str).to_owned()
            };
            if value(self) != value(asked) {
                return Err(mismatch(&format!("generation.{name}"), &value(self), &value(asked)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(text: &str) -> Result<Manifest, StoreError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("run.toml"), text).unwrap();
        Manifest::load(folder.path())
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let parameters = BTreeMap::from([("seed".to_owned(), "43".to_owned())]);
        let generation = BTreeMap::new();
        let tool_version = "0.1.0".to_owned();
        let mut manifest =
            Manifest { suite: "geneval".to_owned(), parameters, generation, tool_version, label: None };
        for (model, label, version) in [(None, None, 1), (Some("m"), None, 2), (None, Some("My model"), 3)] {
            manifest.label = label.map(|label| Label::parse(label).unwrap());
            manifest.generation =
                model.map(|model| ("model".to_owned(), model.to_owned())).into_iter().collect();
            manifest.save(folder.path()).unwrap();
            assert_eq!(Manifest::load(folder.path()).unwrap(), manifest);
            // Imported runs without a label stay readable for older versions.
            let text = fs::read_to_string(folder.path().join("run.toml")).unwrap();
            assert!(text.contains(&format!("format_version = {version}\n")), "{text}");
        }
    }

    #[test]
    fn another_way_of_generating_is_named() {
        let run = |model: &[&str]| Manifest {
            suite: "s".to_owned(),
            parameters: BTreeMap::new(),
            generation: model.iter().map(|model| ("model".to_owned(), (*model).to_owned())).collect(),
            tool_version: String::new(),
            label: None,
        };
        let check = |existing: &[&str], asked: &[&str]| run(existing).check_same(&run(asked), Path::new("r"));
        assert!(check(&["a"], &["a"]).is_ok() && check(&[], &[]).is_ok());
        let told = check(&["a"], &["b"]).unwrap_err().to_string();
        assert_eq!(told, "the run `r` was made with generation.model = a, not b");
        assert!(check(&["a"], &[]).is_err() && check(&[], &["a"]).is_err());
    }

    /// The first format ever written; it must stay readable.
    #[test]
    fn format_1_is_read() {
        let text = "format_version = 1\nsuite = \"geneval\"\ntool_version = \"0.1.0\"\n[parameters]\nseed = \"43\"\n";
        assert_eq!(load(text).unwrap().parameters["seed"], "43");
    }

    #[test]
    fn a_newer_format_is_named_not_called_damaged() {
        let error = load("format_version = 99\nnew_field = 1\n").unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found: 99, .. }), "{error}");
        assert!(matches!(load("suite = 1"), Err(StoreError::Damaged { .. })));
    }
}
