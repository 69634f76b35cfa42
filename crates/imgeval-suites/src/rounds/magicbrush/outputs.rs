//! The names of a model's outputs, written and read exactly. The official script's looser reading is in [`super::pairs`].

use std::{collections::BTreeMap, path::Path};

use crate::{
    folder_listing::list_folder,
    rounds::{RoundsError, error::io_error},
};

/// From which image a turn was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// From the annotators' result of the turn before.
    Independent,
    /// From the model's own result of the turn before.
    Iterative,
}

/// The name of an output. The first turn has one name for both settings.
#[must_use]
pub fn output_name(id: &str, setting: Setting, turn: usize) -> String {
    match (setting, turn) {
        (_, 0 | 1) => format!("{id}_1.png"),
        (Setting::Independent, turn) => format!("{id}_inde_{turn}.png"),
        (Setting::Iterative, turn) => format!("{id}_iter_{turn}.png"),
    }
}

/// A model's outputs by session; files below the folder that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    /// By session, setting and turn, counted from 1. The first turn stands under both settings.
    pub images: BTreeMap<String, BTreeMap<(Setting, usize), String>>,
    /// Files that are no output by their name.
    pub ignored: Vec<String>,
}

/// Finds outputs in `<out>/<id>/`.
///
/// # Errors
/// If a folder cannot be listed.
pub fn read_outputs(folder: &Path) -> Result<Outputs, RoundsError> {
    let list = |path: &Path| list_folder(path).map_err(|error| io_error(path, error));
    let mut outputs = Outputs::default();
    let (ids, files) = list(folder)?;
    outputs.ignored = files;
    for id in ids {
        let images = outputs.images.entry(id.clone()).or_default();
        for name in list(&folder.join(&id))?.1 {
            let file = format!("{id}/{name}");
            match settings_of(&id, &name) {
                Some((settings, turn)) => {
                    for setting in settings {
                        // `.png` comes after `.jpg` and wins.
                        images.insert((*setting, turn), file.clone());
                    }
                }
                None => outputs.ignored.push(file),
            }
        }
    }
    Ok(outputs)
}

/// The settings and the turn that a name stands for.
fn settings_of(id: &str, name: &str) -> Option<(&'static [Setting], usize)> {
    let stem = name.strip_suffix(".png").or_else(|| name.strip_suffix(".jpg"))?;
    let rest = stem.strip_prefix(id)?;
    if rest == "_1" {
        return Some((&[Setting::Independent, Setting::Iterative], 1));
    }
    let (settings, number): (&[Setting], _) = match (rest.strip_prefix("_inde_"), rest.strip_prefix("_iter_"))
    {
        (Some(number), _) => (&[Setting::Independent], number),
        (_, Some(number)) => (&[Setting::Iterative], number),
        _ => return None,
    };
    let turn: usize = number.parse().ok().filter(|turn| *turn > 1)?;
    (turn.to_string() == number).then_some((settings, turn))
}
