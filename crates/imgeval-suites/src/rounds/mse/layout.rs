//! The files of the official script's work folder.

use std::path::{Path, PathBuf};

use crate::rounds::RoundsError;

/// Both forms of the names of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameForm {
    /// `{row}_turn{t}_rep0_seed{row}.png`
    WithRepetition,
    /// `{row}_turn{t}_seed{row}.png`
    WithoutRepetition,
}

/// The name of an output. Rows and turns count from 0.
#[must_use]
pub fn output_name(row: usize, turn: usize, form: NameForm) -> String {
    let repetition = match form {
        NameForm::WithRepetition => "rep0_",
        NameForm::WithoutRepetition => "",
    };
    format!("{row}_turn{turn}_{repetition}seed{row}.png")
}

/// The name of a source image, by the table's `index`.
#[must_use]
pub fn source_name(index: i64) -> String {
    format!("{index}.jpg")
}

/// A session's outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFiles {
    pub form: NameForm,
    /// In order of turns.
    pub turns: Vec<PathBuf>,
}

/// Finds the outputs of a row. The image of the first turn decides which form the names of all have.
///
/// # Errors
/// If one is missing, which stops the official script.
pub fn find_outputs(folder: &Path, row: usize, n_turns: usize) -> Result<SessionFiles, RoundsError> {
    let form = match folder.join(output_name(row, 0, NameForm::WithRepetition)).is_file() {
        true => NameForm::WithRepetition,
        false => NameForm::WithoutRepetition,
    };
    let find = |turn| {
        let name = output_name(row, turn, form);
        let path = folder.join(&name);
        match path.is_file() {
            true => Ok(path),
            false => Err(RoundsError::Incomplete { id: row.to_string(), missing: name }),
        }
    };
    Ok(SessionFiles { form, turns: (0..n_turns).map(find).collect::<Result<_, _>>()? })
}
