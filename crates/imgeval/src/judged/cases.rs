//! The cases of a judged run, as the run itself keeps them.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use imgeval_core::{CaseId, ImageRef, json::from_json_str};
use imgeval_suites::judged::Field;
use serde::Deserialize;

use super::data::parse_image_name;
use crate::{
    cases::{LISTING, MAX_LISTING_BYTES, TaggedCase},
    failure::CommandError,
};

/// One case with everything that a judge may be told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JudgedCase {
    pub(crate) id: CaseId,
    /// WISE's category, Reason-Edit's folder.
    pub(crate) tag: String,
    /// The prompt, or the instruction of an edit.
    pub(crate) prompt: String,
    pub(crate) explanation: String,
    pub(crate) subcategory: String,
    /// What the edited place should show.
    pub(crate) target_text: String,
    pub(crate) source: Option<ImageRef>,
    pub(crate) mask: Option<ImageRef>,
    /// What is asked after the first answer, round by round.
    pub(crate) later_rounds: Vec<CaseRound>,
}

/// A round of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseRound {
    pub(crate) prompt: String,
    /// The first picture that is sent along.
    pub(crate) image: Option<ImageRef>,
}

impl JudgedCase {
    /// Prompt and first picture of a round, counted from 1; those of the first round where there is no such round.
    pub(crate) fn asked_in(&self, round: u32) -> (&str, Option<&ImageRef>) {
        let later = usize::try_from(round).ok().and_then(|round| round.checked_sub(2));
        match later.and_then(|later| self.later_rounds.get(later)) {
            Some(later) => (&later.prompt, later.image.as_ref()),
            None => (&self.prompt, self.source.as_ref()),
        }
    }

    /// What a protocol's wording may name.
    pub(crate) fn fields(&self) -> BTreeMap<Field, &str> {
        BTreeMap::from([
            (Field::Prompt, self.prompt.as_str()),
            (Field::Instruction, self.prompt.as_str()),
            (Field::Explanation, self.explanation.as_str()),
        ])
    }
}

#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    tag: String,
    rounds: Vec<Round>,
    #[serde(default)]
    facts: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Round {
    prompt: String,
    images: Vec<String>,
}

/// Reads the listing of the run.
///
/// # Errors
/// If it is missing or not as this program writes it.
pub(crate) fn read_cases(run: &Path) -> Result<BTreeMap<CaseId, JudgedCase>> {
    let path = run.join(LISTING);
    let text = imgeval_files::read_text(&path, MAX_LISTING_BYTES)
        .with_context(|| format!("could not read `{}`", path.display()))?;
    let mut cases = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let case = parse_case(line).map_err(|detail| {
            let message = format!("`{}`, line {}: {detail}", path.display(), number + 1);
            CommandError::mendable(message, "import or generate again into a new run")
        })?;
        cases.insert(case.id.clone(), case);
    }
    Ok(cases)
}

fn parse_case(line: &str) -> Result<JudgedCase, String> {
    let Line { id, tag, rounds, facts } = from_json_str(line).map_err(|error| error.to_string())?;
    let mut rounds = rounds.into_iter().map(|round| -> Result<CaseRound, String> {
        let image = round.images.first().map(|name| image(name)).transpose()?;
        Ok(CaseRound { prompt: round.prompt, image })
    });
    let first = rounds.next().ok_or("it has no prompt")??;
    let later = rounds.collect::<Result<_, _>>()?;
    assemble(CaseId::new(id), tag, first, later, facts)
}

/// The case as the run will keep it.
///
/// # Errors
/// If it has no prompt or names no image where it should.
pub(crate) fn case_of(tagged: &TaggedCase) -> Result<JudgedCase, String> {
    let mut rounds = tagged
        .case
        .rounds
        .iter()
        .map(|round| CaseRound { prompt: round.prompt.clone(), image: round.images.first().cloned() });
    let first = rounds.next().ok_or("it has no prompt")?;
    let (id, tag) = (tagged.case.id.clone(), tagged.tag.clone());
    assemble(id, tag, first, rounds.collect(), tagged.facts.clone())
}

fn image(name: &str) -> Result<ImageRef, String> {
    parse_image_name(name).ok_or_else(|| format!("`{name}` is no image of the run"))
}

fn assemble(
    id: CaseId,
    tag: String,
    first: CaseRound,
    later_rounds: Vec<CaseRound>,
    mut facts: BTreeMap<String, String>,
) -> Result<JudgedCase, String> {
    let mask = facts.get("mask").map(|name| image(name)).transpose()?;
    let mut fact = |name: &str| facts.remove(name).unwrap_or_default();
    Ok(JudgedCase {
        id,
        tag,
        prompt: first.prompt,
        explanation: fact("explanation"),
        subcategory: fact("subcategory"),
        target_text: fact("target"),
        source: first.image,
        mask,
        later_rounds,
    })
}
