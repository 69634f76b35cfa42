//! Detectors of generated images, with weights that the user names or that were pulled.

use std::path::PathBuf;

use imgeval_fetch::weights::{self, Hashing, Places, check_terms, locate_member};
use imgeval_forensics::{Description, Detector, LoadRequest, Trunks};
use imgeval_vision::compute::ComputeOptions;

use crate::{ObserverError, models::sha256_of_weights};

/// Which detector, and how it is to look.
#[derive(Debug, Clone)]
pub struct AskedForensics {
    pub description: &'static Description,
    /// None for the published default.
    pub pipeline: Option<String>,
    /// In any order; empty for those that were pulled or added.
    pub files: Vec<PathBuf>,
}

/// A detector that is ready, and what its scores depend on.
pub struct LoadedForensics {
    pub detector: Box<dyn Detector>,
    /// SHA-256 of each file or folder of weights, in the order of the files.
    pub weights_sha256: Vec<String>,
}

impl AskedForensics {
    /// Whether all weights that are needed lie where they were pulled or added to.
    #[must_use]
    pub fn is_here(&self, places: &Places) -> bool {
        !self.files.is_empty() || self.pulled(places).is_ok()
    }

    fn pulled(&self, places: &Places) -> Result<Vec<PathBuf>, ObserverError> {
        let set = weights::find(self.description.id)
            .ok_or(ObserverError::NoWeightSet { id: self.description.id })?;
        check_terms(set, &places.models_dir).map_err(ObserverError::NotHere)?;
        let path = |member| locate_member(member, places, Hashing::Recorded).map(|located| located.path);
        set.members.iter().map(path).collect::<Result<_, _>>().map_err(ObserverError::NotHere)
    }
}

/// Loads a detector; `trunks` is shared by those that are loaded together.
///
/// # Errors
/// If weights are missing or are not the detector's, or it has no such pipeline.
pub fn load_forensics(
    asked: &AskedForensics,
    trunks: &Trunks,
    places: &Places,
    compute: ComputeOptions,
) -> Result<LoadedForensics, ObserverError> {
    let files = match asked.files.as_slice() {
        [] => asked.pulled(places)?,
        given => given.to_vec(),
    };
    let request = LoadRequest { files: &files, pipeline: asked.pipeline.as_deref(), compute, trunks };
    let detector = (asked.description.load)(&request)?;
    let sha256 = |file: &PathBuf| sha256_of_weights(file, &places.models_dir);
    Ok(LoadedForensics { detector, weights_sha256: files.iter().map(sha256).collect::<Result<_, _>>()? })
}
