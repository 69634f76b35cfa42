//! Reading `lme_bench.json`.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;

use crate::rounds::{
    Round, RoundsError, Session,
    error::{self, plain_name},
};

#[derive(Deserialize)]
struct Listing {
    meta: Meta,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Meta {
    name: String,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    category: Option<String>,
    turns: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

/// The benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LmeBench {
    pub name: String,
    /// The source of a session is `images/<id>.png`, below the folder of the file.
    pub sessions: Vec<Session>,
    /// Of every session.
    pub n_turns: usize,
}

/// Reads `lme_bench.json` from its file.
///
/// # Errors
/// If it cannot be read, or as [`parse_sessions`].
pub fn read_sessions(path: &Path) -> Result<LmeBench, RoundsError> {
    parse_sessions(&error::name_of(path), &error::read_table(path)?)
}

/// Reads the sessions. The label of a turn (`hard`, `soft` or `local`) becomes its edit type.
///
/// # Errors
/// If the text is not of the format, a session is there twice, has another number of turns or labels than the first, or its id is not a
/// plain name.
pub fn parse_sessions(file: &str, text: &str) -> Result<LmeBench, RoundsError> {
    let malformed = |detail: String| RoundsError::malformed(file, detail);
    let listing: Listing = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    let n_turns = listing.items.first().map_or(0, |item| item.turns.len());
    if n_turns == 0 {
        return Err(malformed("it has no turn".to_owned()));
    }
    let mut ids = BTreeSet::new();
    let session = |item: Item| {
        plain_name(file, "the id", &item.id)?;
        if !ids.insert(item.id.clone()) {
            return Err(malformed(format!("duplicate session `{}`", item.id)));
        }
        let n_labels = item.labels.len();
        if item.turns.len() != n_turns || (n_labels != 0 && n_labels != n_turns) {
            let detail = format!(
                "session `{}` has {} turns and {n_labels} labels, not {n_turns}",
                item.id,
                item.turns.len()
            );
            return Err(malformed(detail));
        }
        let mut labels = item.labels.into_iter();
        let rounds = item
            .turns
            .into_iter()
            .map(|instruction| Round { instruction, edit_type: labels.next(), ..Round::default() })
            .collect();
        let source = Some(format!("images/{}.png", item.id));
        Ok(Session { id: item.id, source, category: item.category, rounds })
    };
    let sessions = listing.items.into_iter().map(session).collect::<Result<_, _>>()?;
    Ok(LmeBench { name: listing.meta.name, sessions, n_turns })
}
