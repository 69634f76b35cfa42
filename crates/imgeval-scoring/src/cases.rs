//! The cases of a run: told by its suite's parameters, or as the run itself lists them.

use std::{collections::BTreeMap, io, path::Path};

use imgeval_core::{CaseId, ImageRef, json::from_json_str};
use imgeval_store::Manifest;
use imgeval_suites::{
    registry,
    suite::{CaseRound, SuiteCase, SuiteRef},
};
use serde::Deserialize;

use crate::ScoringError;

/// Where a run keeps its cases.
pub const LISTING: &str = "cases.jsonl";
/// Of all calls of a run together.
pub const MAX_LISTING_BYTES: u64 = 1 << 30;

/// The suite that a run is of.
///
/// # Errors
/// If this version does not know it.
pub fn suite_of(manifest: &Manifest) -> Result<SuiteRef, ScoringError> {
    registry::find(&manifest.suite)
        .ok_or_else(|| ScoringError::UnknownSuite { suite: manifest.suite.clone() })
}

/// The cases that a run was made for.
///
/// # Errors
/// If its parameters name no suite, or its listing is missing or damaged.
pub fn read_cases(
    directory: &Path,
    manifest: &Manifest,
    suite: SuiteRef,
) -> Result<BTreeMap<CaseId, SuiteCase>, ScoringError> {
    let cases = match suite.cases_of_parameters(&manifest.parameters)? {
        Some(cases) => cases,
        None => read_listing(directory)?,
    };
    Ok(cases.into_iter().map(|case| (case.id.clone(), case)).collect())
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
    #[serde(default)]
    mask: Option<String>,
}

fn read_listing(run: &Path) -> Result<Vec<SuiteCase>, ScoringError> {
    let path = run.join(LISTING);
    let read = |source: io::Error| ScoringError::Read { path: path.clone(), source };
    let text = imgeval_files::read_text(&path, MAX_LISTING_BYTES).map_err(read)?;
    let case = |(number, line): (usize, &str)| {
        parse_case(line).map_err(|detail| ScoringError::Case { path: path.clone(), line: number + 1, detail })
    };
    text.lines().enumerate().map(case).collect()
}

fn parse_case(line: &str) -> Result<SuiteCase, String> {
    let Line { id, tag, rounds, facts } = from_json_str(line).map_err(|error| error.to_string())?;
    let image =
        |name: &String| ImageRef::parse(name).ok_or_else(|| format!("`{name}` is no image of the run"));
    let round = |round: Round| -> Result<CaseRound, String> {
        Ok(CaseRound {
            images: round.images.iter().map(image).collect::<Result<_, _>>()?,
            mask: round.mask.as_ref().map(image).transpose()?,
            prompt: round.prompt,
        })
    };
    let rounds = rounds.into_iter().map(round).collect::<Result<Vec<_>, _>>()?;
    if rounds.is_empty() {
        return Err("it has no prompt".to_owned());
    }
    if let Some(mask) = facts.get("mask") {
        image(mask)?;
    }
    Ok(SuiteCase { id: CaseId::new(id), tag, rounds, facts, objects: None })
}
