//! All official numbers from files: the table, the names of the images, and the scores of each turn.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::json::from_json_str;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Consistency, Derived, Honest, Mode, ModeRates, Plan, RateTable, Reading, Table, TurnScores,
    collect_rates, count_honestly, derive_scores, list_outputs, multipass_table, plan_mode, singlepass_table,
};
use crate::rounds::{RoundsError, error};

/// Turns of a session.
pub const N_TURNS: usize = 3;
/// Beside the turns of an image: measures of its source, which enter no table.
const OF_SOURCE: &str = "base_quality";

/// The names of the images by mode; a missing mode was not run.
pub type OutputNames = BTreeMap<&'static str, Vec<String>>;

/// Scores by mode, image and turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemScores {
    modes: BTreeMap<String, BTreeMap<i64, BTreeMap<usize, TurnScores>>>,
}

/// Everything that the published tables of one mode say, and what they leave out.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeReport {
    pub mode: Mode,
    pub plan: Plan,
    pub rates: ModeRates,
    /// By turn, the first item being turn 1.
    pub turns: Vec<TurnReport>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TurnReport {
    pub table: RateTable,
    /// In the order of [`Reading::ALL`].
    pub derived: Vec<Option<Derived>>,
    pub honest: Honest,
}

/// The images below a model's folder, in `multipass` and `singlepass`.
///
/// # Errors
/// If neither folder is there, or one cannot be listed.
pub fn names_in_folder(folder: &Path) -> Result<OutputNames, RoundsError> {
    let mut names = OutputNames::new();
    for mode in Mode::ALL {
        let inner = folder.join(mode.folder());
        if inner.is_dir() {
            names.insert(mode.folder(), list_outputs(&inner)?);
        }
    }
    match names.is_empty() {
        true => {
            let detail = "it has neither a folder `multipass` nor `singlepass`";
            Err(RoundsError::malformed(&folder.display().to_string(), detail))
        }
        false => Ok(names),
    }
}

/// The names of images from a JSON object with lists under `multipass` and `singlepass`.
///
/// # Errors
/// If the file cannot be read or is no such object.
pub fn read_names(path: &Path) -> Result<OutputNames, RoundsError> {
    let name = error::name_of(path);
    let malformed = |detail: String| RoundsError::malformed(&name, detail);
    let mut lists: BTreeMap<String, Vec<String>> =
        from_json_str(&error::read_table(path)?).map_err(|error| malformed(error.to_string()))?;
    let names: OutputNames =
        Mode::ALL.iter().filter_map(|mode| Some((mode.folder(), lists.remove(mode.folder())?))).collect();
    if names.is_empty() {
        return Err(malformed("it has neither `multipass` nor `singlepass`".to_owned()));
    }
    Ok(names)
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "if")]
    followed: Vec<Value>,
    #[serde(default)]
    quality: BTreeMap<String, Option<f64>>,
    #[serde(default)]
    consistency: Option<ConsistencyItem>,
}

#[derive(Deserialize)]
struct ConsistencyItem {
    #[serde(default)]
    object: Option<ObjectItem>,
    #[serde(default)]
    background: Option<BackgroundItem>,
}

#[derive(Deserialize)]
struct ObjectItem {
    object_dinov3_consistency_mean: Option<f64>,
    object_l1_consistency_mean: Option<f64>,
}

#[derive(Deserialize)]
struct BackgroundItem {
    bg_dinov3_masked_similarity: Option<f64>,
    bg_l1_consistency: Option<f64>,
}

/// Reads scores: `{mode: {image index: {turn: {"if": [0 or 1 for each instruction], "quality": {name: number or null},
/// "consistency": null or {"object": {...}, "background": {...}}}}}}`. What stands under `base_quality` beside the turns is passed over.
///
/// # Errors
/// If the file cannot be read or is not of the form.
pub fn read_items(path: &Path) -> Result<ItemScores, RoundsError> {
    parse_items(&error::name_of(path), &error::read_table(path)?)
}

/// Reads the scores of [`read_items`] from a text.
///
/// # Errors
/// If it is not of the form.
pub fn parse_items(name: &str, text: &str) -> Result<ItemScores, RoundsError> {
    let malformed = |detail: String| RoundsError::malformed(name, detail);
    let read: BTreeMap<String, BTreeMap<String, BTreeMap<String, Value>>> =
        from_json_str(text).map_err(|error| malformed(error.to_string()))?;
    let mut modes = BTreeMap::new();
    for (mode, images) in read {
        if !Mode::ALL.iter().any(|known| known.folder() == mode) {
            return Err(malformed(format!("unknown mode `{}`", mode.escape_debug())));
        }
        let mut by_image = BTreeMap::new();
        for (index, turns) in images {
            let number: i64 = index
                .parse()
                .map_err(|_| malformed(format!("invalid image index `{}`", index.escape_debug())))?;
            let turns = turns.into_iter().filter(|(turn, _)| turn != OF_SOURCE).map(|(turn, item)| {
                let place = format!("turn {} of image {index}", turn.escape_debug());
                let turn: usize = turn.parse().map_err(|_| malformed(format!("{place} has no number")))?;
                let item: Item =
                    serde_json::from_value(item).map_err(|error| malformed(format!("{place}: {error}")))?;
                let scores = scores(item)
                    .ok_or_else(|| malformed(format!("{place} has an `if` other than 0 and 1")))?;
                Ok((turn, scores))
            });
            by_image.insert(number, turns.collect::<Result<_, RoundsError>>()?);
        }
        modes.insert(mode, by_image);
    }
    Ok(ItemScores { modes })
}

fn scores(item: Item) -> Option<TurnScores> {
    let followed = item.followed.iter().map(|score| match score {
        Value::Bool(followed) => Some(*followed),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        _ => None,
    });
    let consistency = item.consistency.map(|ConsistencyItem { object, background }| Consistency {
        object_feature: object.as_ref().and_then(|object| object.object_dinov3_consistency_mean),
        object_l1: object.and_then(|object| object.object_l1_consistency_mean),
        background_feature: background.as_ref().and_then(|sides| sides.bg_dinov3_masked_similarity),
        background_l1: background.and_then(|sides| sides.bg_l1_consistency),
    });
    Some(TurnScores {
        followed: followed.collect::<Option<_>>()?,
        quality: item.quality.into_iter().collect(),
        consistency,
    })
}

/// The report of every mode that was run.
#[must_use]
pub fn report_on_files(table: &Table, names: &OutputNames, items: &ItemScores) -> Vec<ModeReport> {
    let indices = table.indices();
    let modes = Mode::ALL.into_iter().filter_map(|mode| Some((mode, names.get(mode.folder())?)));
    let report = |(mode, names): (Mode, &Vec<String>)| {
        let plan = plan_mode(mode, names, table, N_TURNS);
        let rates = collect_rates(mode, &plan, N_TURNS, |index, turn| {
            items.modes.get(mode.folder())?.get(&index)?.get(&turn).cloned()
        });
        let turn = |turn: usize| TurnReport {
            table: match mode {
                Mode::Multipass => multipass_table(&rates, turn),
                Mode::Singlepass => singlepass_table(&rates, turn),
            },
            derived: Reading::ALL.map(|reading| derive_scores(&rates, turn, reading)).to_vec(),
            honest: count_honestly(&rates, &indices, turn),
        };
        let turns = (1..=N_TURNS).map(turn).collect();
        ModeReport { mode, plan, rates, turns }
    };
    modes.map(report).collect()
}
