//! What a run generates from: a suite's prompts, or a file of the user's own. A file is kept in the run as it was
//! understood, with its images by content, so that a run can be moved and continued.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use imgeval_core::{CaseId, ContentHash, ImageFormat, ImageRef, InputImage, json::from_json_str};
use imgeval_files::read_regular;
use imgeval_runner::{GenerationCase, RoundInput};
use imgeval_store::{ListedCase, ListedRound, Manifest, RunWriter};
use imgeval_suites::geneval::{self, SuiteConfig};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    args::{Suite, SuiteArgs, generation::CasesArgs},
    failure::CommandError,
    judged::data::{EditListing, SuiteData, WiseListing},
    scored_run::{suite_cases, suite_manifest},
    text_file::read_text,
};

/// A longer file of cases is refused.
const MAX_CASES_BYTES: u64 = 256 << 20;
/// What the manifest of a run of one's own cases names as its suite.
pub(crate) const OWN_CASES: &str = "cases";
const MAX_ID_BYTES: usize = 120;

/// A case with what it is found by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaggedCase {
    pub(crate) tag: String,
    pub(crate) case: GenerationCase,
    /// What scoring needs besides, by name; kept in the run's listing.
    pub(crate) facts: BTreeMap<String, String>,
}

impl TaggedCase {
    /// The case as a run keeps it.
    pub(crate) fn listed(&self) -> ListedCase {
        let round = |round: &RoundInput| {
            let RoundInput { prompt, images, mask } = round.clone();
            ListedRound { prompt, images, mask }
        };
        ListedCase {
            id: self.case.id.clone(),
            tag: self.tag.clone(),
            rounds: self.case.rounds.iter().map(round).collect(),
            facts: self.facts.clone(),
        }
    }
}

/// Cases with the manifest of a run of them, and the images that must lie in the run.
#[derive(Clone)]
pub(crate) struct CaseSet {
    pub(crate) manifest: Manifest,
    pub(crate) cases: Vec<TaggedCase>,
    images: BTreeMap<ContentHash, (ImageFormat, PathBuf)>,
    listing: Listing,
}

/// What of the cases is kept in the run.
#[derive(Clone)]
enum Listing {
    /// Nothing: the manifest tells them.
    Nothing,
    /// Those of this set.
    OwnCases,
    /// The whole suite, whatever part of it is worked on: what is missing is part of the score.
    Suite(Vec<TaggedCase>),
}

impl CaseSet {
    pub(crate) fn load(args: &CasesArgs) -> Result<Self> {
        match (&args.cases, args.suite) {
            (Some(path), _) => Self::of_file(path),
            (None, suite) => {
                Self::of_suite(suite.unwrap_or(Suite::Geneval), &args.generator, &args.suites.data())
            }
        }
    }

    pub(crate) fn of_suite(suite: Suite, generator: &SuiteArgs, data: &SuiteData) -> Result<Self> {
        if suite != Suite::Geneval && generator.config() != SuiteConfig::default() {
            let message = "--seed and --per-task belong to GenEval, whose prompts are generated";
            return Err(CommandError::usage(message).into());
        }
        match suite {
            Suite::Geneval => Self::of_geneval(generator.config()),
            Suite::WiseLegacy => Ok(Self::of_wise(suite, data.wise_legacy(false)?)),
            Suite::WiseLegacyRewrite => Ok(Self::of_wise(suite, data.wise_legacy(true)?)),
            Suite::WiseVerified => Ok(Self::of_wise(suite, data.wise_verified()?)),
            Suite::ReasonEdit => Ok(Self::of_reason_edit(data.reason_edit()?)),
        }
    }

    fn of_wise(suite: Suite, listing: WiseListing) -> Self {
        let cases = listing.cases.into_iter().map(|case| {
            let facts = [("explanation", case.explanation), ("subcategory", case.subcategory)];
            let rounds = vec![RoundInput { prompt: case.prompt, images: vec![], mask: None }];
            TaggedCase {
                tag: case.category.name().to_owned(),
                case: GenerationCase { id: CaseId::new(case.prompt_id.to_string()), rounds },
                facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
            }
        });
        Self::of_judged(suite, listing.data_sha256, cases.collect(), BTreeMap::new())
    }

    fn of_reason_edit(listing: EditListing) -> Self {
        let mut images = BTreeMap::new();
        let mut keep = |(stored, path): (ImageRef, PathBuf)| {
            images.insert(stored.hash.clone(), (stored.format, path));
            stored
        };
        let cases = listing.cases.into_iter().map(|case| {
            let source = keep(case.source);
            let mask = keep(case.mask);
            // The mask is no part of the task: models are told where by words alone.
            let facts = [("target", case.target_text), ("mask", mask.file_name())];
            let rounds = vec![RoundInput { prompt: case.instruction, images: vec![source], mask: None }];
            TaggedCase {
                tag: case.folder,
                case: GenerationCase { id: CaseId::new(case.id), rounds },
                facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
            }
        });
        let cases = cases.collect();
        Self::of_judged(Suite::ReasonEdit, listing.data_sha256, cases, images)
    }

    fn of_judged(
        suite: Suite,
        data_sha256: String,
        cases: Vec<TaggedCase>,
        images: BTreeMap<ContentHash, (ImageFormat, PathBuf)>,
    ) -> Self {
        let manifest = Manifest {
            suite: suite.name().to_owned(),
            parameters: BTreeMap::from([("data_sha256".to_owned(), data_sha256)]),
            generation: BTreeMap::new(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self { manifest, listing: Listing::Suite(cases.clone()), cases, images }
    }

    pub(crate) fn of_geneval(config: SuiteConfig) -> Result<Self> {
        geneval::generate_cases(&config).map_err(|error| CommandError::usage(error.to_string()))?;
        let manifest = suite_manifest(config);
        let cases = suite_cases(&manifest)?.into_iter().map(|case| {
            let rounds = vec![RoundInput { prompt: case.prompt, images: vec![], mask: None }];
            let case_of_run = GenerationCase { id: case.id, rounds };
            TaggedCase { tag: case.tag, case: case_of_run, facts: BTreeMap::new() }
        });
        Ok(Self { manifest, cases: cases.collect(), images: BTreeMap::new(), listing: Listing::Nothing })
    }

    fn of_file(path: &Path) -> Result<Self> {
        let text = read_text(path, MAX_CASES_BYTES, "the cases")?;
        let mut reader =
            CaseReader { folder: path.parent().unwrap_or(Path::new(".")), images: BTreeMap::new() };
        let mut cases = Vec::new();
        let mut seen = BTreeSet::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = |error: String| {
                CommandError::usage(format!("`{}`, line {}: {error}", path.display(), number + 1))
            };
            let case = reader.read_case(line).map_err(place)?;
            if !seen.insert(case.case.id.clone()) {
                return Err(place(format!("the id `{}` occurs twice", case.case.id)).into());
            }
            cases.push(case);
        }
        if cases.is_empty() {
            return Err(CommandError::nothing(format!("`{}` holds no case", path.display())).into());
        }
        let manifest = Manifest {
            suite: OWN_CASES.to_owned(),
            // Cases are held against the run's listing one by one, so that more may be added.
            parameters: BTreeMap::new(),
            generation: BTreeMap::new(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Self { manifest, cases, images: reader.images, listing: Listing::OwnCases })
    }

    /// Puts what the cases need into the run: their images by content, and the listing, in which the cases of earlier
    /// calls stay.
    ///
    /// # Errors
    /// If a case is not what it was when the run first saw it, and the run holds a result.
    pub(crate) fn keep_in(&self, run: &RunWriter) -> Result<()> {
        let kept = match &self.listing {
            Listing::Nothing => None,
            Listing::OwnCases => Some(&self.cases),
            Listing::Suite(cases) => Some(cases),
        };
        let listed = |cases: &Vec<TaggedCase>| cases.iter().map(TaggedCase::listed).collect::<Vec<_>>();
        let listing = kept.map(|cases| run.merge_cases(&listed(cases))).transpose()?;
        for (hash, (format, path)) in &self.images {
            let bytes = read_regular(path, MAX_INPUT_BYTES)
                .with_context(|| format!("could not read `{}`", path.display()))?;
            if ContentHash::of(&bytes) != *hash {
                let message = format!("`{}` changed while it was read", path.display());
                return Err(CommandError::mendable(message, "start the command again").into());
            }
            run.images().put(&ImageRef { hash: hash.clone(), format: *format }, &bytes)?;
        }
        if let Some(listing) = listing {
            run.put_cases(&listing)?;
        }
        Ok(())
    }

    /// Leaves the cases that are asked for: by id, by tag, then the first so many.
    ///
    /// # Errors
    /// If an id or tag is none of this set's.
    pub(crate) fn select(&mut self, ids: &[String], tags: &[String], limit: Option<usize>) -> Result<()> {
        let known_ids: BTreeSet<&str> = self.cases.iter().map(|case| case.case.id.as_str()).collect();
        let full_id = |id: &String| match id.parse::<u32>() {
            // GenEval's prompt 52 is `00052`.
            Ok(number) if !known_ids.contains(id.as_str()) => format!("{number:05}"),
            _ => id.clone(),
        };
        let asked: BTreeSet<String> = ids.iter().map(full_id).collect();
        if let Some(unknown) = ids.iter().find(|id| !known_ids.contains(full_id(id).as_str())) {
            return Err(CommandError::usage(format!("no prompt has the id `{unknown}`")).into());
        }
        let known_tags: BTreeSet<&str> = self.cases.iter().map(|case| case.tag.as_str()).collect();
        if let Some(unknown) = tags.iter().find(|tag| !known_tags.contains(tag.as_str())) {
            let known: Vec<&str> = known_tags.into_iter().collect();
            let hint = format!("there are: {}", known.join(", "));
            return Err(CommandError::usage(format!("no prompt has the tag `{unknown}`"))
                .with_hint(hint)
                .into());
        }
        self.cases.retain(|case| {
            (asked.is_empty() || asked.contains(case.case.id.as_str()))
                && (tags.is_empty() || tags.contains(&case.tag))
        });
        self.cases.truncate(limit.unwrap_or(usize::MAX));
        if self.cases.is_empty() {
            return Err(CommandError::nothing("no prompt is left by --ids, --tags and --limit").into());
        }
        Ok(())
    }

    pub(crate) fn rounds(&self) -> impl Iterator<Item = &RoundInput> {
        self.cases.iter().flat_map(|case| &case.case.rounds)
    }
}

/// A line of the file; which of the fields go together is checked by hand, to say it clearly.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLine {
    id: String,
    #[serde(default)]
    tag: String,
    prompt: Option<String>,
    rounds: Option<Vec<Value>>,
    #[serde(default)]
    images: Vec<PathBuf>,
    mask: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundLine {
    prompt: String,
    #[serde(default)]
    images: Vec<PathBuf>,
    mask: Option<PathBuf>,
}

struct CaseReader<'a> {
    folder: &'a Path,
    images: BTreeMap<ContentHash, (ImageFormat, PathBuf)>,
}

impl CaseReader<'_> {
    fn read_case(&mut self, line: &str) -> Result<TaggedCase, String> {
        let line: CaseLine = from_json_str(line).map_err(|error| error.to_string())?;
        check_id(&line.id)?;
        let first = |prompt| RoundLine { prompt, images: line.images.clone(), mask: line.mask.clone() };
        let rounds = match (line.prompt, line.rounds) {
            (Some(prompt), None) => vec![first(prompt)],
            (None, Some(rounds)) => {
                let mut rounds = rounds.into_iter().map(read_round).collect::<Result<Vec<_>, _>>()?;
                let opening = rounds.first_mut().ok_or("`rounds` is empty")?;
                let has_own = !opening.images.is_empty() || opening.mask.is_some();
                let has_common = !line.images.is_empty() || line.mask.is_some();
                if has_own && has_common {
                    return Err("give the first round's images once, inside or outside of it".to_owned());
                }
                if has_common {
                    (opening.images, opening.mask) = (line.images, line.mask);
                }
                rounds
            }
            _ => return Err("give either `prompt` or `rounds`".to_owned()),
        };
        let rounds = rounds.into_iter().map(|round| self.read_images(round)).collect::<Result<_, _>>()?;
        let case = GenerationCase { id: CaseId::new(line.id), rounds };
        Ok(TaggedCase { tag: line.tag, case, facts: BTreeMap::new() })
    }

    fn read_images(&mut self, round: RoundLine) -> Result<RoundInput, String> {
        if round.prompt.trim().is_empty() {
            return Err("a prompt is empty".to_owned());
        }
        if round.mask.is_some() && round.images.is_empty() {
            return Err("a mask needs an image".to_owned());
        }
        let images = round.images.iter().map(|path| self.read_image(path)).collect::<Result<_, _>>()?;
        let mask = round.mask.as_ref().map(|path| self.read_image(path)).transpose()?;
        Ok(RoundInput { prompt: round.prompt, images, mask })
    }

    fn read_image(&mut self, path: &Path) -> Result<ImageRef, String> {
        let path = self.folder.join(path);
        let bytes = read_regular(&path, MAX_INPUT_BYTES)
            .map_err(|error| format!("could not read `{}`: {error}", path.display()))?;
        let limits = DecodeLimits { max_pixels: MAX_INPUT_PIXELS };
        let format = inspect_and_decode(&bytes, &limits)
            .map_err(|error| format!("`{}` cannot be used: {}", path.display(), error.failure().detail))?
            .format;
        let hash = InputImage::new(format, bytes).hash;
        self.images.insert(hash.clone(), (format, path));
        Ok(ImageRef { hash, format })
    }
}

/// Longer files are no images to send.
const MAX_INPUT_BYTES: u64 = 512 << 20;
/// Larger images are not sent.
const MAX_INPUT_PIXELS: u64 = 100_000_000;

fn read_round(value: Value) -> Result<RoundLine, String> {
    match value {
        Value::String(prompt) => Ok(RoundLine { prompt, images: vec![], mask: None }),
        other => serde_json::from_value(other).map_err(|error| format!("in `rounds`: {error}")),
    }
}

/// Ids become parts of file names when images are exported or handed to commands.
fn check_id(id: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.starts_with('.') || !id.bytes().all(is_plain) {
        let allowed = "letters, digits, `-`, `_` and `.`, not first";
        return Err(format!("the id `{}` is none: {allowed}, at most {MAX_ID_BYTES}", id.escape_debug()));
    }
    Ok(())
}
