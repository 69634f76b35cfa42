//! Which restricted terms this user has accepted: `<models_dir>/accepted-terms.json`.

use std::{collections::BTreeMap, io, path::Path};

use imgeval_core::json::from_json_slice;
use imgeval_files::OwnFolder;

use super::{
    sets::{ModelSet, Terms},
    store::StoreError,
};

const FILE: &str = "accepted-terms.json";
const MAX_BYTES: u64 = 1 << 20;

/// Sets by id, with the terms as they were shown.
type Accepted = BTreeMap<String, String>;

fn read(models_dir: &Path) -> Accepted {
    // A damaged file asks again, which costs the user one word.
    let bytes = OwnFolder::open(models_dir).and_then(|folder| folder.read(FILE, MAX_BYTES));
    bytes.ok().and_then(|bytes| from_json_slice(&bytes).ok()).unwrap_or_default()
}

/// Whether a set's terms are free or were accepted before, in the same words.
///
/// # Errors
/// With the terms if they were not.
pub fn check_terms(set: &ModelSet, models_dir: &Path) -> Result<(), StoreError> {
    match set.terms {
        Terms::Free => Ok(()),
        Terms::Restricted(terms) if read(models_dir).get(set.id).is_some_and(|seen| seen == terms) => Ok(()),
        Terms::Restricted(terms) => Err(StoreError::TermsNotAccepted { set: set.id, terms }),
    }
}

/// Keeps that the user has accepted a set's terms.
///
/// # Errors
/// If the folder cannot be written.
pub fn accept_terms(set: &ModelSet, models_dir: &Path) -> Result<(), StoreError> {
    let Terms::Restricted(terms) = set.terms else { return Ok(()) };
    let mut accepted = read(models_dir);
    accepted.insert(set.id.to_owned(), terms.to_owned());
    let write = || {
        let bytes = serde_json::to_vec_pretty(&accepted).map_err(io::Error::other)?;
        OwnFolder::make(models_dir)?.write_whole(FILE, &bytes)
    };
    write().map_err(|source| StoreError::Write { path: models_dir.join(FILE), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{PREVIEW_SET, forensics};

    #[test]
    fn restricted_terms_are_asked_for_once() {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        assert!(check_terms(&PREVIEW_SET, &models).is_ok());
        let refused = check_terms(&forensics::CNNSPOT, &models).unwrap_err().to_string();
        assert!(refused.contains("CC BY-NC-SA 4.0"), "{refused}");
        accept_terms(&forensics::CNNSPOT, &models).unwrap();
        assert!(check_terms(&forensics::CNNSPOT, &models).is_ok());
        assert!(check_terms(&forensics::EFFORT, &models).is_err());
        let other = ModelSet { terms: Terms::Restricted("other words"), ..forensics::CNNSPOT };
        assert!(check_terms(&other, &models).is_err());
    }
}
