//! Where networks are: where the user says, or where they were pulled to.

use std::path::{Path, PathBuf};

use imgeval_fetch::weights::{self, Hashing, Member, Places, locate_member};
use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, weight_files},
};

use crate::ObserverError;

/// A network that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    Mask2Former,
    HubMask2Former,
    Clip,
}

/// The path that the user names, or where the model was pulled to.
///
/// # Errors
/// If there is nothing, or the pulled weights are not the right ones.
pub fn given_or_pulled(
    given: Option<&Path>,
    model: Model,
    places: &Places,
) -> Result<PathBuf, ObserverError> {
    if let Some(path) = given {
        if path.exists() {
            return Ok(path.to_owned());
        }
        // Not a path: perhaps a repository that lies in the hub's cache.
        let repository = path.to_str().and_then(|name| places.hub.cached(name));
        return repository.ok_or_else(|| ObserverError::NoSuchModel {
            name: path.to_owned(),
            cache: places.hub.cache.clone(),
        });
    }
    let located = match model {
        Model::Mask2Former => locate_member(&Member::Url(weights::MASK2FORMER), places, Hashing::Recorded),
        Model::Clip => locate_member(&Member::Hub(weights::CLIP), places, Hashing::Recorded),
        Model::HubMask2Former => weights::locate_hf_mask2former(places),
    };
    located.map(|located| located.path).map_err(ObserverError::NotHere)
}

/// The SHA-256 that identifies weights: a file, or a folder in the Hugging Face layout.
///
/// # Errors
/// If they cannot be read; what keeps them from being loaded, if that says more.
pub fn sha256_of_weights(path: &Path, models_dir: &Path) -> Result<String, ObserverError> {
    let files = match path.is_dir() {
        true => weight_files(path).map_err(ModelError::from)?,
        false => vec![path.to_owned()],
    };
    weights::sha256_of(&files, models_dir).map_err(|error| match Checkpoint::open(path) {
        Err(unusable) => ModelError::from(unusable).into(),
        Ok(_) => ObserverError::Checksum(error),
    })
}

/// Whether these are the weights that the set `geneval` brought here: their shape says only that they are a ViT-L/14, of which
/// there are many.
pub(crate) fn is_pulled_clip(sha256: &str, places: &Places) -> bool {
    locate_member(&Member::Hub(weights::CLIP), places, Hashing::Recorded)
        .is_ok_and(|located| located.sha256 == sha256)
}
