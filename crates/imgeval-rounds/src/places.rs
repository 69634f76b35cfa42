//! Sessions of several places together.

use std::path::Path;

use imgeval_scoring::Run;

use crate::{RoundsError, Session, folder, runs};

/// The sessions of runs and folders, each as `PLACE` or `NAME=PLACE`; a name applies to the model of a run. Models
/// with the same name in several places are numbered.
///
/// # Errors
/// If a place cannot be read or contains no session.
pub fn gather(places: &[String]) -> Result<Vec<Session>, RoundsError> {
    gather_by(places, |path, name| match path.join("run.toml").is_file() {
        true => runs::sessions_of(&Run::open(path)?, name),
        false => folder::sessions_of(path),
    })
}

/// As [`gather`], with those cases of runs that have one round.
///
/// # Errors
/// As [`gather`].
pub fn gather_edits(places: &[String]) -> Result<Vec<Session>, RoundsError> {
    gather_by(places, |path, name| match path.join("run.toml").is_file() {
        true => runs::edits_of(&Run::open(path)?, name),
        false => folder::sessions_of(path),
    })
}

/// As [`gather`], of places that `read` reads, by their paths and names.
pub(crate) fn gather_by(
    places: &[String],
    read: impl Fn(&Path, Option<&str>) -> Result<Vec<Session>, RoundsError>,
) -> Result<Vec<Session>, RoundsError> {
    let mut sessions: Vec<Session> = Vec::new();
    for text in places {
        // A path may hold an equals sign.
        let named = text.split_once('=').filter(|(name, _)| !name.is_empty() && !Path::new(text).exists());
        let path = Path::new(named.map_or(text.as_str(), |(_, place)| place));
        let mut found = read(path, named.map(|(name, _)| name))?;
        if found.is_empty() {
            return Err(RoundsError::NoSession { path: path.to_owned() });
        }
        let clashes =
            |of: &Session| sessions.iter().any(|known| known.model == of.model && known.id == of.id);
        if found.iter().any(clashes) {
            let models: Vec<String> = found.iter().map(|session| session.model.clone()).collect();
            for (session, model) in found.iter_mut().zip(models) {
                let is_taken = |name: &String| sessions.iter().any(|known| known.model == *name);
                let numbered = (2..).map(|number: u32| format!("{model} ({number})"));
                session.model = numbered.into_iter().find(|name| !is_taken(name)).unwrap_or(model);
            }
        }
        sessions.extend(found);
    }
    Ok(sessions)
}
