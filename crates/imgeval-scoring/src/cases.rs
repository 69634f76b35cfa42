//! The cases of a run: derived from its suite's parameters, or as listed by the run itself.

use std::collections::BTreeMap;

use imgeval_core::CaseId;
use imgeval_store::{ListedCase, ListedRound, Manifest, RunReader};
use imgeval_suites::{
    registry,
    suite::{CaseRound, SuiteCase, SuiteRef},
};

use crate::ScoringError;

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
pub fn read_cases(reader: &RunReader, suite: SuiteRef) -> Result<BTreeMap<CaseId, SuiteCase>, ScoringError> {
    let cases = match suite.cases_of_parameters(&reader.manifest().parameters)? {
        Some(cases) => cases,
        None => {
            let mut cases: Vec<SuiteCase> = reader.cases()?.into_iter().map(case_of).collect();
            for case in &mut cases {
                case.objects = suite.objects_of(case)?;
            }
            cases
        }
    };
    Ok(cases.into_iter().map(|case| (case.id.clone(), case)).collect())
}

/// A case as the run lists it.
fn case_of(listed: ListedCase) -> SuiteCase {
    let ListedCase { id, tag, rounds, facts } = listed;
    let round = |ListedRound { prompt, images, mask }: ListedRound| CaseRound { prompt, images, mask };
    SuiteCase { id, tag, rounds: rounds.into_iter().map(round).collect(), facts, objects: None }
}

/// A case as a run is to list it.
#[must_use]
pub fn listed_case(case: &SuiteCase) -> ListedCase {
    let round = |round: &CaseRound| {
        let CaseRound { prompt, images, mask } = round.clone();
        ListedRound { prompt, images, mask }
    };
    ListedCase {
        id: case.id.clone(),
        tag: case.tag.clone(),
        rounds: case.rounds.iter().map(round).collect(),
        facts: case.facts.clone(),
    }
}
