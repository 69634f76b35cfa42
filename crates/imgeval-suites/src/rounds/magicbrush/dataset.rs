//! Reading a split: `edit_sessions.json` and `local_descriptions.json`.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use crate::rounds::{
    Mask, MaskedPart, Round, RoundsError, Session,
    error::{name_of, plain_name, read_table},
};

const SESSIONS: &str = "edit_sessions.json";
const CAPTIONS: &str = "local_descriptions.json";
const IMAGES: &str = "images";

#[derive(Deserialize)]
struct Turn {
    input: String,
    mask: String,
    output: String,
    instruction: String,
}

/// Session ids with captions by the name of the annotators' result.
type Captions = BTreeMap<String, BTreeMap<String, String>>;

/// Reads a split from its folder.
///
/// # Errors
/// If a file cannot be read, or as [`read_split`].
pub fn read_split_folder(folder: &Path) -> Result<Vec<Session>, RoundsError> {
    let sessions = read_table(&folder.join(SESSIONS))?;
    let captions = read_table(&folder.join(CAPTIONS))?;
    read_split(&name_of(folder), &sessions, &captions)
}

/// Reads a split from the texts of its two files, in the order of the sessions' file. Files of a session are relative to the split's
/// folder: `images/<id>/<name>`.
///
/// # Errors
/// If a text is not what it should be, a turn's input is not the result of the turn before, or a name is not plain.
pub fn read_split(name: &str, sessions: &str, captions: &str) -> Result<Vec<Session>, RoundsError> {
    let not_json = |file: &str, error: serde_json::Error| {
        RoundsError::malformed(&format!("{name}/{file}"), error.to_string())
    };
    // Objects keep their order in `Value`.
    let table: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(sessions).map_err(|error| not_json(SESSIONS, error))?;
    let captions: Captions = serde_json::from_str(captions).map_err(|error| not_json(CAPTIONS, error))?;
    table
        .into_iter()
        .map(|(id, turns)| {
            let turns: Vec<Turn> =
                serde_json::from_value(turns).map_err(|error| not_json(SESSIONS, error))?;
            session(&format!("{name}/{SESSIONS}"), id, &turns, &captions)
        })
        .collect()
}

fn session(file: &str, id: String, turns: &[Turn], captions: &Captions) -> Result<Session, RoundsError> {
    plain_name(file, "the session", &id)?;
    let below = |what, name: &str| plain_name(file, what, name).map(|name| format!("{IMAGES}/{id}/{name}"));
    let first =
        turns.first().ok_or_else(|| RoundsError::malformed(file, format!("session `{id}` has no turn")))?;
    let source = below("the input", &first.input)?;
    for (before, turn) in turns.iter().zip(&turns[1..]) {
        if turn.input != before.output {
            let detail = format!(
                "session `{id}` continues from `{}`, not from `{}`",
                turn.input.escape_debug(),
                before.output
            );
            return Err(RoundsError::malformed(file, detail));
        }
    }
    let rounds = turns
        .iter()
        .map(|turn| {
            Ok(Round {
                instruction: turn.instruction.clone(),
                target_caption: captions.get(&id).and_then(|texts| texts.get(&turn.output)).cloned(),
                target: Some(below("the output", &turn.output)?),
                mask: Some(Mask { file: below("the mask", &turn.mask)?, edited: MaskedPart::Transparent }),
                ..Round::default()
            })
        })
        .collect::<Result<_, RoundsError>>()?;
    Ok(Session { source: Some(source), rounds, id, category: None })
}
