//! The suite: sessions, controls, and how the answers of a judge make a score.

use std::{collections::BTreeMap, fmt::Write as _};

use imgeval_core::{CaseId, ContentHash, ImageFormat, ImageRef, json::from_json_str};
use serde::Deserialize;

use super::protocols::{EARLIER, SOURCE, STEP, protocol_of};
use crate::{
    checks::NumberedAnswers,
    files::{SuiteError, SuiteFiles},
    geneval::{NameTemplate, find_by_number},
    judged::{Attachment, Field, JudgeProtocol, ReplyFormat},
    suite::{
        CaseRound, FoundAnswers, ImageSource, JudgedFacts, Parameters, ScoredBy, Slice, SliceValue, Suite,
        SuiteCase, SuiteCases, SuiteFacts,
    },
    summary::{Combine, PartRule, Scheme, TotalRule},
    weaknesses::source_file,
};

pub const ID: &str = "rounds";

/// One JSON object a line.
const SESSIONS: &str = include_str!("sessions.jsonl");

/// The parameter that adds controls.
pub const CONTROLS: &str = "controls";
/// The fact of a case that is a control: [`UNCHANGED`] or [`REPEAT`].
pub const CONTROL: &str = "control";
/// The image should be returned unchanged in every round.
pub const UNCHANGED: &str = "unchanged";
/// The first round of a session once more.
pub const REPEAT: &str = "repeat";

const RETURN_IT: &str = "Return this image unchanged.";

/// A round succeeds if the smaller score of the step is above this share.
const ABOVE: f64 = 0.6;

#[derive(Debug)]
pub(crate) struct Rounds;

static FACTS: SuiteFacts = SuiteFacts {
    id: ID,
    about: "Multi-round edit sessions: whether instructions are followed, what is preserved, what drifts",
    title: "Rounds: share of rounds that succeed (both scores of the step above 6 and every instruction so far still carried out)",
    cases: "12 sessions of 5 rounds",
    judged_by: "protocols rounds-step, rounds-source and rounds-earlier; measures by `diagnose rounds`",
    source: "imgeval's own sessions; after arXiv 2504.02782, section 5.1",
    licence: "CC0",
    prompts: "imgeval's own sessions",
    prompts_note: Some("a suite of imgeval's own, without published scores"),
    decimals: 3,
    summary_version: 1,
    is_overall_first: false,
    scored_by: ScoredBy::Judgments(&JUDGED),
    source_data: None,
    rewrite_of: None,
    has_official_rows: false,
    has_controls: true,
};

static JUDGED: JudgedFacts = JudgedFacts {
    protocol_suite: ID,
    protocols: &[STEP, SOURCE, EARLIER],
    asked: &[STEP, SOURCE, EARLIER],
    fields: &[Field::Prompt, Field::Instruction, Field::Questions],
    attachments: &[Attachment::Source, Attachment::First, Attachment::Answer],
    replies: &[ReplyFormat::EDIT_SCORES, ReplyFormat(&NumberedAnswers)],
    people_reply: ReplyFormat::EDIT_SCORES,
    people_see: "{instruction}",
    has_edit_metrics: false,
    wording_note: None,
};

fn is_any(_: &SuiteCase) -> bool {
    true
}

static SLICES: [Slice; 3] = [
    Slice { name: "against the image before", value: SliceValue::Asked(0), keep: is_any },
    Slice { name: "against the first image", value: SliceValue::Asked(1), keep: is_any },
    Slice { name: "all instructions so far still carried out", value: SliceValue::Asked(2), keep: is_any },
];

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionLine {
    id: String,
    image: String,
    rounds: Vec<String>,
}

fn damaged(detail: String) -> SuiteError {
    SuiteError::Unusable { detail: format!("the sessions of {ID}: {detail}") }
}

fn read_sessions(with_controls: bool) -> Result<SuiteCases, SuiteError> {
    let mut found = SuiteCases { is_listed: true, ..SuiteCases::default() };
    for line in SESSIONS.lines() {
        let line: SessionLine = from_json_str(line).map_err(|error| damaged(error.to_string()))?;
        let file = format!("{}.jpg", line.image);
        let bytes = source_file(&file).ok_or_else(|| damaged(format!("`{file}` is missing")))?;
        let image = ImageRef { hash: ContentHash::of(bytes), format: ImageFormat::Jpeg };
        found.images.insert(image.hash.clone(), (image.clone(), ImageSource::BuiltIn(bytes)));
        let n_rounds = line.rounds.len();
        let first = line.rounds.first().cloned().unwrap_or_default();
        found.cases.push(case_of(line.id.clone(), "session", line.rounds, &image, None));
        if with_controls {
            let unchanged = vec![RETURN_IT.to_owned(); n_rounds];
            let id = format!("{}-{UNCHANGED}", line.id);
            found.cases.push(case_of(id, CONTROL, unchanged, &image, Some(UNCHANGED)));
            let id = format!("{}-{REPEAT}", line.id);
            found.cases.push(case_of(id, CONTROL, vec![first], &image, Some(REPEAT)));
        }
    }
    let mut hashed = SESSIONS.as_bytes().to_vec();
    for hash in found.images.keys() {
        hashed.extend(hash.as_str().as_bytes());
    }
    found.parameters.insert("data_sha256".to_owned(), ContentHash::of(&hashed).to_string());
    if with_controls {
        found.parameters.insert(CONTROLS.to_owned(), "yes".to_owned());
    }
    Ok(found)
}

fn case_of(
    id: String,
    tag: &str,
    instructions: Vec<String>,
    image: &ImageRef,
    control: Option<&str>,
) -> SuiteCase {
    let mut facts = BTreeMap::new();
    let mut so_far = String::new();
    for (place, instruction) in instructions.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(so_far, "{}{}: {instruction}", if place > 0 { "\n" } else { "" }, place + 1);
        facts.insert(so_far_in(place as u32 + 1), so_far.clone());
    }
    if let Some(control) = control {
        facts.insert(CONTROL.to_owned(), control.to_owned());
    }
    let round = |(place, prompt)| CaseRound {
        prompt,
        images: if place == 0 { vec![image.clone()] } else { Vec::new() },
        mask: None,
    };
    let rounds = instructions.into_iter().enumerate().map(round).collect();
    SuiteCase { id: CaseId::new(id), tag: tag.to_owned(), rounds, facts, objects: None }
}

/// The fact with all instructions up to a round, numbered.
fn so_far_in(round: u32) -> String {
    format!("instructions-{round}")
}

impl Suite for Rounds {
    fn facts(&self) -> &'static SuiteFacts {
        &FACTS
    }

    fn scheme(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        let parts = vec![PartRule {
            name: "session".to_owned(),
            column: "rounds".to_owned(),
            key: 320,
            weight: None,
        }];
        let combine = Combine::EveryImage { key: 321, parts: vec![0] };
        Scheme { parts, totals: vec![TotalRule { name: "overall".to_owned(), has_column: true, combine }] }
    }

    fn part_of(&self, _scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        (case.tag != CONTROL).then_some(0)
    }

    /// Controls are measured and not judged.
    fn asks(&self, _protocol: &str, case: &SuiteCase) -> bool {
        case.tag != CONTROL
    }

    fn fields<'a>(&self, protocol: &str, case: &'a SuiteCase) -> BTreeMap<Field, &'a str> {
        self.fields_in_round(protocol, case, 1)
    }

    fn fields_in_round<'a>(
        &self,
        _protocol: &str,
        case: &'a SuiteCase,
        round: u32,
    ) -> BTreeMap<Field, &'a str> {
        let (instruction, _) = case.asked_in(round);
        BTreeMap::from([
            (Field::Prompt, instruction),
            (Field::Instruction, instruction),
            (Field::Questions, case.fact(&so_far_in(round))),
        ])
    }

    fn combine(&self, values: &[f64]) -> f64 {
        let [step, _, earlier] = values else { return 0.0 };
        f64::from(u8::from(*step > ABOVE && *earlier >= 1.0))
    }

    fn slices(&self) -> &'static [Slice] {
        &SLICES
    }

    fn protocol(&self, id: &str, _files: &SuiteFiles) -> Result<Option<JudgeProtocol>, SuiteError> {
        Ok(protocol_of(id))
    }

    fn load(&self, _files: &SuiteFiles, parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        read_sessions(parameters.get(CONTROLS).is_some_and(|given| given == "yes"))
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
    fn every_session_has_its_rounds_and_what_a_judge_is_told() {
        let plain = read_sessions(false).unwrap();
        assert_eq!(plain.cases.len(), 12);
        let suite = read_sessions(true).unwrap();
        assert_eq!(suite.cases.len(), 36);
        assert_ne!(plain.parameters, suite.parameters);
        for case in &suite.cases {
            assert!(case.source().is_some() && case.rounds[1..].iter().all(|round| round.images.is_empty()));
            let fields = Rounds.fields_in_round(STEP, case, 2);
            if case.rounds.len() > 1 {
                assert_eq!(fields[&Field::Instruction], case.rounds[1].prompt);
                assert_eq!(fields[&Field::Questions].lines().count(), 2);
            }
        }
    }

    #[test]
    fn the_protocols_are_sound() {
        for id in JUDGED.protocols {
            protocol_of(id).unwrap().check().unwrap();
        }
        assert!(protocol_of("rounds").is_none());
    }

    #[test]
    fn a_round_succeeds_above_six_with_all_instructions_still_there() {
        assert_eq!(Rounds.combine(&[0.7, 0.1, 1.0]), 1.0);
        assert_eq!(Rounds.combine(&[0.6, 1.0, 1.0]), 0.0);
        assert_eq!(Rounds.combine(&[0.9, 1.0, 0.0]), 0.0);
    }
}
