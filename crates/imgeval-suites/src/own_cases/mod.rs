//! Cases of the user's own as a suite of the registry.

use std::collections::BTreeMap;

use imgeval_core::CaseId;

use crate::{
    files::{SuiteError, SuiteFiles},
    geneval::{NameTemplate, find_by_number},
    suite::{FoundAnswers, Parameters, ScoredBy, Suite, SuiteCase, SuiteCases, SuiteFacts},
    summary::{Combine, PartRule, Scheme, TotalRule},
};

#[derive(Debug)]
pub(crate) struct OwnCases;

/// What runs of it name as their suite.
pub const ID: &str = "cases";

static FACTS: SuiteFacts = SuiteFacts {
    id: ID,
    about: "Cases of your own, from a file",
    title: "Own cases: mean score by tag; overall every image counts the same",
    cases: "as many as the file has",
    judged_by: "nobody yet",
    source: "a file of yours",
    licence: "yours",
    prompts: "one's own cases, which have no scoring rules",
    prompts_note: Some("own cases"),
    decimals: 3,
    summary_version: 1,
    is_overall_first: false,
    scored_by: ScoredBy::Nothing,
    source_data: None,
    rewrite_of: None,
    has_official_rows: false,
};

impl Suite for OwnCases {
    fn facts(&self) -> &'static SuiteFacts {
        &FACTS
    }

    /// Parts are the tags, in the order of their names.
    fn scheme(&self, cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        let tags: std::collections::BTreeSet<&str> = cases.values().map(|case| case.tag.as_str()).collect();
        let part = |(place, tag): (usize, &str)| PartRule {
            name: tag.to_owned(),
            column: tag.to_owned(),
            key: 20 + place as u64,
            weight: None,
        };
        let parts: Vec<PartRule> = tags.into_iter().enumerate().map(part).collect();
        let all = (0..parts.len()).collect();
        let overall = TotalRule {
            name: "overall".to_owned(),
            has_column: true,
            combine: Combine::EveryImage { key: 11, parts: all },
        };
        Scheme { parts, totals: vec![overall] }
    }

    fn part_of(&self, scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        scheme.find(&case.tag)
    }

    fn load(&self, _files: &SuiteFiles, _parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        Err(SuiteError::Parameters { detail: "cases of your own come from a file".to_owned() })
    }

    fn find_answers(
        &self,
        place: &str,
        template: Option<&NameTemplate>,
        cases: &[SuiteCase],
    ) -> Result<FoundAnswers, SuiteError> {
        find_by_number(place, template, cases)
    }
}
