//! The user's own cases as a suite of the registry. Checks, stored among the facts of each case, say what must hold
//! for an image.

mod facts;
mod holds;

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::CaseId;

pub use facts::{CheckFacts, settle_checks, write_facts};
use facts::{WEIGHT, checks_of};
pub(crate) use holds::Holds;

use crate::{
    checks::{self, CaseChecks},
    files::{SuiteError, SuiteFiles},
    geneval::{Metadata, NameTemplate, find_by_number},
    judged::{Attachment, Field, JudgeProtocol, ReplyFormat},
    registry,
    suite::{FoundAnswers, JudgedFacts, Parameters, ScoredBy, Suite, SuiteCase, SuiteCases, SuiteFacts},
    summary::{Combine, PartRule, Scheme, TotalRule},
};

#[derive(Debug)]
pub(crate) struct OwnCases;

/// What runs of it name as their suite.
pub const ID: &str = "cases";

static FACTS: SuiteFacts = SuiteFacts {
    id: ID,
    about: "Your own cases, from a file",
    title: "Own cases: mean score by tag; overall by the weights in the file, otherwise every image counts equally",
    cases: "as many as the file has",
    judged_by: "a detector or a judge, as the checks say",
    source: "your own file",
    licence: "yours",
    prompts: "one's own cases",
    prompts_note: Some("own cases"),
    decimals: 3,
    summary_version: 1,
    is_overall_first: false,
    scored_by: ScoredBy::Checks(&JUDGED),
    source_data: None,
    rewrite_of: None,
    has_official_rows: false,
    has_controls: false,
};

static JUDGED: JudgedFacts = JudgedFacts {
    protocol_suite: ID,
    protocols: checks::OWN_PROTOCOLS,
    asked: checks::OWN_PROTOCOLS,
    fields: &[Field::Prompt, Field::Instruction, Field::Question],
    attachments: &[Attachment::Answer],
    replies: &[
        ReplyFormat(&checks::ONE_WORD),
        ReplyFormat(&checks::WORD_PROBABILITY),
        ReplyFormat(&checks::NumberedAnswers),
        ReplyFormat(&Holds),
    ],
    people_reply: ReplyFormat(&Holds),
    people_see: "{prompt}",
    has_edit_metrics: false,
    wording_note: None,
};

impl Suite for OwnCases {
    fn facts(&self) -> &'static SuiteFacts {
        &FACTS
    }

    /// Parts are the tags, in the order of their names.
    fn scheme(&self, cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        let tags: BTreeSet<&str> = cases.values().map(|case| case.tag.as_str()).collect();
        let weights = weights_of(&tags, cases);
        let part = |(place, tag): (usize, &str)| PartRule {
            name: tag.to_owned(),
            column: tag.to_owned(),
            key: 20 + place as u64,
            weight: weights.as_ref().map(|weights| weights[place]),
        };
        let n_tags = tags.len();
        let parts: Vec<PartRule> = tags.into_iter().enumerate().map(part).collect();
        let combine = match weights {
            Some(_) => Combine::WeightedParts,
            None => Combine::EveryImage { key: 11, parts: (0..n_tags).collect() },
        };
        Scheme { parts, totals: vec![TotalRule { name: "overall".to_owned(), has_column: true, combine }] }
    }

    fn part_of(&self, scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        scheme.find(&case.tag)
    }

    fn has_rules(&self, cases: &BTreeMap<CaseId, SuiteCase>) -> bool {
        cases.values().any(facts::has_checks)
    }

    fn checks(&self, case: &SuiteCase) -> Result<Option<CaseChecks>, SuiteError> {
        checks_of(case)
    }

    fn asked_for(&self, cases: &BTreeMap<CaseId, SuiteCase>) -> Vec<&'static str> {
        let named: BTreeSet<String> = cases.values().flat_map(names_asked).collect();
        let rubrics = registry::protocols().into_iter().map(|(id, _)| id);
        checks::OWN_PROTOCOLS.iter().copied().chain(rubrics).filter(|id| named.contains(*id)).collect()
    }

    fn asks(&self, protocol: &str, case: &SuiteCase) -> bool {
        names_asked(case).iter().any(|name| name == protocol)
    }

    fn fields<'a>(&self, protocol: &str, case: &'a SuiteCase) -> BTreeMap<Field, &'a str> {
        let mut fields = case.fields();
        if checks::is_question(protocol) {
            fields.insert(Field::Question, case.fact(protocol));
        }
        fields
    }

    fn objects_of(&self, case: &SuiteCase) -> Result<Option<Box<Metadata>>, SuiteError> {
        Ok(checks_of(case)?.and_then(|checks| checks.objects().cloned()).map(Box::new))
    }

    fn protocol(&self, id: &str, files: &SuiteFiles) -> Result<Option<JudgeProtocol>, SuiteError> {
        if let Some(protocol) = checks::own_protocol(id) {
            return Ok(Some(protocol));
        }
        match registry::protocols().into_iter().find(|(known, _)| *known == id) {
            Some((_, suite)) => suite.protocol(id, files),
            None => Ok(None),
        }
    }

    fn load(&self, _files: &SuiteFiles, _parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        Err(SuiteError::Parameters { detail: "your own cases come from a file".to_owned() })
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

/// The protocols that the checks of a case are asked by; those that cannot be understood ask nobody.
fn names_asked(case: &SuiteCase) -> Vec<String> {
    let checks = checks_of(case).ok().flatten();
    checks.iter().flat_map(CaseChecks::judged).map(|check| check.name.clone()).collect()
}

/// The share of each tag, in their order; `None` if the file gives no weights.
fn weights_of(tags: &BTreeSet<&str>, cases: &BTreeMap<CaseId, SuiteCase>) -> Option<Vec<f64>> {
    let weight = |tag: &&str| {
        let of_tag = cases.values().filter(|case| case.tag == **tag);
        of_tag.filter_map(|case| case.fact(WEIGHT).parse::<f64>().ok()).find(|weight| *weight > 0.0)
    };
    let weights: Vec<f64> = tags.iter().map(weight).collect::<Option<_>>()?;
    let total: f64 = weights.iter().sum();
    (total > 0.0).then(|| weights.iter().map(|weight| weight / total).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{checks::Rule, suite::CaseRound};

    fn case(id: &str, tag: &str, weight: Option<f64>) -> SuiteCase {
        let mut case = SuiteCase {
            id: CaseId::new(id),
            tag: tag.to_owned(),
            rounds: vec![CaseRound { prompt: "a red cup".to_owned(), ..CaseRound::default() }],
            facts: BTreeMap::new(),
            objects: None,
        };
        let checks = json!([
            {"kind": "question", "question": "Is it red?", "answer": "yes"},
            {"kind": "question", "question": "Is it a cup?", "answer": "yes"},
            {"kind": "objects", "tag": "single_object", "include": [{"class": "cup", "count": 1}]},
        ]);
        let facts = CheckFacts { checks: Some(&checks), rule: Rule::All, weight, explanation: None };
        write_facts(&mut case, &facts).unwrap();
        case
    }

    fn cases(cases: impl IntoIterator<Item = SuiteCase>) -> BTreeMap<CaseId, SuiteCase> {
        cases.into_iter().map(|case| (case.id.clone(), case)).collect()
    }

    #[test]
    fn checks_are_read_back_from_the_facts_of_a_case() {
        let own = registry::own_cases();
        let case = case("a", "t", None);
        let checks = own.checks(&case).unwrap().unwrap();
        assert_eq!(checks.checks().len(), 3);
        assert!(own.asks("question-2", &case) && !own.asks("question-3", &case));
        assert_eq!(own.fields("question-2", &case)[&Field::Question], "Is it a cup?");
        assert_eq!(own.objects_of(&case).unwrap().unwrap().prompt, "a red cup");
        assert_eq!(own.asked_for(&cases([case.clone()])), ["question", "question-2"]);
        assert!(own.has_rules(&cases([case.clone()])));
        assert!(!own.has_rules(&cases([SuiteCase { facts: BTreeMap::new(), ..case.clone() }])));
        let damaged = SuiteCase { facts: BTreeMap::from([("checks".to_owned(), "[".to_owned())]), ..case };
        own.checks(&damaged).unwrap_err();
    }

    #[test]
    fn a_file_has_checks_everywhere_or_nowhere_and_one_weight_for_each_tag() {
        let settle = |cases: [SuiteCase; 2]| {
            let mut cases = cases;
            settle_checks(&mut cases).map(|()| cases)
        };
        let settled = settle([case("a", "x", Some(2.0)), case("b", "x", None)]).unwrap();
        assert_eq!(settled[1].fact(WEIGHT), "2");
        let error = |cases| settle(cases).unwrap_err();
        assert!(
            error([case("a", "x", Some(2.0)), case("b", "x", Some(1.0))]).contains("two weights, 2 and 1")
        );
        assert!(error([case("a", "x", Some(2.0)), case("b", "y", None)]).contains("`y` has no weight"));
        let plain = SuiteCase { facts: BTreeMap::new(), ..case("b", "x", None) };
        assert!(error([case("a", "x", None), plain]).contains("case b has no checks"));
    }

    #[test]
    fn weights_make_the_overall_score_where_the_file_gives_them() {
        let own = registry::own_cases();
        let scheme = own.scheme(&cases([case("a", "x", Some(1.0)), case("b", "y", Some(3.0))]));
        assert_eq!(scheme.totals[0].combine, Combine::WeightedParts);
        assert_eq!(scheme.parts.iter().map(|part| part.weight).collect::<Vec<_>>(), [Some(0.25), Some(0.75)]);
        let scheme = own.scheme(&cases([case("a", "x", None), case("b", "y", None)]));
        assert_eq!(scheme.totals[0].combine, Combine::EveryImage { key: 11, parts: vec![0, 1] });
    }
}
