//! Sessions in folders: `session.json` names the source, the instructions, and the files of each model.

use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path, PathBuf},
};

use imgeval_core::json::from_json_slice;
use imgeval_files::OwnFolder;
use serde::Deserialize;

use crate::{Delivered, ImagePlace, RoundsError, Session};

pub(crate) const LISTING: &str = "session.json";
const MAX_LISTING_BYTES: u64 = 16 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    /// Its name among the sessions of a folder of sessions; without it the folder's.
    id: Option<String>,
    source: String,
    /// Instructions, in order.
    rounds: Vec<String>,
    /// What the image should show after each round, in order; null where nobody says.
    #[serde(default)]
    captions: Vec<Option<String>>,
    /// File names by model, in the order of rounds; null where the model refused.
    models: BTreeMap<String, Vec<Option<String>>>,
}

/// The sessions of a folder that has a listing, or whose folders have one.
pub(crate) fn sessions_of(path: &Path) -> Result<Vec<Session>, RoundsError> {
    let failed = |source| RoundsError::Read { path: path.to_owned(), source };
    let folder = OwnFolder::open(path).map_err(failed)?;
    if folder.length(LISTING).map_err(failed)?.is_some() {
        return read_listing(folder, path);
    }
    let mut names = folder.names().map_err(failed)?;
    names.sort();
    let mut sessions = Vec::new();
    for name in names {
        // Files, and folders without a listing, are not sessions.
        let Ok(inner) = folder.folder(&name) else { continue };
        if matches!(inner.length(LISTING), Ok(Some(_))) {
            sessions.extend(read_listing(inner, &path.join(&name))?);
        }
    }
    Ok(sessions)
}

fn read_listing(folder: OwnFolder, path: &Path) -> Result<Vec<Session>, RoundsError> {
    let listing_path = path.join(LISTING);
    let bytes = folder.read(LISTING, MAX_LISTING_BYTES);
    let bytes = bytes.map_err(|source| RoundsError::Read { path: listing_path.clone(), source })?;
    let refused = |detail: String| RoundsError::Session { path: listing_path.clone(), detail };
    let listing: Listing = from_json_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    if listing.rounds.is_empty() || listing.models.is_empty() {
        return Err(refused("it needs at least one round and one model".to_owned()));
    }
    if !listing.captions.is_empty() && listing.captions.len() != listing.rounds.len() {
        let (n, all) = (listing.captions.len(), listing.rounds.len());
        return Err(refused(format!("it has {n} captions for {all} rounds")));
    }
    let named = |name: &str| -> Result<ImagePlace, RoundsError> {
        let name = PathBuf::from(name);
        let is_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        if name.as_os_str().is_empty() || !is_inside {
            return Err(refused(format!("`{}` must be a file in its folder", name.display())));
        }
        Ok(ImagePlace::File { folder: folder.clone(), name })
    };
    let own_name =
        path.file_name().map_or_else(|| "session".to_owned(), |name| name.to_string_lossy().into());
    let id = listing.id.clone().unwrap_or(own_name);
    let mut sessions = Vec::new();
    for (model, files) in &listing.models {
        if files.len() > listing.rounds.len() {
            let (n, all) = (files.len(), listing.rounds.len());
            return Err(refused(format!("`{model}` has {n} images for {all} rounds")));
        }
        let mut rounds = Vec::new();
        for place in 0..listing.rounds.len() {
            rounds.push(match files.get(place) {
                Some(Some(name)) => delivered(&folder, named(name)?),
                Some(None) => Delivered::Refused("the session lists no image for this round".to_owned()),
                None => Delivered::Missing("the session ends before this round".to_owned()),
            });
        }
        sessions.push(Session {
            id: id.clone(),
            model: model.clone(),
            instructions: listing.rounds.clone(),
            captions: listing.captions.clone(),
            source: named(&listing.source)?,
            rounds,
            is_control: false,
            repeats: None,
            judged: None,
        });
    }
    Ok(sessions)
}

/// A file that is not there is a round that is missing, not an error.
fn delivered(folder: &OwnFolder, place: ImagePlace) -> Delivered {
    let ImagePlace::File { name, .. } = &place else { return Delivered::Image(place) };
    let found = folder.below(name).and_then(|(folder, name)| folder.length(name));
    match found {
        Ok(Some(_)) => Delivered::Image(place),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Delivered::Missing(format!("`{}`: {error}", name.display()))
        }
        _ => Delivered::Missing(format!("`{}` does not exist", name.display())),
    }
}

/// Whether a file exists in a folder.
pub(crate) fn is_there(folder: &OwnFolder, name: &Path) -> bool {
    let mut inner = folder.clone();
    let Some(own_name) = name.file_name() else { return false };
    for part in name.parent().into_iter().flat_map(Path::components) {
        let Ok(next) = inner.folder(part) else { return false };
        inner = next;
    }
    matches!(inner.length(own_name), Ok(Some(_)))
}
