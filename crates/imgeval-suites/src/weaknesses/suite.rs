//! The suite `weaknesses` of the registry.

use std::collections::BTreeMap;

use imgeval_core::{CaseId, ContentHash, ImageFormat, ImageRef, json::from_json_str};
use serde::Deserialize;
use serde_json::Value;

use super::{ID, sources::FILES};
use crate::{
    checks::{self, CaseChecks, Rule},
    files::{SuiteError, SuiteFiles},
    geneval::{Metadata, NameTemplate, find_by_number},
    judged::{Attachment, Field, JudgeProtocol, ReplyFormat},
    own_cases::{self, CheckFacts, OwnCases, write_facts},
    suite::{
        CaseRound, FoundAnswers, ImageSource, JudgedFacts, Parameters, ScoredBy, Suite, SuiteCase,
        SuiteCases, SuiteFacts,
    },
    summary::{Combine, PartRule, Scheme, TotalRule},
};

/// One JSON object a line.
const CASES: &str = include_str!("cases.jsonl");

/// A weakness of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The image comes back changed though it was to stay as it is.
    Identity,
    /// Blur, grain and plainness are polished away.
    Refinement,
    /// An edit changes what lies outside its region.
    Locality,
    /// People, hands and what they do with one another go wrong.
    Scenes,
    /// Writing is wrong.
    Text,
    /// Colors shift as a whole.
    Color,
}

impl Group {
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Refinement, Self::Locality, Self::Scenes, Self::Text, Self::Color];

    /// As cases and tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Refinement => "refinement",
            Self::Locality => "locality",
            Self::Scenes => "scenes",
            Self::Text => "text",
            Self::Color => "color",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// What it asks for and what is measured, in a paragraph.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Identity => {
                "The model is asked to return a source unchanged: 20 sources with different aspect ratios, two of five wordings each. An answer is correct if it registers with its source, and cropping, stretch, tone and content stay within limits that re-encoding meets. Controls: the source re-encoded, and resized to the answer's size and back."
            }
            Self::Refinement => {
                "Blurred, grainy or plain sources are edited and must keep their blur (20 cases); sharp ones are to be blurred (8 cases). An answer is correct if the blur radius stays within 20 % of the source's, or grows by half where blur was requested. Control: the source resized to the answer's size."
            }
            Self::Locality => {
                "Sixteen edits of objects whose region is known, each once with a mask and once in words alone. An answer is correct if tone and content outside the region stay within the limits; without registration, the outside cannot be measured. Control: the source re-encoded."
            }
            Self::Scenes => {
                "Forty prompts with people, hands and interactions. A detector counts the people; a judge answers questions on \
                 anatomy and interaction with yes, no or cannot tell, in shuffled order, a tenth of them twice."
            }
            Self::Text => {
                "Thirty-six signs in English, Chinese, Japanese, Arabic, Russian and mixed scripts, read by a text reader. The score is the share of correct characters. Lines with characters that the reader does not know, such as kana and Arabic letters, cannot be measured."
            }
            Self::Color => {
                "Thirty prompts that name no light, material or style. They have no score of their own, because no color of an image is correct by itself: `imgeval diagnose weaknesses` compares their mean color with that of a reference."
            }
        }
    }

    /// Names the random stream of its bootstrap.
    fn key(self) -> u64 {
        200 + self as u64
    }
}

/// The groups that have a score, in the order of the table.
const SCORED: [Group; 5] = [Group::Identity, Group::Refinement, Group::Locality, Group::Scenes, Group::Text];

#[derive(Debug)]
pub(crate) struct Weaknesses;

/// The checks of its cases are those of own cases, and are read and asked in the same way.
static CHECKS: OwnCases = OwnCases;

static FACTS: SuiteFacts = SuiteFacts {
    id: ID,
    about: "Weaknesses: identity, refinement, locality, scenes, text, color (after arXiv 2504.02782, section 4)",
    title: "Weaknesses: share of answers without the weakness by group; overall is the mean of the groups",
    cases: "206 cases, 6 groups",
    judged_by: "measures, a detector and a judge",
    source: "imgeval's own cases; groups after arXiv 2504.02782, section 4",
    licence: "CC0",
    prompts: "imgeval's own cases",
    prompts_note: Some("a suite of imgeval's own, without published scores"),
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
    protocol_suite: own_cases::ID,
    protocols: &[],
    asked: &[checks::QUESTION_LIST],
    fields: &[Field::Prompt, Field::Instruction, Field::Question],
    attachments: &[Attachment::Answer],
    replies: &[ReplyFormat(&checks::NumberedAnswers)],
    people_reply: ReplyFormat(&own_cases::Holds),
    people_see: "{prompt}",
    has_edit_metrics: false,
    wording_note: None,
};

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLine {
    id: String,
    tag: String,
    prompt: String,
    /// Names of sources.
    image: Option<String>,
    mask: Option<String>,
    /// The writing system of a sign.
    script: Option<String>,
    checks: Option<Value>,
}

fn damaged(detail: String) -> SuiteError {
    SuiteError::Unusable { detail: format!("the cases of {ID}: {detail}") }
}

fn read_cases() -> Result<SuiteCases, SuiteError> {
    let mut found = SuiteCases { is_listed: true, ..SuiteCases::default() };
    let mut hashed = CASES.as_bytes().to_vec();
    for line in CASES.lines() {
        let line: CaseLine = from_json_str(line).map_err(|error| damaged(error.to_string()))?;
        let mut take = |name: &String, extension: &str, format: ImageFormat| {
            let file = format!("{name}.{extension}");
            let (_, bytes) = FILES
                .iter()
                .find(|(known, _)| *known == file)
                .ok_or_else(|| damaged(format!("`{file}` is missing")))?;
            let image = ImageRef { hash: ContentHash::of(bytes), format };
            found.images.insert(image.hash.clone(), (image.clone(), ImageSource::BuiltIn(bytes)));
            Ok::<_, SuiteError>(image)
        };
        let image = line.image.as_ref().map(|name| take(name, "jpg", ImageFormat::Jpeg)).transpose()?;
        let mask = line.mask.as_ref().map(|name| take(name, "png", ImageFormat::Png)).transpose()?;
        let round = CaseRound { prompt: line.prompt, images: image.into_iter().collect(), mask };
        let facts = line.script.map(|script| ("script".to_owned(), script)).into_iter().collect();
        let id = CaseId::new(line.id);
        let mut case = SuiteCase { id, tag: line.tag, rounds: vec![round], facts, objects: None };
        let checks = line.checks.as_ref();
        let given = CheckFacts { checks, rule: Rule::All, weight: None, explanation: None };
        write_facts(&mut case, &given).map_err(|detail| damaged(format!("{}: {detail}", case.id)))?;
        found.cases.push(case);
    }
    for hash in found.images.keys() {
        hashed.extend(hash.as_str().as_bytes());
    }
    found.parameters.insert("data_sha256".to_owned(), ContentHash::of(&hashed).to_string());
    Ok(found)
}

impl Suite for Weaknesses {
    fn facts(&self) -> &'static SuiteFacts {
        &FACTS
    }

    fn scheme(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        let part = |group: Group| PartRule {
            name: group.name().to_owned(),
            column: group.name().to_owned(),
            key: group.key(),
            weight: None,
        };
        let parts = SCORED.map(part).into();
        let combine = Combine::MeanOfParts;
        Scheme { parts, totals: vec![TotalRule { name: "overall".to_owned(), has_column: true, combine }] }
    }

    fn part_of(&self, _scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        SCORED.iter().position(|group| group.name() == case.tag)
    }

    /// Of signs the writing system; of edits how they were asked for; of others nothing.
    fn group_of<'a>(&self, case: &'a SuiteCase) -> Option<&'a str> {
        match Group::from_name(&case.tag)? {
            Group::Text => Some(case.fact("script")),
            Group::Refinement | Group::Locality => case.id.as_str().split('-').nth(1),
            Group::Identity | Group::Scenes | Group::Color => None,
        }
    }

    fn checks(&self, case: &SuiteCase) -> Result<Option<CaseChecks>, SuiteError> {
        CHECKS.checks(case)
    }

    fn asked_for(&self, cases: &BTreeMap<CaseId, SuiteCase>) -> Vec<&'static str> {
        CHECKS.asked_for(cases)
    }

    fn asks(&self, protocol: &str, case: &SuiteCase) -> bool {
        CHECKS.asks(protocol, case)
    }

    fn fields<'a>(&self, protocol: &str, case: &'a SuiteCase) -> BTreeMap<Field, &'a str> {
        CHECKS.fields(protocol, case)
    }

    fn objects_of(&self, case: &SuiteCase) -> Result<Option<Box<Metadata>>, SuiteError> {
        CHECKS.objects_of(case)
    }

    fn protocol(&self, id: &str, files: &SuiteFiles) -> Result<Option<JudgeProtocol>, SuiteError> {
        CHECKS.protocol(id, files)
    }

    fn sections(&self) -> Vec<(&'static str, &'static str)> {
        Group::ALL.map(|group| (group.name(), group.about())).into()
    }

    fn load(&self, _files: &SuiteFiles, _parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        read_cases()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_read_and_belongs_to_a_group() {
        let suite = read_cases().unwrap();
        assert_eq!(suite.cases.len(), 206);
        for case in &suite.cases {
            let group = Group::from_name(&case.tag).unwrap();
            let checks = Weaknesses.checks(case).unwrap();
            assert_eq!(checks.is_none(), group == Group::Color, "{}", case.id);
            let is_edit = matches!(group, Group::Identity | Group::Refinement | Group::Locality);
            assert_eq!(case.source().is_some(), is_edit, "{}", case.id);
        }
        assert!(suite.images.len() > 40);
    }
}
