//! The names of a model's images, and which sessions are complete.

use std::path::Path;

use crate::{
    folder_listing::list_folder,
    rounds::{RoundsError, error::io_error, literal::python_integer},
};

/// The names of the images in a mode's folder, without hidden files.
///
/// # Errors
/// If the folder cannot be listed.
pub fn list_outputs(folder: &Path) -> Result<Vec<String>, RoundsError> {
    list_folder(folder).map(|(_, names)| names).map_err(|error| io_error(folder, error))
}

/// How the images of later turns came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Each turn edits the result of the turn before.
    Multipass,
    /// Each turn edits the source, by all instructions so far.
    Singlepass,
}

impl Mode {
    pub const ALL: [Self; 2] = [Self::Multipass, Self::Singlepass];

    /// The name of its folder below that of the model.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Multipass => "multipass",
            Self::Singlepass => "singlepass",
        }
    }
}

/// The name of the copy of the source image beside the results.
#[must_use]
pub fn base_name(index: i64) -> String {
    format!("{index}_input_raw.png")
}

/// The name of a turn's result, counted from 1.
#[must_use]
pub fn turn_name(index: i64, turn: usize) -> String {
    format!("{index}_input_raw_turn_{turn}.png")
}

/// The source image of a session among the names of a folder: PNG before JPEG.
#[must_use]
pub fn find_base(names: &[String], index: i64) -> Option<&str> {
    let jpeg = format!("{index}_input_raw.jpg");
    let find = |wanted: &str| names.iter().map(String::as_str).find(|name| *name == wanted);
    find(&base_name(index)).or_else(|| find(&jpeg))
}

/// The sessions that the official script scores, in order: those with a source image and the results of all turns. The rest is dropped
/// silently by it.
///
/// An index is there twice if its source image is there in both formats, and its scores then count twice. `007_input_raw.png` stands for
/// index 7, whose results are looked for under `7_input_raw_turn_1.png` and so on.
#[must_use]
pub fn session_indices(names: &[String], n_turns: usize) -> Vec<i64> {
    let index = |name: &String| {
        let ending =
            ["_input_raw.png", "_input_raw.jpg"].into_iter().find(|ending| name.ends_with(ending))?;
        python_integer(name.split(ending).next()?)
    };
    let is_complete = |index: &i64| (1..=n_turns).all(|turn| names.contains(&turn_name(*index, turn)));
    let mut indices: Vec<i64> = names.iter().filter_map(index).filter(is_complete).collect();
    indices.sort_unstable();
    indices
}

/// By which name the official tables know a model: the folder's up to the first `_`. Folders that share it overwrite each other.
#[must_use]
pub fn model_name(folder: &str) -> &str {
    folder.split('_').next().unwrap_or(folder)
}

/// What the official generator asks for a turn of [`Mode::Singlepass`].
#[must_use]
pub fn singlepass_prompt(instructions: &[String]) -> String {
    instructions.join(". ")
}
