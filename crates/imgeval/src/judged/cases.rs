//! The cases of a judged run, as the run itself keeps them.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use imgeval_core::CaseId;
use imgeval_runner::StoredInput;
use imgeval_suites::judged::Field;
use serde::Deserialize;

use super::data::parse_image_name;
use crate::{
    cases::{LISTING, TaggedCase},
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
    pub(crate) source: Option<StoredInput>,
    pub(crate) mask: Option<StoredInput>,
}

impl JudgedCase {
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
    let text = fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
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
    let Line { id, tag, rounds, facts } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let round = rounds.into_iter().next().ok_or("it has no prompt")?;
    let source = round.images.first().map(|name| image(name)).transpose()?;
    assemble(CaseId::new(id), tag, round.prompt, source, facts)
}

/// The case as the run will keep it.
///
/// # Errors
/// If it has no prompt or names no image where it should.
pub(crate) fn case_of(tagged: &TaggedCase) -> Result<JudgedCase, String> {
    let round = tagged.case.rounds.first().ok_or("it has no prompt")?;
    let (id, tag) = (tagged.case.id.clone(), tagged.tag.clone());
    assemble(id, tag, round.prompt.clone(), round.images.first().cloned(), tagged.facts.clone())
}

fn image(name: &str) -> Result<StoredInput, String> {
    parse_image_name(name).ok_or_else(|| format!("`{name}` is no image of the run"))
}

fn assemble(
    id: CaseId,
    tag: String,
    prompt: String,
    source: Option<StoredInput>,
    mut facts: BTreeMap<String, String>,
) -> Result<JudgedCase, String> {
    let mask = facts.get("mask").map(|name| image(name)).transpose()?;
    let mut fact = |name: &str| facts.remove(name).unwrap_or_default();
    Ok(JudgedCase {
        id,
        tag,
        prompt,
        explanation: fact("explanation"),
        subcategory: fact("subcategory"),
        target_text: fact("target"),
        source,
        mask,
    })
}
