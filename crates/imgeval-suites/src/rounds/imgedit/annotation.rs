//! Reading `annotation.json`, which holds JSON lines despite its name. An array, and an object of objects as in the authors' description, are
//! read as well.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Map, Value};

use crate::rounds::{
    Round, RoundsError, Session,
    error::{plain_name, read_table},
};

const FILE: &str = "annotation.json";

/// A part of the benchmark: what its sessions test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Round 1 gives a rule for all later edits.
    ContentMemory,
    /// Rounds refer to objects of earlier ones.
    ContentUnderstanding,
    /// Rounds go back to earlier versions.
    VersionBacktracking,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::ContentMemory, Self::ContentUnderstanding, Self::VersionBacktracking];

    /// The name of its folder below `multiturn`.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::ContentMemory => "content_memory",
            Self::ContentUnderstanding => "content_understand",
            Self::VersionBacktracking => "version_backtrace",
        }
    }
}

/// Reads a part below the folder `multiturn`, with the text of its file, to which a [`super::Reading`] is held. Sources are relative
/// to `multiturn`, and the category is the name of the part.
///
/// # Errors
/// If the file cannot be read, or as [`parse_annotation`].
pub fn read_part(multiturn: &Path, part: Part) -> Result<(Vec<Session>, String), RoundsError> {
    let text = read_table(&multiturn.join(part.folder()).join(FILE))?;
    let mut sessions = parse_annotation(&format!("{}/{FILE}", part.folder()), &text)?;
    for session in &mut sessions {
        session.source = Some(format!("{}/{}", part.folder(), session.id));
        session.category = Some(part.folder().to_owned());
    }
    Ok((sessions, text))
}

/// Reads the sessions of a file. The id is the name of the source image.
///
/// # Errors
/// If the text is of none of the three shapes; if a session has no id that is a plain name, no turn, a gap between its turns, or a turn that
/// is no text; or if an id is there twice.
pub fn parse_annotation(file: &str, text: &str) -> Result<Vec<Session>, RoundsError> {
    let malformed = |detail: String| RoundsError::malformed(file, detail);
    let items = items(text).map_err(malformed)?;
    let mut ids = BTreeSet::new();
    let mut sessions = Vec::new();
    for item in items {
        let Value::Object(members) = item else {
            return Err(malformed("a session must be an object".to_owned()));
        };
        let id = members
            .get("id")
            .and_then(Value::as_str)
            .ok_or_else(|| malformed("a session has no id".to_owned()))?;
        plain_name(file, "the id", id)?;
        if !ids.insert(id.to_owned()) {
            return Err(malformed(format!("duplicate session `{id}`")));
        }
        let rounds = rounds(&members).map_err(|detail| malformed(format!("session `{id}` {detail}")))?;
        sessions.push(Session { id: id.to_owned(), source: Some(id.to_owned()), category: None, rounds });
    }
    if sessions.is_empty() { Err(malformed("it contains no sessions".to_owned())) } else { Ok(sessions) }
}

fn items(text: &str) -> Result<Vec<Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Array(items)) => Ok(items),
        // One line, or an object of objects.
        Ok(Value::Object(members)) if members.contains_key("id") => Ok(vec![Value::Object(members)]),
        Ok(Value::Object(members)) => Ok(members.into_iter().map(|(_, item)| item).collect()),
        Ok(_) => Err("it contains no sessions".to_owned()),
        Err(_) => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let read = |(place, line): (usize, &str)| {
                serde_json::from_str(line).map_err(|error| format!("line {} is not JSON: {error}", place + 1))
            };
            lines.map(read).collect()
        }
    }
}

fn rounds(members: &Map<String, Value>) -> Result<Vec<Round>, String> {
    let is_turn = |key: &&String| key.starts_with("turn");
    let n_turns = members.keys().filter(is_turn).count();
    if n_turns == 0 {
        return Err("has no turn".to_owned());
    }
    (1..=n_turns)
        .map(|turn| match members.get(&format!("turn{turn}")) {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                Ok(Round { instruction: text.clone(), ..Round::default() })
            }
            Some(_) => Err(format!("has no text for turn {turn}")),
            None => Err(format!("has no turn {turn}, but {n_turns} turns")),
        })
        .collect()
}
