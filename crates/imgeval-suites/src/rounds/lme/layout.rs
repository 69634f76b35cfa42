//! A model's outputs: `<out>/<id>/source.png`, `turn1.png` and so on.

use std::path::{Path, PathBuf};

use crate::rounds::{RoundsError, error::plain_name};

/// The name of the source image's copy in a session's folder.
pub const SOURCE: &str = "source.png";

/// The name of the result of a turn, counted from 1.
#[must_use]
pub fn turn_name(turn: usize) -> String {
    format!("turn{turn}.png")
}

/// The images of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFiles {
    pub source: PathBuf,
    /// In order of turns.
    pub turns: Vec<PathBuf>,
}

/// Finds the images of a session.
///
/// # Errors
/// If one is missing, which stops the official script, or the id is not a plain name.
pub fn find_session(folder: &Path, id: &str, n_turns: usize) -> Result<SessionFiles, RoundsError> {
    let folder = folder.join(plain_name("outputs", "the session", id)?);
    let find = |name: String| {
        let path = folder.join(&name);
        match path.is_file() {
            true => Ok(path),
            false => Err(RoundsError::Incomplete { id: id.to_owned(), missing: name }),
        }
    };
    let source = find(SOURCE.to_owned())?;
    let turns = (1..=n_turns).map(|turn| find(turn_name(turn))).collect::<Result<_, _>>()?;
    Ok(SessionFiles { source, turns })
}
