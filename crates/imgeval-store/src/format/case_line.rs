//! A line of `cases.jsonl`: the request, with images by their names in the run.

use std::collections::BTreeMap;

use imgeval_core::{CaseId, ImageRef, json::from_json_str};
use serde::{Deserialize, Serialize};

/// One case of a run: what is asked, and what scoring needs besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCase {
    pub id: CaseId,
    /// The part of the suite that it belongs to; may be empty.
    pub tag: String,
    /// At least one.
    pub rounds: Vec<ListedRound>,
    /// What scoring needs besides, by name.
    pub facts: BTreeMap<String, String>,
}

/// One round of a case: most cases have no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRound {
    pub prompt: String,
    /// The images that are sent along.
    pub images: Vec<ImageRef>,
    /// Where the first image may be changed.
    pub mask: Option<ImageRef>,
}

/// Lines without a version are of version 1, and no other was ever written.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct CaseLine {
    #[serde(default = "first_version", skip_serializing)]
    version: u32,
    id: String,
    tag: String,
    rounds: Vec<RoundLine>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RoundLine {
    prompt: String,
    images: Vec<String>,
    #[serde(default)]
    mask: Option<String>,
}

fn first_version() -> u32 {
    VERSION
}

impl ListedCase {
    /// The case as a line of `cases.jsonl`, its end included. Equal cases give equal lines, wherever their files lay.
    #[must_use]
    pub fn render(&self) -> String {
        let round = |round: &ListedRound| RoundLine {
            prompt: round.prompt.clone(),
            images: round.images.iter().map(ImageRef::file_name).collect(),
            mask: round.mask.as_ref().map(ImageRef::file_name),
        };
        let line = CaseLine {
            version: VERSION,
            id: self.id.as_str().to_owned(),
            tag: self.tag.clone(),
            rounds: self.rounds.iter().map(round).collect(),
            facts: self.facts.clone(),
        };
        // Text, lists of text and maps by text cannot fail to be written.
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    }

    /// Parses a line written by [`Self::render`] in this or an older version.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let line: CaseLine = from_json_str(line).map_err(|error| error.to_string())?;
        if line.version > VERSION {
            return Err(format!("case format {} is newer than this version can read", line.version));
        }
        let image = |name: &String| {
            ImageRef::from_file_name(name).ok_or_else(|| format!("`{name}` is not an image of the run"))
        };
        let round = |round: RoundLine| -> Result<ListedRound, String> {
            let images = round.images.iter().map(image).collect::<Result<_, _>>()?;
            let mask = round.mask.as_ref().map(image).transpose()?;
            Ok(ListedRound { prompt: round.prompt, images, mask })
        };
        let rounds = line.rounds.into_iter().map(round).collect::<Result<Vec<_>, _>>()?;
        if rounds.is_empty() {
            return Err("it has no prompt".to_owned());
        }
        Ok(Self { id: CaseId::new(line.id), tag: line.tag, rounds, facts: line.facts })
    }

    /// Whether request and scoring are the same; the tag only groups.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.rounds == other.rounds && self.facts == other.facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// As version 0.1.0 wrote them; they must be read and written byte for byte.
    #[test]
    fn lines_without_a_version_are_read_and_written_as_they_were() {
        let plain =
            r#"{"id":"a1","tag":"","rounds":[{"prompt":"a \"lamp\" \u001b ü","images":[],"mask":null}]}"#;
        let edit = format!(
            r#"{{"id":"e","tag":"color","rounds":[{{"prompt":"p","images":["{HASH}.png"],"mask":"{HASH}.jpg"}}],"facts":{{"mask":"{HASH}.png","target":""}}}}"#
        );
        for line in [plain, &edit] {
            let case = ListedCase::parse(line).unwrap();
            assert_eq!(case.render(), format!("{line}\n"));
        }
        let case = ListedCase::parse(&edit).unwrap();
        assert_eq!((case.rounds[0].images.len(), case.facts["target"].as_str()), (1, ""));
    }

    #[test]
    fn what_cannot_be_understood_is_refused_not_guessed() {
        let check = |line: &str, reason: &str| {
            let error = ListedCase::parse(line).unwrap_err();
            assert!(error.contains(reason), "{error}");
        };
        check("[]", "invalid");
        check(r#"{"id":"x","tag":"","rounds":[]}"#, "no prompt");
        check(r#"{"version":2,"id":"x","tag":"","rounds":[]}"#, "case format 2 is newer");
        check(
            r#"{"id":"x","tag":"","rounds":[{"prompt":"p","images":["../x.png"],"mask":null}]}"#,
            "`../x.png` is not an image of the run",
        );
    }
}
