//! What a run generates from: a suite's cases, or a file of the user's own. A file is kept in the run as it was
//! understood, with its images by content, so that a run can be moved and continued.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use imgeval_core::{CaseId, ContentHash, ImageRef, InputImage, Shard, json::from_json_str};
use imgeval_files::read_regular;
use imgeval_runner::{GenerationCase, RoundInput};
use imgeval_scoring::listed_case;
use imgeval_store::{Label, Manifest, RunWriter};
use imgeval_suites::{
    checks::Rule,
    files::SuiteFiles,
    own_cases::{CheckFacts, settle_checks, write_facts},
    registry,
    suite::{CaseRound, ImageSource, Parameters, SuiteCase, SuiteCases, SuiteRef},
};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};
use serde::Deserialize;
use serde_json::Value;

use crate::CasesError;

/// A longer file of cases is refused.
const MAX_CASES_BYTES: u64 = 256 << 20;
const MAX_ID_BYTES: usize = 120;

/// Cases with the manifest of a run of them, and the images that must lie in the run.
#[derive(Debug, Clone)]
pub struct CaseSet {
    pub suite: SuiteRef,
    pub manifest: Manifest,
    pub cases: Vec<SuiteCase>,
    images: BTreeMap<ContentHash, (ImageRef, ImageSource)>,
    /// What of the cases is kept in the run; `None` if the manifest tells them. A suite is kept whole, whatever part of it is
    /// worked on: what is missing is part of the score.
    listed: Option<Vec<SuiteCase>>,
    /// The part of the cases that is worked on, where other processes work on the others.
    shard: Option<Shard>,
}

impl CaseSet {
    /// All cases of a suite.
    ///
    /// # Errors
    /// If its files were not fetched, or are not what they should be.
    pub fn of_suite(
        suite: SuiteRef,
        files: &SuiteFiles,
        parameters: &Parameters,
    ) -> Result<Self, CasesError> {
        let SuiteCases { cases, parameters, images, is_listed } = suite.load(files, parameters)?;
        let listed = is_listed.then(|| cases.clone());
        Ok(Self { suite, manifest: manifest_of(suite, parameters), cases, images, listed, shard: None })
    }

    /// The cases in a file of JSON lines.
    ///
    /// # Errors
    /// If it cannot be read, or a line of it is not a case.
    pub fn of_file(path: &Path) -> Result<Self, CasesError> {
        let text = imgeval_files::read_hand_written(path, MAX_CASES_BYTES, "the cases")?;
        let mut reader =
            CaseReader { folder: path.parent().unwrap_or(Path::new(".")), images: BTreeMap::new() };
        let mut cases = Vec::new();
        let mut seen = BTreeSet::new();
        let is_case =
            |(_, line): &(usize, &str)| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        for (number, line) in text.lines().enumerate().filter(is_case) {
            let place =
                |problem: String| CasesError::Line { path: path.to_owned(), line: number + 1, problem };
            let case = reader.read_case(line).map_err(place)?;
            if !seen.insert(case.id.clone()) {
                return Err(place(format!("duplicate id `{}`", case.id)));
            }
            cases.push(case);
        }
        if cases.is_empty() {
            return Err(CasesError::NoCase { path: path.to_owned() });
        }
        settle_checks(&mut cases).map_err(|problem| CasesError::Checks { path: path.to_owned(), problem })?;
        let suite = registry::own_cases();
        // Cases are held against the run's listing one by one, so that more may be added.
        let manifest = manifest_of(suite, Parameters::new());
        let listed = Some(cases.clone());
        Ok(Self { suite, manifest, cases, images: reader.images, listed, shard: None })
    }

    /// With what the user calls the run; without it a run keeps the label that it has.
    #[must_use]
    pub fn with_label(mut self, label: Option<&Label>) -> Self {
        self.manifest.label = label.cloned();
        self
    }

    /// Puts what the cases need into the run: their images by content, and the listing, in which the cases of earlier
    /// calls stay.
    ///
    /// # Errors
    /// If a case is not what it was when the run first saw it, and the run holds a result.
    pub fn keep_in(&self, run: &RunWriter) -> Result<(), CasesError> {
        let cases = match &self.listed {
            // Of cases of one's own only those that are worked on.
            Some(_) if self.suite == registry::own_cases() && self.shard.is_none() => Some(&self.cases),
            listed => listed.as_ref(),
        };
        let listed = |cases: &Vec<SuiteCase>| cases.iter().map(listed_case).collect::<Vec<_>>();
        let listing = cases.map(|cases| run.merge_cases(&listed(cases))).transpose()?;
        for (hash, (image, source)) in &self.images {
            let path = match source {
                ImageSource::BuiltIn(bytes) => {
                    run.images().put(image, bytes)?;
                    continue;
                }
                ImageSource::File(path) => path,
            };
            let bytes = read_regular(path, MAX_INPUT_BYTES)
                .map_err(|source| CasesError::Read { path: path.clone(), source })?;
            if ContentHash::of(&bytes) != *hash {
                return Err(CasesError::Changed { path: path.clone() });
            }
            run.images().put(image, &bytes)?;
        }
        if let Some(listing) = listing {
            run.put_cases(&listing)?;
        }
        Ok(())
    }

    /// As one of several processes that share the work, or the only one.
    #[must_use]
    pub fn with_shard(mut self, shard: Option<Shard>) -> Self {
        self.shard = shard;
        self
    }

    /// The cases that this process works on; `None` if these are all.
    #[must_use]
    pub fn part(&self) -> Option<BTreeSet<&CaseId>> {
        let shard = self.shard?;
        let own = self.cases.iter().enumerate().filter(|(place, _)| shard.holds(*place));
        Some(own.map(|(_, case)| &case.id).collect())
    }

    /// Leaves only the cases that this process works on. The run still lists all of them, so that the parts can be merged.
    ///
    /// # Errors
    /// If there are fewer cases than parts, and none is left for this one.
    pub fn keep_part(&mut self) -> Result<(), CasesError> {
        let Some(shard) = self.shard else { return Ok(()) };
        if self.suite == registry::own_cases() {
            self.listed = Some(self.cases.clone());
        }
        let mut places = 0..;
        self.cases.retain(|_| places.next().is_some_and(|place| shard.holds(place)));
        match self.cases.is_empty() {
            true => Err(CasesError::NoneInShard { shard }),
            false => Ok(()),
        }
    }

    /// Selects cases by id and by tag, then the first ones up to a limit.
    ///
    /// # Errors
    /// If an id or tag does not exist in this set.
    pub fn select(
        &mut self,
        ids: &[String],
        tags: &[String],
        limit: Option<usize>,
    ) -> Result<(), CasesError> {
        let known_ids: BTreeSet<&str> = self.cases.iter().map(|case| case.id.as_str()).collect();
        let full_id = |id: &String| match id.parse::<u32>() {
            // GenEval's prompt 52 is `00052`.
            Ok(number) if !known_ids.contains(id.as_str()) => format!("{number:05}"),
            _ => id.clone(),
        };
        let asked: BTreeSet<String> = ids.iter().map(full_id).collect();
        if let Some(unknown) = ids.iter().find(|id| !known_ids.contains(full_id(id).as_str())) {
            return Err(CasesError::UnknownId { id: unknown.clone() });
        }
        let known_tags: BTreeSet<&str> = self.cases.iter().map(|case| case.tag.as_str()).collect();
        if let Some(unknown) = tags.iter().find(|tag| !known_tags.contains(tag.as_str())) {
            let known = known_tags.into_iter().map(str::to_owned).collect();
            return Err(CasesError::UnknownTag { tag: unknown.clone(), known });
        }
        self.cases.retain(|case| {
            (asked.is_empty() || asked.contains(case.id.as_str()))
                && (tags.is_empty() || tags.contains(&case.tag))
        });
        self.cases.truncate(limit.unwrap_or(usize::MAX));
        if self.cases.is_empty() {
            return Err(CasesError::NoneLeft);
        }
        Ok(())
    }

    /// Makes one round of each case's rounds: the instructions one after the other, all images sent along.
    ///
    /// # Errors
    /// If a later round has a mask.
    pub fn join_rounds(&mut self) -> Result<(), CasesError> {
        for case in self.cases.iter_mut().chain(self.listed.iter_mut().flatten()) {
            let masked = case.rounds.iter().skip(1).position(|round| round.mask.is_some());
            if let Some(place) = masked {
                return Err(CasesError::MaskInRound { id: case.id.to_string(), round: place + 2 });
            }
            let prompts: Vec<&str> = case.rounds.iter().map(|round| round.prompt.as_str()).collect();
            let joined = CaseRound {
                prompt: joined_instructions(&prompts),
                images: case.rounds.iter().flat_map(|round| round.images.clone()).collect(),
                mask: case.rounds.first().and_then(|round| round.mask.clone()),
            };
            case.rounds = vec![joined];
        }
        Ok(())
    }

    /// Of all cases.
    pub fn rounds(&self) -> impl Iterator<Item = &CaseRound> {
        self.cases.iter().flat_map(|case| &case.rounds)
    }
}

/// Instructions as one text: each but the last without its full stop, then joined by `. `, as EdiVal-Bench joins those of its single
/// pass.
fn joined_instructions(instructions: &[&str]) -> String {
    let Some((last, before)) = instructions.split_last() else { return String::new() };
    let before = before.iter().map(|text| text.trim_end().trim_end_matches('.'));
    before.chain([*last]).collect::<Vec<_>>().join(". ")
}

/// The manifest of a run of this suite.
fn manifest_of(suite: SuiteRef, parameters: Parameters) -> Manifest {
    Manifest {
        suite: suite.id().to_owned(),
        parameters,
        generation: BTreeMap::new(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        label: None,
    }
}

/// The case as a request to a generator, with each prompt transformed by `prompt`.
pub fn generation_case(case: &SuiteCase, prompt: impl Fn(&str) -> String) -> GenerationCase {
    let round = |round: &CaseRound| RoundInput {
        prompt: prompt(&round.prompt),
        images: round.images.clone(),
        mask: round.mask.clone(),
    };
    GenerationCase { id: case.id.clone(), rounds: case.rounds.iter().map(round).collect() }
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
    checks: Option<Value>,
    rule: Option<String>,
    weight: Option<f64>,
    explanation: Option<String>,
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
    images: BTreeMap<ContentHash, (ImageRef, ImageSource)>,
}

impl CaseReader<'_> {
    fn read_case(&mut self, line: &str) -> Result<SuiteCase, String> {
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
                    return Err("give the first round's images only once, inside or outside of it".to_owned());
                }
                if has_common {
                    (opening.images, opening.mask) = (line.images, line.mask);
                }
                rounds
            }
            _ => return Err("give either `prompt` or `rounds`".to_owned()),
        };
        let rounds: Vec<CaseRound> =
            rounds.into_iter().map(|round| self.read_images(round)).collect::<Result<_, _>>()?;
        let (facts, objects) = (BTreeMap::new(), None);
        let mut case = SuiteCase { id: CaseId::new(line.id), tag: line.tag, rounds, facts, objects };
        if line.checks.is_none() && line.rule.is_some() {
            return Err("`rule` needs `checks`".to_owned());
        }
        if line.checks.is_some() && case.rounds.len() > 1 {
            return Err("a case with `checks` has one round".to_owned());
        }
        if line.weight.is_some_and(|weight| !weight.is_finite() || weight <= 0.0) {
            return Err("`weight` must be a positive number".to_owned());
        }
        let given = CheckFacts {
            checks: line.checks.as_ref(),
            rule: line.rule.as_deref().map_or(Ok(Rule::default()), Rule::from_name)?,
            weight: line.weight,
            explanation: line.explanation.as_deref(),
        };
        write_facts(&mut case, &given)?;
        Ok(case)
    }

    fn read_images(&mut self, round: RoundLine) -> Result<CaseRound, String> {
        if round.prompt.trim().is_empty() {
            return Err("a prompt is empty".to_owned());
        }
        if round.mask.is_some() && round.images.is_empty() {
            return Err("a mask needs an image".to_owned());
        }
        let images = round.images.iter().map(|path| self.read_image(path)).collect::<Result<_, _>>()?;
        let mask = round.mask.as_ref().map(|path| self.read_image(path)).transpose()?;
        Ok(CaseRound { prompt: round.prompt, images, mask })
    }

    fn read_image(&mut self, path: &Path) -> Result<ImageRef, String> {
        let path = self.folder.join(path);
        let bytes = read_regular(&path, MAX_INPUT_BYTES)
            .map_err(|error| format!("could not read `{}`: {error}", path.display()))?;
        let limits = DecodeLimits { max_pixels: MAX_INPUT_PIXELS };
        let format = inspect_and_decode(&bytes, &limits)
            .map_err(|error| format!("cannot use `{}`: {}", path.display(), error.failure().detail))?
            .format;
        let hash = InputImage::new(format, bytes).hash;
        let image = ImageRef { hash: hash.clone(), format };
        self.images.insert(hash, (image.clone(), ImageSource::File(path)));
        Ok(image)
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
        return Err(format!("invalid id `{}`: {allowed}, at most {MAX_ID_BYTES}", id.escape_debug()));
    }
    Ok(())
}
