//! GenEval as a suite of the registry.

use std::collections::BTreeMap;

use imgeval_core::{CaseId, FailureKind, ImageFormat, ImageNote, SampleId};

use super::{
    FolderMetadata, FoundImage, Layout, Metadata, NameTemplate, PUBLISHED, PUBLISHED_SOURCE,
    PUBLISHED_UNKNOWN, SUMMARY_VERSION, SuiteConfig, Tag, find_images, generate_cases, suite_cases,
};
use crate::{
    files::{SuiteError, SuiteFiles},
    suite::{
        CaseRound, FoundAnswer, FoundAnswers, Parameters, Published, PublishedRow, ScoredBy, Suite,
        SuiteCase, SuiteCases, SuiteFacts,
    },
    summary::{Combine, PartRule, Scheme, TotalRule},
};

#[derive(Debug)]
pub(crate) struct Geneval;

static FACTS: SuiteFacts = SuiteFacts {
    id: "geneval",
    about: "GenEval: objects, counts, colors and positions (arXiv 2310.11513)",
    title: "GenEval: share of correct images by tag; overall is the mean of the tags",
    cases: "553 prompts, 6 tags",
    judged_by: "a detector",
    source: "arXiv 2310.11513, djghosh13/geneval; generated here",
    licence: "MIT",
    prompts: "the official prompts",
    prompts_note: None,
    decimals: 2,
    summary_version: SUMMARY_VERSION,
    is_overall_first: true,
    scored_by: ScoredBy::Detections,
    source_data: None,
    rewrite_of: None,
    has_official_rows: false,
    has_controls: false,
};

/// Where nothing was found, what was looked for.
const EXPECTED: &str = "00052/samples/0000.png, or names such as 00052.png or 52_1.jpg";

impl Suite for Geneval {
    fn facts(&self) -> &'static SuiteFacts {
        &FACTS
    }

    fn scheme(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme {
        scheme()
    }

    fn part_of(&self, _scheme: &Scheme, case: &SuiteCase) -> Option<usize> {
        Tag::from_name(&case.tag).map(|tag| tag as usize)
    }

    fn published(&self) -> Option<Published> {
        let row = |published: &super::PublishedRow| {
            let tags = published.tags.map_or([None; Tag::ALL.len()], |tags| tags.map(Some));
            PublishedRow {
                model: published.model,
                group: published.group.title(),
                values: std::iter::once(Some(published.overall)).chain(tags).collect(),
            }
        };
        Some(Published {
            source: PUBLISHED_SOURCE,
            unknown: PUBLISHED_UNKNOWN,
            rows: PUBLISHED.iter().map(row).collect(),
        })
    }

    fn load(&self, _files: &SuiteFiles, parameters: &Parameters) -> Result<SuiteCases, SuiteError> {
        let config = config_of(parameters)?;
        Ok(SuiteCases {
            cases: cases_of(&config)?,
            parameters: parameters_of(&config),
            images: BTreeMap::new(),
            is_listed: false,
        })
    }

    fn cases_of_parameters(&self, parameters: &Parameters) -> Result<Option<Vec<SuiteCase>>, SuiteError> {
        cases_of(&config_of(parameters)?).map(Some)
    }

    fn is_official(&self, parameters: &Parameters) -> bool {
        config_of(parameters).is_ok_and(|config| config == SuiteConfig::default())
    }

    fn find_answers(
        &self,
        place: &str,
        template: Option<&NameTemplate>,
        cases: &[SuiteCase],
    ) -> Result<FoundAnswers, SuiteError> {
        let found = find_images(place, template)?;
        if found.images.is_empty() {
            let n_extras = found.extras.len();
            return Err(SuiteError::NothingFound {
                detail: format!(
                    "`{place}` contains no image whose name includes a prompt index ({n_extras} other files)"
                ),
                expected: EXPECTED,
                takes_template: true,
            });
        }
        let layout = found.layout;
        Ok(FoundAnswers {
            images: found.images.into_iter().map(|image| answer_of(image, layout, cases)).collect(),
            extras: found.extras.into_iter().map(|extra| (extra.path, extra.reason)).collect(),
        })
    }
}

/// Parts are the tags; the overall score is the mean over those that have one.
#[must_use]
pub fn scheme() -> Scheme {
    let part = |tag: Tag| PartRule {
        name: tag.name().to_owned(),
        column: match tag {
            Tag::SingleObject => "single object",
            Tag::TwoObject => "two objects",
            Tag::Counting => "counting",
            Tag::Colors => "colors",
            Tag::Position => "position",
            Tag::ColorAttr => "attribute binding",
        }
        .to_owned(),
        key: tag as u64,
        weight: Some(1.0),
    };
    let overall = TotalRule { name: "overall".to_owned(), has_column: true, combine: Combine::MeanOfParts };
    Scheme { parts: Tag::ALL.map(part).to_vec(), totals: vec![overall] }
}

/// The parameters that name a suite in a run.
#[must_use]
pub fn parameters_of(config: &SuiteConfig) -> Parameters {
    Parameters::from([
        ("seed".to_owned(), config.seed.to_string()),
        ("per_task".to_owned(), config.per_task.to_string()),
    ])
}

fn config_of(parameters: &Parameters) -> Result<SuiteConfig, SuiteError> {
    let damaged = || SuiteError::Parameters {
        detail: "run.toml does not name a GenEval suite that this version knows".to_owned(),
    };
    let parameter = |name: &str| parameters.get(name).ok_or_else(damaged);
    Ok(SuiteConfig {
        seed: parameter("seed")?.parse().map_err(|_| damaged())?,
        per_task: parameter("per_task")?.parse().map_err(|_| damaged())?,
    })
}

fn cases_of(config: &SuiteConfig) -> Result<Vec<SuiteCase>, SuiteError> {
    let metadata =
        generate_cases(config).map_err(|error| SuiteError::Parameters { detail: error.to_string() })?;
    let case = |case: imgeval_core::Case<Metadata>| SuiteCase {
        id: case.id,
        tag: case.tag,
        rounds: vec![CaseRound { prompt: case.prompt, ..CaseRound::default() }],
        facts: BTreeMap::new(),
        objects: Some(Box::new(case.expectation)),
    };
    Ok(suite_cases(metadata).into_iter().map(case).collect())
}

/// Holds an image against the suite.
fn answer_of(image: FoundImage, layout: Layout, cases: &[SuiteCase]) -> FoundAnswer {
    let case = usize::try_from(image.index).ok().and_then(|index| cases.get(index));
    let (id, rejected) = match case {
        Some(case) => (case.id.clone(), reject_by_metadata(&image, case)),
        None => (CaseId::new(format!("{:05}", image.index)), Some(unknown_prompt(&image, cases.len()))),
    };
    let mut notes = notes_of(&image.metadata, case);
    let is_rewritten = notes.contains(&ImageNote::RewrittenPrompt);
    let rewritten_prompt = match image.metadata {
        FolderMetadata::Read { metadata, .. } if is_rewritten => Some(metadata.prompt),
        _ => None,
    };
    let extension = image.path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if layout == Layout::Official && ImageFormat::from_extension(extension) != Some(ImageFormat::Png) {
        notes.push(ImageNote::NotPng);
    }
    FoundAnswer { path: image.path, id: SampleId::new(id, image.ordinal), rejected, notes, rewritten_prompt }
}

fn unknown_prompt(image: &FoundImage, n_cases: usize) -> (FailureKind, String) {
    let detail = format!("the suite's prompts are 0 to {}, not {}", n_cases.saturating_sub(1), image.index);
    (FailureKind::UnknownPrompt, detail)
}

/// What a folder's metadata says beyond what the suite asks.
fn notes_of(metadata: &FolderMetadata, case: Option<&SuiteCase>) -> Vec<ImageNote> {
    match metadata {
        FolderMetadata::NotExpected | FolderMetadata::Unusable(_) => Vec::new(),
        FolderMetadata::Absent => vec![ImageNote::NoMetadata],
        FolderMetadata::Read { metadata, further_keys } => {
            let is_rewritten = case.is_some_and(|case| metadata.prompt != case.prompt());
            [(is_rewritten, ImageNote::RewrittenPrompt), (!further_keys.is_empty(), ImageNote::FurtherKeys)]
                .into_iter()
                .filter_map(|(applies, note)| applies.then_some(note))
                .collect()
        }
    }
}

fn reject_by_metadata(image: &FoundImage, case: &SuiteCase) -> Option<(FailureKind, String)> {
    let wrong = |detail: String| Some((FailureKind::WrongMetadata, detail));
    let asks_the_same = |metadata: &Metadata| {
        case.objects.as_ref().is_some_and(|expected| metadata.asks_the_same_as(expected))
    };
    match &image.metadata {
        FolderMetadata::NotExpected | FolderMetadata::Absent => None,
        FolderMetadata::Unusable(detail) => wrong(format!("metadata.jsonl: {detail}")),
        FolderMetadata::Read { metadata, .. } if asks_the_same(metadata) => None,
        FolderMetadata::Read { metadata, .. } => {
            let (there, here) = (metadata.prompt.escape_debug(), case.prompt());
            wrong(format!("its folder says \"{there}\", but prompt {} of the suite is \"{here}\"", case.id))
        }
    }
}

/// Images that are named by the numbers of prompts: `892.png`, more of one prompt as `892_1.png`. For suites whose cases
/// have numbers as ids.
///
/// # Errors
/// If the place cannot be listed or holds no such image.
pub(crate) fn find_by_number(
    place: &str,
    template: Option<&NameTemplate>,
    cases: &[SuiteCase],
) -> Result<FoundAnswers, SuiteError> {
    let found = find_images(place, template)?;
    if found.images.is_empty() {
        return Err(SuiteError::NothingFound {
            detail: format!(
                "`{place}` contains no image named by a prompt id ({} other files)",
                found.extras.len()
            ),
            expected: "names such as 892.png or 892_1.png",
            takes_template: true,
        });
    }
    let known: std::collections::BTreeSet<&CaseId> = cases.iter().map(|case| &case.id).collect();
    let answer = |image: FoundImage| {
        let case = CaseId::new(image.index.to_string());
        let rejected = (!known.contains(&case))
            .then(|| (FailureKind::UnknownPrompt, format!("the suite has no prompt {case}")));
        FoundAnswer {
            path: image.path,
            id: SampleId::new(case, image.ordinal),
            rejected,
            notes: Vec::new(),
            rewritten_prompt: None,
        }
    };
    Ok(FoundAnswers {
        images: found.images.into_iter().map(answer).collect(),
        extras: found.extras.into_iter().map(|extra| (extra.path, extra.reason)).collect(),
    })
}
