//! WISE's three suites: the paper's, the same with rewritten prompts, and WISE_Verified.

use std::collections::BTreeMap;

use imgeval_core::{CaseId, ContentHash, sentence_of};

use super::{
    ARCHIVE, COMMIT, Category, DATA_FILES, DataFile, Edition, FileKind, FullRow, PUBLISHED, PUBLISHED_SOURCE,
    PUBLISHED_UNKNOWN, PUBLISHED_VERIFIED, PUBLISHED_VERIFIED_SOURCE, PUBLISHED_VERIFIED_UNKNOWN, REPOSITORY,
    RowNote, SUMMARY_VERSION, ScoreRow, WiseCase, WiseScore, full_file_name, parse_cases, parse_score_rows,
    read_protocol, render_full_rows, render_score_rows, score_file_name,
};
use crate::{
    files::{FetchedSource, SourceFile, SuiteError, SuiteFiles, script_text, unusable_because},
    geneval::{NameTemplate, find_by_number},
    judged::{Attachment, Field, JudgeProtocol, ReplyFormat, Strictness},
    suite::{
        CaseRound, FoundAnswers, JudgedFacts, OfficialFiles, OfficialRow, OfficialRows, Parameters,
        Published, PublishedRow, ScoredBy, ScoredReply, Suite, SuiteCase, SuiteCases, SuiteFacts,
    },
    summary::{Combine, PartRule, Scheme, TotalRule},
};

/// One of WISE's suites.
#[derive(Debug)]
pub(crate) struct Wise {
    edition: Edition,
    is_rewritten: bool,
    facts: &'static SuiteFacts,
}

pub(crate) static LEGACY: Wise = Wise { edition: Edition::Legacy, is_rewritten: false, facts: &LEGACY_FACTS };
pub(crate) static LEGACY_REWRITE: Wise =
    Wise { edition: Edition::Legacy, is_rewritten: true, facts: &LEGACY_REWRITE_FACTS };
pub(crate) static VERIFIED: Wise =
    Wise { edition: Edition::Verified, is_rewritten: false, facts: &VERIFIED_FACTS };

/// The files of all three.
pub static SOURCE: FetchedSource = FetchedSource {
    name: "wise",
    title: "WISE",
    licence: LICENCE,
    repository: REPOSITORY,
    commit: COMMIT,
    archive: Some(ARCHIVE),
    files: &FILES,
    data_set: None,
};

static FILES: [SourceFile; DATA_FILES.len()] = {
    let mut files = [DATA_FILES[0].source(); DATA_FILES.len()];
    let mut place = 1;
    while place < DATA_FILES.len() {
        files[place] = DATA_FILES[place].source();
        place += 1;
    }
    files
};

const LICENCE: &str = "none stated";
const PAPER: &str = "arXiv 2503.07265, PKU-YuanGroup/WISE at eb51174; fetched";
const FIELDS: &[Field] = &[Field::Prompt, Field::Explanation];
const PEOPLE_SEE: &str = "{prompt}\n{explanation}";

static LEGACY_JUDGED: JudgedFacts = JudgedFacts {
    protocol_suite: "wise-legacy",
    protocols: &["wise-legacy", "wise-legacy-strict"],
    asked: &["wise-legacy"],
    fields: FIELDS,
    attachments: &[Attachment::Answer],
    replies: &[ReplyFormat::wise_legacy(Strictness::Official), ReplyFormat::wise_legacy(Strictness::Strict)],
    people_reply: ReplyFormat::wise_legacy(Strictness::Strict),
    people_see: PEOPLE_SEE,
    has_edit_metrics: false,
    wording_note: None,
};

static VERIFIED_JUDGED: JudgedFacts = JudgedFacts {
    protocol_suite: "wise-verified",
    protocols: &["wise-verified", "wise-verified-strict"],
    asked: &["wise-verified"],
    fields: FIELDS,
    attachments: &[Attachment::Answer],
    replies: &[
        ReplyFormat::wise_verified(Strictness::Official),
        ReplyFormat::wise_verified(Strictness::Strict),
    ],
    people_reply: ReplyFormat::wise_verified(Strictness::Strict),
    people_see: PEOPLE_SEE,
    has_edit_metrics: false,
    wording_note: None,
};

const LEGACY_FACTS: SuiteFacts = SuiteFacts {
    id: "wise-legacy",
    about: "WISE as in the paper: world knowledge, three scores by a judge (arXiv 2503.07265)",
    title: "WISE: WiScore by category; overall by the official weights",
    cases: "1000 prompts, 6 categories",
    judged_by: "protocol wise-legacy, gpt-4o-2024-05-13",
    source: PAPER,
    licence: LICENCE,
    prompts: "the official prompts",
    prompts_note: None,
    decimals: 2,
    summary_version: SUMMARY_VERSION,
    is_overall_first: false,
    scored_by: ScoredBy::Judgments(&LEGACY_JUDGED),
    source_data: Some(&SOURCE),
    rewrite_of: None,
    has_official_rows: true,
    has_controls: false,
};

static LEGACY_REWRITE_FACTS: SuiteFacts = SuiteFacts {
    id: "wise-legacy-rewrite",
    about: "WISE with rewritten prompts that state what to draw; the gain over the original prompts shows missing knowledge",
    cases: "the same 1000, rewritten",
    prompts: "the rewritten prompts",
    prompts_note: Some("rewritten prompts"),
    rewrite_of: Some("wise-legacy"),
    ..LEGACY_FACTS
};

static VERIFIED_FACTS: SuiteFacts = SuiteFacts {
    id: "wise-verified",
    about: "WISE_Verified: revised prompts, one score, an open judge",
    title: "WISE_Verified: share of images that show what was meant; overall by the official weights",
    judged_by: "protocol wise-verified, Qwen3.5-35B-A3B",
    scored_by: ScoredBy::Judgments(&VERIFIED_JUDGED),
    ..LEGACY_FACTS
};

impl Suite for Wise {
    fn facts(&self) -> &'static SuiteFacts {
        self.facts
    }

    fn scheme(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        scheme(self.edition)
    }

    fn part_of(&self, _scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        let category = Category::of(self.edition, case.id.as_str().parse().ok()?)?;
        Some(category as usize)
    }

    fn group_of<'a>(&self, case: &'a SuiteCase) -> Option<&'a str> {
        Some(case.fact("subcategory"))
    }

    fn published(&self) -> Option<Published> {
        let (rows, source, unknown) = match self.edition {
            Edition::Legacy => (&PUBLISHED[..], PUBLISHED_SOURCE, PUBLISHED_UNKNOWN),
            Edition::Verified => {
                (&PUBLISHED_VERIFIED[..], PUBLISHED_VERIFIED_SOURCE, PUBLISHED_VERIFIED_UNKNOWN)
            }
        };
        let row = |published: &super::PublishedRow| PublishedRow {
            model: published.model,
            group: "Published",
            values: published.categories.iter().copied().chain([published.overall]).map(Some).collect(),
        };
        Some(Published { source, unknown, rows: rows.iter().map(row).collect() })
    }

    fn load(&self, files: &SuiteFiles, _parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        let kind = if self.is_rewritten { FileKind::RewrittenPrompts } else { FileKind::Prompts };
        let wanted = DATA_FILES.iter().filter(|file| file.edition == self.edition && file.kind == kind);
        let read = |file: &DataFile| Ok((file.path, files.read(&SOURCE, &file.source())?.bytes));
        let read = wanted.map(read).collect::<Result<Vec<_>, SuiteError>>()?;
        let named: Vec<(&str, &[u8])> = read.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
        let cases = parse_cases(self.edition, &named)
            .map_err(|error| SuiteError::Unusable { detail: sentence_of(&error) })?;
        let hashes: String = read.iter().map(|(_, bytes)| ContentHash::of(bytes).to_string()).collect();
        Ok(SuiteCases {
            cases: cases.into_iter().map(case_of).collect(),
            parameters: Parameters::from([(
                "data_sha256".to_owned(),
                ContentHash::of(hashes.as_bytes()).to_string(),
            )]),
            images: BTreeMap::new(),
            is_listed: true,
        })
    }

    fn protocol(&self, id: &str, files: &SuiteFiles) -> Result<Option<JudgeProtocol>, SuiteError> {
        let own = self.edition.name();
        if id == own {
            return self.official_protocol(files).map(Some);
        }
        match id.strip_suffix("-strict") {
            Some(of) if of == own => Ok(self.official_protocol(files)?.read_strictly()),
            _ => Ok(None),
        }
    }

    fn official_files(&self, scored: &[ScoredReply<'_>]) -> Option<OfficialFiles> {
        let mut scores: BTreeMap<&str, Vec<ScoreRow>> = BTreeMap::new();
        let mut replies: BTreeMap<&str, Vec<FullRow>> = BTreeMap::new();
        for ScoredReply { case, image, scores: given, reply } in scored {
            let Ok(prompt_id) = case.id.as_str().parse() else { continue };
            let Some(category) = Category::of(self.edition, prompt_id) else { continue };
            let value = |place: usize| given.values.get(place).map_or(0.0, |(_, value)| *value);
            let score = match self.edition {
                Edition::Legacy => {
                    WiseScore::Legacy { consistency: value(0), realism: value(1), aesthetic: value(2) }
                }
                Edition::Verified => WiseScore::Verified { score: value(0) },
            };
            scores.entry(score_file_name(category)).or_default().push(ScoreRow {
                prompt_id,
                subcategory: case.fact("subcategory").to_owned(),
                score: Some(score),
            });
            replies.entry(full_file_name(category)).or_default().push(FullRow {
                prompt_id,
                prompt: case.prompt().to_owned(),
                key: case.fact("explanation").to_owned(),
                image_path: image.clone(),
                evaluation: (*reply).to_owned(),
            });
        }
        let n_rows = scores.values().map(Vec::len).sum();
        let scores = scores.into_iter().map(|(name, rows)| (name, render_score_rows(&rows)));
        let replies =
            replies.into_iter().filter_map(|(name, rows)| Some((name, render_full_rows(&rows).ok()?)));
        Some(OfficialFiles { files: scores.chain(replies).collect(), n_rows })
    }

    fn read_official_rows(&self, text: &str) -> Result<OfficialRows, String> {
        let rows = parse_score_rows(self.edition, text).map_err(|error| sentence_of(&error))?;
        let row = |row: ScoreRow| OfficialRow {
            id: row.prompt_id.to_string(),
            part: Category::of(self.edition, row.prompt_id).map_or(0, |category| category as usize),
            group: Some(row.subcategory),
            value: row.score.map(WiseScore::value),
        };
        let is_known = |row: &ScoreRow| Category::of(self.edition, row.prompt_id).is_some();
        Ok(OfficialRows {
            n_skipped: rows.notes.iter().filter(|note| matches!(note, RowNote::Skipped { .. })).count(),
            notes: rows.notes.iter().map(|note| sentence_of(note)).collect(),
            rows: rows.rows.into_iter().filter(is_known).map(row).collect(),
        })
    }

    fn check_script(&self, path: &str, bytes: &[u8]) -> Option<Result<(), SuiteError>> {
        let script = script_of(self.edition);
        (script.path == path).then(|| protocol_of(script, bytes).map(drop))
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

impl Wise {
    fn official_protocol(&self, files: &SuiteFiles) -> Result<JudgeProtocol, SuiteError> {
        let script = script_of(self.edition);
        protocol_of(script, &files.read(&SOURCE, &script.source())?.bytes)
    }
}

/// Parts are the categories; the overall score weighs them as the authors do.
#[must_use]
pub fn scheme(edition: Edition) -> Scheme {
    let part = |category: Category| PartRule {
        name: category.name().to_owned(),
        column: category.name().to_owned(),
        key: category as u64,
        weight: Some(category.weight(edition)),
    };
    let overall = TotalRule { name: "overall".to_owned(), has_column: true, combine: Combine::WeightedParts };
    Scheme { parts: Category::ALL.map(part).to_vec(), totals: vec![overall] }
}

/// The script that holds an edition's instructions.
fn script_of(edition: Edition) -> &'static DataFile {
    let is_script = |file: &&DataFile| file.edition == edition && file.kind == FileKind::Script;
    // Both are in the table.
    DATA_FILES.iter().find(is_script).unwrap_or(&DATA_FILES[0])
}

/// The protocol in a script, its wording cut out. It names the script if that is another version than the pinned one.
fn protocol_of(script: &DataFile, bytes: &[u8]) -> Result<JudgeProtocol, SuiteError> {
    let file = script.source();
    let (text, note) = script_text(&SOURCE, &file, bytes)?;
    let mut protocol =
        read_protocol(script.edition, text).map_err(|error| unusable_because(&SOURCE, &file, &error))?;
    protocol.wording_source.push_str(&note);
    Ok(protocol)
}

fn case_of(case: WiseCase) -> SuiteCase {
    let facts = [("explanation", case.explanation), ("subcategory", case.subcategory)];
    SuiteCase {
        id: CaseId::new(case.prompt_id.to_string()),
        tag: case.category.name().to_owned(),
        rounds: vec![CaseRound { prompt: case.prompt, ..CaseRound::default() }],
        facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
        objects: None,
    }
}
