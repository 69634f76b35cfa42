//! The cases of a judged run, as the run itself keeps them.

use std::collections::BTreeMap;

use anyhow::Result;
use imgeval_core::{CaseId, ImageRef};
use imgeval_store::{ListedCase, RunReader};
use imgeval_suites::judged::Field;

use crate::{cases::TaggedCase, failure::CommandError};

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

/// Reads the listing of the run.
///
/// # Errors
/// If it is missing or not as this program writes it.
pub(crate) fn read_cases(run: &RunReader) -> Result<BTreeMap<CaseId, JudgedCase>> {
    let assembled = |case: ListedCase| -> Result<_> {
        let id = case.id.clone();
        let unusable = |detail| CommandError::mendable(format!("the case `{id}`: {detail}"), NEW_RUN);
        Ok((id.clone(), assemble(case).map_err(unusable)?))
    };
    run.cases()?.into_iter().map(assembled).collect()
}

const NEW_RUN: &str = "import or generate again into a new run";

/// The case as the run will keep it.
///
/// # Errors
/// If it has no prompt or names no image where it should.
pub(crate) fn case_of(tagged: &TaggedCase) -> Result<JudgedCase, String> {
    assemble(tagged.listed())
}

fn assemble(case: ListedCase) -> Result<JudgedCase, String> {
    let ListedCase { id, tag, rounds, mut facts } = case;
    let mut rounds = rounds
        .into_iter()
        .map(|round| CaseRound { prompt: round.prompt, image: round.images.into_iter().next() });
    let first = rounds.next().ok_or("it has no prompt")?;
    let later_rounds = rounds.collect();
    let image =
        |name: &String| ImageRef::from_file_name(name).ok_or(format!("`{name}` is no image of the run"));
    let mask = facts.get("mask").map(image).transpose()?;
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
