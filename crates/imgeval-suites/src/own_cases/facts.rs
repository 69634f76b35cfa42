//! Checks among the facts of a case, which a run keeps in its listing.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    checks::{CaseChecks, CheckedCase, Rule},
    files::SuiteError,
    suite::SuiteCase,
};

const CHECKS: &str = "checks";
const RULE: &str = "rule";
const EXPLANATION: &str = "explanation";
/// The questions with their answers, for people.
const QUESTIONS: &str = "questions";
pub(super) const WEIGHT: &str = "weight";

/// What a file says of how a case is scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckFacts<'a> {
    /// The value of `checks`.
    pub checks: Option<&'a Value>,
    pub rule: Rule,
    /// Of the case's tag in the overall score.
    pub weight: Option<f64>,
    /// What the prompt means, for rubrics that name it.
    pub explanation: Option<&'a str>,
}

/// Adds the file's facts to a case that already has its prompt and images.
///
/// # Errors
/// If a check cannot be used; the message says which and why.
pub fn write_facts(case: &mut SuiteCase, given: &CheckFacts<'_>) -> Result<(), String> {
    let mut put = |name: &str, value: String| case.facts.insert(name.to_owned(), value);
    if let Some(explanation) = given.explanation {
        put(EXPLANATION, explanation.to_owned());
    }
    if let Some(weight) = given.weight {
        put(WEIGHT, weight.to_string());
    }
    let Some(value) = given.checks else { return Ok(()) };
    put(CHECKS, value.to_string());
    if given.rule != Rule::default() {
        put(RULE, given.rule.name().to_owned());
    }
    let checks = CaseChecks::read(value, given.rule, &about(case))?;
    let mut questions = Vec::new();
    for named in checks.checks() {
        if let Some(question) = named.question() {
            questions.push(question.to_owned());
            case.facts.insert(named.name.clone(), question.to_owned());
        }
    }
    if !questions.is_empty() {
        case.facts.insert(QUESTIONS.to_owned(), questions.join("\n"));
    }
    case.objects = checks.objects().cloned().map(Box::new);
    Ok(())
}

/// Holds the checks of a whole file against each other, and gives the weight of a tag to each of its cases.
///
/// # Errors
/// If only some of the cases have checks, or the weights of tags are contradictory or not all there.
pub fn settle_checks(cases: &mut [SuiteCase]) -> Result<(), String> {
    let n_checked = cases.iter().filter(|case| has_checks(case)).count();
    if let Some(without) = cases.iter().find(|case| n_checked > 0 && !has_checks(case)) {
        return Err(format!(
            "case {} has no checks, although others have; add checks to all of them",
            without.id
        ));
    }
    let mut weights: BTreeMap<String, Option<String>> = BTreeMap::new();
    for case in cases.iter() {
        let given = case.facts.get(WEIGHT).cloned();
        let known = weights.entry(case.tag.clone()).or_default();
        if let (Some(known), Some(given)) = (&*known, &given)
            && known != given
        {
            return Err(format!(
                "the tag `{}` has two weights, {known} and {given}",
                case.tag.escape_debug()
            ));
        }
        *known = given.or(known.take());
    }
    if let Some((tag, _)) = weights.iter().find(|(_, weight)| weight.is_none())
        && weights.values().any(Option::is_some)
    {
        return Err(format!("the tag `{}` has no weight, although others have", tag.escape_debug()));
    }
    for case in cases {
        if let Some(Some(weight)) = weights.get(&case.tag) {
            case.facts.insert(WEIGHT.to_owned(), weight.clone());
        }
    }
    Ok(())
}

pub(super) fn has_checks(case: &SuiteCase) -> bool {
    case.facts.contains_key(CHECKS)
}

/// The checks of a case as [`write_facts`] put them there; `None` if it has none.
pub(super) fn checks_of(case: &SuiteCase) -> Result<Option<CaseChecks>, SuiteError> {
    let Some(text) = case.facts.get(CHECKS) else { return Ok(None) };
    let damaged =
        |detail: String| SuiteError::Unusable { detail: format!("the checks of case {}: {detail}", case.id) };
    let value: Value = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    let rule = case.facts.get(RULE).map_or(Ok(Rule::default()), |name| Rule::from_name(name));
    CaseChecks::read(&value, rule.map_err(damaged)?, &about(case)).map(Some).map_err(damaged)
}

fn about(case: &SuiteCase) -> CheckedCase<'_> {
    CheckedCase {
        prompt: case.prompt(),
        has_image: case.source().is_some(),
        has_mask: case.rounds.first().is_some_and(|round| round.mask.is_some()),
        has_explanation: !case.fact(EXPLANATION).is_empty(),
    }
}
