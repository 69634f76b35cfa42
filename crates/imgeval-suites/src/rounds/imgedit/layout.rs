//! Names of outputs. ImgEdit publishes none for its multi-turn part, so these are ours.

use super::annotation::Part;
use crate::rounds::{RoundsError, error::plain_name};

/// `<part>/<name of the image without its ending>/turn<k>.png`, below a model's folder. Rounds count from 1.
///
/// # Errors
/// If the id is not a plain name.
pub fn round_name(part: Part, id: &str, round: usize) -> Result<String, RoundsError> {
    plain_name("outputs", "the session", id)?;
    let stem = id.rsplit_once('.').map_or(id, |(stem, _)| stem);
    Ok(format!("{}/{stem}/turn{round}.png", part.folder()))
}
