//! Reason-Edit as a suite of the registry.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::{CaseId, SampleId};
use serde::{Deserialize, Serialize};

use super::{
    EditCase, EditedImage, Folder, PUBLISHED, PUBLISHED_SOURCE, PUBLISHED_UNKNOWN, SUMMARY_VERSION,
    find_benchmark, find_edited,
};
use crate::{
    files::{DataSet, FetchedSource, FoundCase, FoundLine, SuiteError, SuiteFiles},
    geneval::NameTemplate,
    judged::{Attachment, Field, JudgeProtocol, ReplyFormat},
    suite::{
        CaseRound, FoundAnswer, FoundAnswers, JudgedFacts, Parameters, Published, PublishedRow, ScoredBy,
        Suite, SuiteCase, SuiteCases, SuiteFacts,
    },
    summary::{Combine, PartRule, Scheme, TotalRule},
};

#[derive(Debug)]
pub(crate) struct ReasonEdit;

const ID: &str = "reason-edit";

static FACTS: SuiteFacts = SuiteFacts {
    id: ID,
    about: "Reason-Edit: edits that need understanding, two scores by a judge and pixel metrics (arXiv 2312.06739)",
    title: "Reason-Edit: GPT score by folder; understanding is folders 1 to 5, overall all six",
    cases: "219 edits (as quoted), 6 folders",
    judged_by: "protocol reason-edit, gpt-4o-2024-11-20; pixel metrics",
    source: "arXiv 2312.06739, TencentARC/SmartEdit; downloaded by hand",
    licence: "none stated",
    prompts: "the official prompts",
    prompts_note: None,
    decimals: 3,
    summary_version: SUMMARY_VERSION,
    is_overall_first: false,
    scored_by: ScoredBy::Judgments(&JUDGED),
    source_data: Some(&SOURCE),
    rewrite_of: None,
    has_official_rows: false,
    has_controls: false,
};

static JUDGED: JudgedFacts = JudgedFacts {
    protocol_suite: ID,
    protocols: &[ID],
    asked: &[ID],
    fields: &[Field::Instruction],
    attachments: &[Attachment::Source, Attachment::Answer],
    replies: &[ReplyFormat::EDIT_SCORES],
    people_reply: ReplyFormat::EDIT_SCORES,
    people_see: "{instruction}",
    has_edit_metrics: true,
    wording_note: Some("the published wording is not known"),
};

/// Its images are given away by hand only.
pub static SOURCE: FetchedSource = FetchedSource {
    name: ID,
    title: "Reason-Edit",
    licence: "none stated",
    repository: "TencentARC/SmartEdit",
    commit: "",
    archive: None,
    files: &[],
    data_set: Some(DataSet {
        find,
        render,
        advice: "download it (see the repository TencentARC/SmartEdit)",
        layout: "pass the folder with `1-Left-Right` and the others, as published by SmartEdit's authors",
        endings: &[".png", ".jpg", ".jpeg", ".txt"],
    }),
};

/// A line of the listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EditLine {
    id: String,
    folder: String,
    instruction: String,
    target: String,
    /// File names are hashes: `<sha256>.<extension>`.
    source: String,
    mask: String,
}

fn find(root: &Path) -> Result<Vec<FoundCase>, SuiteError> {
    let case = |case: EditCase| FoundCase {
        id: case.id,
        tag: case.folder.name().to_owned(),
        prompt: case.instruction,
        facts: BTreeMap::from([("target".to_owned(), case.target_text)]),
        images: vec![case.source],
        mask: Some(case.mask),
    };
    Ok(find_benchmark(root)?.into_iter().map(case).collect())
}

fn render(case: &FoundCase, images: &[String], mask: Option<&str>) -> String {
    let line = EditLine {
        id: case.id.clone(),
        folder: case.tag.clone(),
        instruction: case.prompt.clone(),
        target: case.facts.get("target").cloned().unwrap_or_default(),
        source: images.first().cloned().unwrap_or_default(),
        mask: mask.unwrap_or_default().to_owned(),
    };
    // Texts alone: nothing that JSON could refuse.
    serde_json::to_string(&line).unwrap_or_default()
}

impl Suite for ReasonEdit {
    fn facts(&self) -> &'static SuiteFacts {
        &FACTS
    }

    fn scheme(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        scheme()
    }

    fn part_of(&self, _scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        Folder::of_case_id(case.id.as_str()).map(|folder| folder as usize)
    }

    fn published(&self) -> Option<Published> {
        let row = |published: &super::PublishedRow| {
            let mut values = vec![None; Folder::ALL.len() + 1];
            values.push(Some(published.gpt_score));
            PublishedRow { model: published.model, group: "Published", values }
        };
        Some(Published {
            source: PUBLISHED_SOURCE,
            unknown: PUBLISHED_UNKNOWN,
            rows: PUBLISHED.iter().map(row).collect(),
        })
    }

    fn load(&self, files: &SuiteFiles, _parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        files.read_data_set(&SOURCE, |line: EditLine| FoundLine {
            case: SuiteCase {
                id: CaseId::new(line.id),
                tag: line.folder,
                rounds: vec![CaseRound { prompt: line.instruction, ..CaseRound::default() }],
                facts: BTreeMap::from([("target".to_owned(), line.target)]),
                objects: None,
            },
            images: vec![line.source],
            mask: Some(line.mask),
        })
    }

    fn is_here(&self, files: &SuiteFiles) -> Option<bool> {
        Some(files.has_data_set(&SOURCE))
    }

    fn protocol(&self, id: &str, _files: &SuiteFiles) -> Result<Option<JudgeProtocol>, SuiteError> {
        Ok((id == ID).then(JudgeProtocol::reason_edit))
    }

    fn find_answers(
        &self,
        place: &str,
        template: Option<&NameTemplate>,
        cases: &[SuiteCase],
    ) -> Result<FoundAnswers, SuiteError> {
        if template.is_some() {
            return Err(SuiteError::NoTemplate);
        }
        let case = |case: &SuiteCase| {
            let id = case.id.as_str();
            let folder = Folder::of_case_id(id)?;
            // Files are matched by the names of their sources, which the ids end with.
            let source = id[folder.name().len()..].trim_start_matches('-').into();
            let (instruction, target_text) = (String::new(), String::new());
            Some(EditCase {
                id: id.to_owned(),
                folder,
                instruction,
                target_text,
                source,
                mask: PathBuf::new(),
            })
        };
        let cases: Vec<EditCase> = cases.iter().filter_map(case).collect();
        let found = find_edited(Path::new(place), &cases)?;
        let n_extras = found.extra.len() + found.beside.len();
        if found.images.is_empty() {
            return Err(SuiteError::NothingFound {
                detail: format!("`{place}` contains no edited image of Reason-Edit ({n_extras} other files)"),
                expected: "SmartEdit's folders, such as LeftRight_metrics_1, or names such as left-right-0001.png",
                takes_template: false,
            });
        }
        let answer = |image: EditedImage| FoundAnswer {
            path: image.path,
            id: SampleId::new(CaseId::new(image.case_id), 0),
            rejected: None,
            notes: Vec::new(),
            rewritten_prompt: None,
        };
        let unknown =
            found.extra.into_iter().map(|path| (path, "it does not belong to any case of Reason-Edit"));
        let beside = found.beside.into_iter();
        let beside = beside.map(|path| (path, "the same image exists in a preferred format"));
        Ok(FoundAnswers {
            images: found.images.into_iter().map(answer).collect(),
            extras: unknown.chain(beside).map(|(path, reason)| (path, reason.to_owned())).collect(),
        })
    }
}

/// Parts are the folders; understanding is the first five, and every image counts the same.
#[must_use]
pub fn scheme() -> Scheme {
    let part = |folder: Folder| PartRule {
        name: folder.name().to_owned(),
        column: folder.name().to_owned(),
        key: folder as u64,
        weight: None,
    };
    let places = |is_wanted: fn(Folder) -> bool| {
        Folder::ALL.into_iter().filter(|folder| is_wanted(*folder)).map(|folder| folder as usize).collect()
    };
    let total = |name: &str, has_column, key, parts| TotalRule {
        name: name.to_owned(),
        has_column,
        combine: Combine::EveryImage { key, parts },
    };
    Scheme {
        parts: Folder::ALL.map(part).to_vec(),
        totals: vec![
            total("understanding", true, 10, places(Folder::is_understanding)),
            // The same stream as that of its folder, so that the two lines say the same.
            total(
                "reasoning (all)",
                false,
                Folder::Reasoning as u64,
                places(|folder| !folder.is_understanding()),
            ),
            total("overall", true, 11, places(|_| true)),
        ],
    }
}
