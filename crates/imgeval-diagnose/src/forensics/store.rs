//! Scores on disk: a file for each image, named after the SHA-256 of its bytes.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, json::from_json_slice};
use imgeval_files::OwnFolder;
use serde::{Deserialize, Serialize};

/// The name of a folder of scores below a study's.
pub const SCORES: &str = "scores";

const SCHEMA: &str = "imgeval/forensic-scores/1";
const MAX_BYTES: u64 = 64 << 20;

/// Why scores cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("could not save scores in `{}`", path.display())]
pub struct ScoreStoreError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

/// What a detector gave for an image under a treatment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scored {
    Judged {
        logits: Vec<f32>,
        /// In [0, 1], higher for fake.
        score: f64,
        is_fake: bool,
        crop_sha256: Option<String>,
    },
    /// Of a vision-language model, word for word.
    Answered {
        reply: String,
    },
    Failed {
        failure: String,
    },
}

/// All that is known of an image: by detector, then by treatment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageScores {
    scores: BTreeMap<String, BTreeMap<String, Scored>>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    image_sha256: String,
    scores: BTreeMap<String, BTreeMap<String, Scored>>,
}

impl ImageScores {
    #[must_use]
    pub fn get(&self, detector: &str, treatment: &str) -> Option<&Scored> {
        self.scores.get(detector)?.get(treatment)
    }

    pub fn put(&mut self, detector: &str, treatment: &str, scored: Scored) {
        self.scores.entry(detector.to_owned()).or_default().insert(treatment.to_owned(), scored);
    }
}

/// Where scores are kept, or nowhere.
#[derive(Debug, Default)]
pub struct ScoreStore {
    folder: Option<OwnFolder>,
}

impl ScoreStore {
    /// Below this folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn at(path: &Path) -> Result<Self, ScoreStoreError> {
        let folder =
            OwnFolder::make(path).map_err(|source| ScoreStoreError { path: path.to_owned(), source })?;
        folder.sweep();
        Ok(Self { folder: Some(folder) })
    }

    /// A file that cannot be understood, or is of another image, counts as none.
    #[must_use]
    pub fn read(&self, image: &ContentHash) -> ImageScores {
        let read = || {
            let bytes = self.folder.as_ref()?.read(name_of(image), MAX_BYTES).ok()?;
            let document: Document = from_json_slice(&bytes).ok()?;
            (document.schema == SCHEMA && document.image_sha256 == image.as_str())
                .then_some(ImageScores { scores: document.scores })
        };
        read().unwrap_or_default()
    }

    /// # Errors
    /// If the file cannot be written.
    pub fn keep(&self, image: &ContentHash, evidence: &ImageScores) -> Result<(), ScoreStoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |source| ScoreStoreError { path: folder.path().to_owned(), source };
        let document = Document {
            schema: SCHEMA.to_owned(),
            image_sha256: image.as_str().to_owned(),
            scores: evidence.scores.clone(),
        };
        let json = serde_json::to_vec(&document).map_err(|error| failed(error.into()))?;
        folder.write_unsynced(name_of(image), &json).map_err(failed)
    }
}

fn name_of(image: &ContentHash) -> String {
    format!("{}.json", image.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_and_the_rest_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = ScoreStore::at(folder.path()).unwrap();
        let (image, other) = (ContentHash::of(b"a"), ContentHash::of(b"b"));
        let mut evidence = ImageScores::default();
        let judged = Scored::Judged {
            logits: vec![0.5],
            score: 0.622_459_331_201_854_6,
            is_fake: true,
            crop_sha256: None,
        };
        evidence.put("npr/native/00", "as-delivered", judged.clone());
        evidence.put("npr/native/00", "jpeg-75", Scored::Failed { failure: "too small".to_owned() });
        store.keep(&image, &evidence).unwrap();
        assert_eq!(store.read(&image), evidence);
        assert_eq!(store.read(&image).get("npr/native/00", "as-delivered"), Some(&judged));
        assert_eq!(store.read(&other), ImageScores::default());
        // A file under another image's name, and half a file.
        std::fs::copy(folder.path().join(name_of(&image)), folder.path().join(name_of(&other))).unwrap();
        assert_eq!(store.read(&other), ImageScores::default());
        std::fs::write(folder.path().join(name_of(&image)), "{\"schema\"").unwrap();
        assert_eq!(store.read(&image), ImageScores::default());
    }
}
