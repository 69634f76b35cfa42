//! GEdit-Bench as two suites of the registry: English and Chinese instructions, whose scores are published apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use imgeval_core::{CaseId, SampleId, sentence_of};
use serde::{Deserialize, Serialize};

use super::{
    COMMIT, EditCase, EditedImage, Language, LayoutError, PUBLISHED_CN, PUBLISHED_EN, PUBLISHED_SOURCE,
    PUBLISHED_UNKNOWN, Question, REPOSITORY, SCRIPT_PATH, SUMMARY_VERSION, TaskType, find_benchmark,
    find_edited,
    protocol::{PROTOCOL_SUITE, read_protocol},
    reply::{self, combine},
};
use crate::{
    files::{
        DataSet, FetchedSource, FoundCase, FoundLine, SourceFile, SuiteError, SuiteFiles, script_text,
        unusable_because,
    },
    geneval::NameTemplate,
    judged::{Attachment, Field, JudgeProtocol},
    suite::{
        CaseRound, FoundAnswer, FoundAnswers, JudgedFacts, Parameters, Published, PublishedRow, ScoredBy,
        Slice, SliceValue, Suite, SuiteCase, SuiteCases, SuiteFacts,
    },
    summary::{Combine, PartRule, Scheme, TotalRule},
};

/// The edits of one language.
#[derive(Debug)]
pub(crate) struct Gedit {
    language: Language,
    facts: &'static SuiteFacts,
}

pub(crate) static EN: Gedit = Gedit { language: Language::English, facts: &EN_FACTS };
pub(crate) static CN: Gedit = Gedit { language: Language::Chinese, facts: &CN_FACTS };

const LICENCE: &str = "Apache-2.0 (code); none stated for the images";
const PAPER: &str = "arXiv 2504.17761, stepfun-ai/Step1X-Edit; data set downloaded by hand, wording fetched";
const TITLE: &str = "GEdit-Bench: sqrt(SC x PQ) by group; overall is the mean of the groups";
const JUDGED_BY: &str = "protocols gedit-sc and gedit-pq, gpt-4.1";

static EN_FACTS: SuiteFacts =
    facts("gedit-en", "GEdit-Bench: edits in English, two questions to a judge (arXiv 2504.17761)");
static CN_FACTS: SuiteFacts = facts("gedit-cn", "GEdit-Bench: the same kinds of edits in Chinese");

const fn facts(id: &'static str, about: &'static str) -> SuiteFacts {
    SuiteFacts {
        id,
        about,
        title: TITLE,
        cases: "606 edits (as quoted), 11 groups",
        judged_by: JUDGED_BY,
        source: PAPER,
        licence: LICENCE,
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
    }
}

static JUDGED: JudgedFacts = JudgedFacts {
    protocol_suite: PROTOCOL_SUITE,
    protocols: &["gedit-sc", "gedit-pq"],
    asked: &["gedit-sc", "gedit-pq"],
    fields: &[Field::Instruction],
    attachments: &[Attachment::Source, Attachment::Answer],
    replies: &[reply::SEMANTICS, reply::QUALITY, reply::BOTH],
    people_reply: reply::BOTH,
    people_see: "{instruction}",
    has_edit_metrics: false,
    wording_note: Some("published scores are of images scaled to their sources, and some are guesses"),
};

/// The images of both suites are downloaded by hand; the judge's instructions are fetched.
pub static SOURCE: FetchedSource = FetchedSource {
    name: "gedit",
    title: "GEdit-Bench",
    licence: LICENCE,
    repository: REPOSITORY,
    commit: COMMIT,
    archive: None,
    files: &[SCRIPT],
    data_set: Some(DataSet {
        find,
        render,
        advice: "download the data set stepfun-ai/GEdit-Bench from its hub and export it as described in docs/gedit.md",
        layout: "pass the folder with the listing and `fullset/<task_type>/<en|cn>/<key>_SRCIMG.png`; docs/gedit.md shows how to export it",
        endings: &[".png", ".jpg", ".jpeg", ".webp", ".json", ".jsonl"],
    }),
};

const SCRIPT: SourceFile = SourceFile {
    path: SCRIPT_PATH,
    url: Some(
        "https://raw.githubusercontent.com/stepfun-ai/Step1X-Edit/570eba6ebda0c45c013983a483afbf2fd12bfcbc/GEdit-Bench/viescore/vie_prompts.py",
    ),
    sha256: "010234af186eb0a70fcb99047cd32ad1da01bed59ca1a95a01335426417cf838",
    is_script: true,
};

const INTERSECTION: &str = "intersection";

fn is_any(_: &SuiteCase) -> bool {
    true
}

fn is_intersection(case: &SuiteCase) -> bool {
    case.fact(INTERSECTION) == "yes"
}

const fn slice(name: &'static str, value: SliceValue, keep: fn(&SuiteCase) -> bool) -> Slice {
    Slice { name, value, keep }
}

static SLICES: [Slice; 5] = [
    slice("SC", SliceValue::Asked(0), is_any),
    slice("PQ", SliceValue::Asked(1), is_any),
    slice("intersection", SliceValue::Combined, is_intersection),
    slice("intersection: SC", SliceValue::Asked(0), is_intersection),
    slice("intersection: PQ", SliceValue::Asked(1), is_intersection),
];

/// A line of the kept listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EditLine {
    key: String,
    language: String,
    task_type: String,
    instruction: String,
    /// `yes` or `no`; empty if the listing did not say.
    intersection: String,
    /// File names are hashes: `<sha256>.<extension>`.
    source: String,
}

fn find(root: &Path) -> Result<Vec<FoundCase>, SuiteError> {
    let case = |case: EditCase| {
        let intersection = case.is_intersection.map_or("", |is| if is { "yes" } else { "no" });
        let facts = [
            ("language", case.language.name()),
            ("task_type", case.task_type.name()),
            (INTERSECTION, intersection),
        ];
        FoundCase {
            id: case.key,
            tag: format!("{}/{}", case.language.name(), case.task_type.name()),
            prompt: case.instruction,
            facts: facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            images: vec![case.source],
            mask: None,
        }
    };
    Ok(find_benchmark(root).map_err(unusable)?.into_iter().map(case).collect())
}

fn unusable(error: LayoutError) -> SuiteError {
    SuiteError::Unusable { detail: sentence_of(&error) }
}

fn render(case: &FoundCase, images: &[String], _mask: Option<&str>) -> String {
    let fact = |name: &str| case.facts.get(name).cloned().unwrap_or_default();
    let line = EditLine {
        key: case.id.clone(),
        language: fact("language"),
        task_type: fact("task_type"),
        instruction: case.prompt.clone(),
        intersection: fact(INTERSECTION),
        source: images.first().cloned().unwrap_or_default(),
    };
    // Texts alone: nothing that JSON could refuse.
    serde_json::to_string(&line).unwrap_or_default()
}

/// The case of a line. Its language is a fact, because both suites have one listing.
fn found_line(line: EditLine) -> FoundLine {
    let facts = [("language", line.language), (INTERSECTION, line.intersection)];
    FoundLine {
        case: SuiteCase {
            id: CaseId::new(line.key),
            tag: line.task_type,
            rounds: vec![CaseRound { prompt: line.instruction, ..CaseRound::default() }],
            facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
            objects: None,
        },
        images: vec![line.source],
        mask: None,
    }
}

impl Suite for Gedit {
    fn facts(&self) -> &'static SuiteFacts {
        self.facts
    }

    fn scheme(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        scheme()
    }

    fn part_of(&self, _scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        TaskType::from_name(&case.tag).map(|task_type| task_type as usize)
    }

    fn combine(&self, values: &[f64]) -> f64 {
        combine(values)
    }

    fn slices(&self) -> &'static [Slice] {
        &SLICES
    }

    fn published(&self) -> Option<Published> {
        let rows = match self.language {
            Language::English => &PUBLISHED_EN[..],
            Language::Chinese => &PUBLISHED_CN[..],
        };
        let row = |published: &super::PublishedRow| {
            let mut values = vec![None; TaskType::ALL.len()];
            values.push(Some(published.overall));
            PublishedRow { model: published.model, group: "Published", values }
        };
        Some(Published {
            source: PUBLISHED_SOURCE,
            unknown: PUBLISHED_UNKNOWN,
            rows: rows.iter().map(row).collect(),
        })
    }

    fn load(&self, files: &SuiteFiles, _parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        let mut found = files.read_data_set(&SOURCE, found_line)?;
        found.cases.retain(|case| case.fact("language") == self.language.name());
        if found.cases.is_empty() {
            let detail = format!("the fetched data set contains no edit in `{}`", self.language.name());
            return Err(SuiteError::Unusable { detail });
        }
        let images = found.cases.iter().flat_map(|case| &case.rounds).flat_map(|round| &round.images);
        let shown: BTreeSet<_> = images.map(|image| image.hash.clone()).collect();
        found.images.retain(|hash, _| shown.contains(hash));
        Ok(found)
    }

    fn is_here(&self, files: &SuiteFiles) -> Option<bool> {
        Some(files.has_data_set(&SOURCE))
    }

    fn protocol(&self, id: &str, files: &SuiteFiles) -> Result<Option<JudgeProtocol>, SuiteError> {
        let question = Question::ALL.into_iter().find(|question| question.id() == id);
        let Some(question) = question else { return Ok(None) };
        protocol_of(question, &files.read(&SOURCE, &SCRIPT)?.bytes).map(Some)
    }

    fn check_script(&self, path: &str, bytes: &[u8]) -> Option<Result<(), SuiteError>> {
        let check = |question| protocol_of(question, bytes).map(drop);
        (path == SCRIPT.path).then(|| Question::ALL.into_iter().try_for_each(check))
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
        let task_type = |case: &'_ SuiteCase| TaskType::from_name(&case.tag);
        let task_types = cases.iter().filter_map(|case| Some((case.id.as_str(), task_type(case)?))).collect();
        let found = find_edited(Path::new(place), self.language, &task_types).map_err(unusable)?;
        if found.images.is_empty() {
            let (language, n_extras) = (self.language.name(), found.extra.len());
            return Err(SuiteError::NothingFound {
                detail: format!(
                    "`{place}` contains no edited image of GEdit-Bench in `{language}` ({n_extras} other files)"
                ),
                expected: "the folder above `fullset`, or above `background_change/en/<key>.png` and its like",
                takes_template: false,
            });
        }
        let answer = |image: EditedImage| FoundAnswer {
            path: image.path,
            id: SampleId::new(CaseId::new(image.key), 0),
            rejected: None,
            notes: Vec::new(),
            rewritten_prompt: None,
        };
        Ok(FoundAnswers {
            images: found.images.into_iter().map(answer).collect(),
            extras: found.extra.into_iter().map(|(path, reason)| (path, reason.to_owned())).collect(),
        })
    }
}

/// Parts are the groups, which count the same however many edits they have.
#[must_use]
pub fn scheme() -> Scheme {
    let part = |task_type: TaskType| PartRule {
        name: task_type.name().to_owned(),
        column: task_type.name().to_owned(),
        key: 30 + task_type as u64,
        weight: None,
    };
    let overall = TotalRule { name: "overall".to_owned(), has_column: true, combine: Combine::MeanOfParts };
    Scheme { parts: TaskType::ALL.map(part).to_vec(), totals: vec![overall] }
}

/// The protocol in a script. It names the script if that is another version than the pinned one.
fn protocol_of(question: Question, bytes: &[u8]) -> Result<JudgeProtocol, SuiteError> {
    let (text, note) = script_text(&SOURCE, &SCRIPT, bytes)?;
    let mut protocol =
        read_protocol(question, text).map_err(|error| unusable_because(&SOURCE, &SCRIPT, &error))?;
    protocol.wording_source.push_str(&note);
    Ok(protocol)
}
