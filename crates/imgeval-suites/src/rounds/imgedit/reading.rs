//! What the rounds of the published sessions say about earlier rounds: `reading.json`, made by a person who read the published files. It
//! names sessions and rounds and repeats none of their text.

use std::collections::BTreeMap;

use imgeval_core::ContentHash;
use serde::Deserialize;

use super::Part;
use crate::rounds::{Constraint, History, RoundsError, Session, Version};

const FORMAT: &str = "imgeval/imgedit-reading/1";
const PUBLISHED: &str = include_str!("reading.json");

/// Notes on sessions, by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    parts: BTreeMap<Part, PartReading>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PartReading {
    /// Of the annotation file that was read.
    sha256: String,
    /// By id and round.
    sessions: BTreeMap<String, BTreeMap<usize, History>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadingFile {
    format: String,
    parts: BTreeMap<String, PartFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartFile {
    sha256: String,
    sessions: BTreeMap<String, BTreeMap<usize, RoundFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundFile {
    /// 0 is the source.
    base: Option<usize>,
    #[serde(default)]
    keep: Vec<usize>,
    #[serde(default)]
    undo: Vec<usize>,
    refers_to: Option<usize>,
    constraint: Option<ConstraintFile>,
    #[serde(default)]
    must_equal_base: bool,
    ambiguity: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstraintFile {
    about: String,
    given_in: usize,
}

/// Our reading of the published sessions.
///
/// # Errors
/// If the file that this program was built with is broken, which a test rules out.
pub fn published_reading() -> Result<Reading, RoundsError> {
    parse_reading("reading.json", PUBLISHED)
}

/// Reads notes of the same format.
///
/// # Errors
/// If the text is not of the format, or a round speaks of itself or a later one.
pub fn parse_reading(file: &str, text: &str) -> Result<Reading, RoundsError> {
    let malformed = |detail: String| RoundsError::malformed(file, detail);
    let read: ReadingFile = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    if read.format != FORMAT {
        return Err(malformed(format!("it has the format `{}`, not `{FORMAT}`", read.format)));
    }
    let mut parts = BTreeMap::new();
    for (name, part) in read.parts {
        let known = Part::ALL.into_iter().find(|part| part.folder() == name);
        let key = known.ok_or_else(|| malformed(format!("unknown part `{name}`")))?;
        let mut sessions = BTreeMap::new();
        for (id, rounds) in part.sessions {
            let rounds = rounds.into_iter().map(|(round, note)| match history(round, note) {
                Some(history) => Ok((round, history)),
                None => {
                    Err(malformed(format!("round {round} of `{id}` refers to a round that is not before it")))
                }
            });
            sessions.insert(id.clone(), rounds.collect::<Result<_, _>>()?);
        }
        parts.insert(key, PartReading { sha256: part.sha256, sessions });
    }
    Ok(Reading { parts })
}

fn history(round: usize, note: RoundFile) -> Option<History> {
    let given_in = note.constraint.as_ref().map(|constraint| constraint.given_in);
    let earlier = note.keep.iter().chain(&note.undo).chain(&note.refers_to);
    let is_earlier = earlier
        .chain(&given_in.filter(|given_in| *given_in != round))
        .all(|other| (1..round).contains(other));
    if !is_earlier || note.base.is_some_and(|base| base >= round) {
        return None;
    }
    Some(History {
        base: note.base.map(|base| if base == 0 { Version::Source } else { Version::Round(base) }),
        keep: note.keep,
        undo: note.undo,
        refers_to: note.refers_to,
        constraint: note.constraint.map(|ConstraintFile { about, given_in }| Constraint { about, given_in }),
        must_equal_base: note.must_equal_base,
        ambiguity: note.ambiguity,
    })
}

impl Reading {
    /// Adds the notes to the sessions of a part. Nothing is added, and `false` is returned, if the text of the part's file is not the
    /// one that was read: other instructions may mean something else.
    pub fn annotate(&self, part: Part, text: &str, sessions: &mut [Session]) -> bool {
        let Some(reading) = self.parts.get(&part) else { return false };
        if ContentHash::of(text.as_bytes()).as_str() != reading.sha256 {
            return false;
        }
        for session in sessions {
            let Some(notes) = reading.sessions.get(&session.id) else { continue };
            for (place, round) in session.rounds.iter_mut().enumerate() {
                round.history = notes.get(&(place + 1)).cloned();
            }
        }
        true
    }

    /// The notes on a round, counted from 1.
    #[must_use]
    pub fn round(&self, part: Part, id: &str, round: usize) -> Option<&History> {
        self.parts.get(&part)?.sessions.get(id)?.get(&round)
    }
}
