//! The file of a study.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use imgeval_files::read_hand_written;
use imgeval_suites::registry;
use serde::Deserialize;

use crate::StudyError;

/// No file of a study is longer.
const MAX_BYTES: u64 = 1 << 20;
const MAX_NAME_BYTES: usize = 80;

/// Settings of generation that a model's section may give, by their names on the command line with `_` for `-`.
const MODEL_OPTIONS: [&str; 17] = [
    "any_model",
    "any_size",
    "background",
    "concurrency",
    "context",
    "image_seed",
    "key_file",
    "output_format",
    "prompt_prefix",
    "prompt_template",
    "quality",
    "rewriter",
    "rpm",
    "size",
    "system",
    "timeout",
    "tpm",
];

/// Everything that a study's file says. Paths are relative to the file's folder and are given as [`Study::place`] resolves them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Heading of the report.
    #[serde(default = "default_title")]
    pub title: String,
    /// Where runs, diagnoses and the report are written.
    #[serde(default = "default_folder")]
    pub folder: PathBuf,
    /// US dollars for everything together; `None` limits nothing.
    pub max_cost: Option<f64>,
    /// Images per prompt where a suite's section gives no number; `None` is the program's own default.
    pub samples: Option<u32>,
    #[serde(default)]
    pub models: Vec<ModelSection>,
    #[serde(default)]
    pub suites: Vec<SuiteSection>,
    #[serde(default)]
    pub diagnose: DiagnoseSection,
    #[serde(default)]
    pub report: ReportSection,
    /// The folder of the file.
    #[serde(skip)]
    base: PathBuf,
}

/// A generator, or images of one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// Unique within the study.
    pub name: String,
    /// `PROVIDER:MODEL`; without it only existing images and runs are used.
    pub model: Option<String>,
    /// Existing images by suite.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// Existing runs by suite; they are used as they are.
    #[serde(default)]
    pub runs: BTreeMap<String, PathBuf>,
    /// Images of the model that belong to no suite; diagnoses look at them.
    #[serde(default)]
    pub more_images: Vec<String>,
    /// Sessions of edits in several rounds: folders with a `session.json`.
    #[serde(default)]
    pub sessions: Vec<PathBuf>,
    /// Settings of generation.
    #[serde(default)]
    pub options: BTreeMap<String, OptionValue>,
}

/// A value of a setting: a text, a number, or `true` for a switch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OptionValue {
    Switch(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

/// A suite that models are scored on.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteSection {
    /// As the registry names it.
    pub suite: String,
    pub samples: Option<u32>,
    /// Only the first so many prompts.
    pub limit: Option<u32>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub detector: Option<String>,
    #[serde(default)]
    pub judges: Vec<String>,
    pub protocol: Option<String>,
    /// Controls, where the suite has some.
    #[serde(default)]
    pub controls: bool,
    /// Names of the models to score; all if empty.
    #[serde(default)]
    pub models: Vec<String>,
}

/// What is diagnosed; a section that is there asks for its diagnosis.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnoseSection {
    pub weaknesses: Option<WeaknessesSection>,
    pub artefacts: Option<ArtefactsSection>,
    pub architecture: Option<ArchitectureSection>,
    pub rounds: Option<RoundsSection>,
    pub forensics: Option<ForensicsSection>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeaknessesSection {
    /// Images whose colors others are compared with.
    pub reference: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtefactsSection {
    /// Images that all models are compared with.
    pub reference: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureSection {
    /// Images by class, named `CLASS` or `CLASS/GENERATOR`. A probe is trained on them.
    #[serde(default)]
    pub classes: BTreeMap<String, String>,
    /// A trained probe instead.
    pub probe: Option<PathBuf>,
    /// What a trained probe looks at.
    pub kind: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundsSection {
    /// Also measure sources that are only encoded and decoded as often.
    #[serde(default)]
    pub controls: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForensicsSection {
    /// Photographs, as `PLACE` or `NAME=PLACE`.
    #[serde(default)]
    pub real: Vec<String>,
    /// Detectors, as `ID` or `ID:PIPELINE`; those that are installed if empty.
    #[serde(default)]
    pub detectors: Vec<String>,
    /// Degradations whose curves are computed: `full`, `short` or `none`.
    pub sweep: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportSection {
    /// One file that can be sent, without the original images.
    #[serde(default)]
    pub single_file: bool,
    /// Leave published scores out.
    #[serde(default)]
    pub no_published: bool,
}

fn default_title() -> String {
    "Study".to_owned()
}

fn default_folder() -> PathBuf {
    PathBuf::from("study")
}

impl Study {
    /// Reads and checks a study's file.
    ///
    /// # Errors
    /// If the file cannot be read, is not of the form, or names a suite or model that there is not.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let text = read_hand_written(path, MAX_BYTES, "the study")?;
        Self::parse(path, &text)
    }

    /// Reads and checks a study's text; relative paths start in the folder of `path`.
    ///
    /// # Errors
    /// If the text is not of the form, or names a suite or model that there is not.
    pub fn parse(path: &Path, text: &str) -> Result<Self, StudyError> {
        let malformed = |detail: String| StudyError::Malformed { path: path.to_owned(), detail };
        let mut study: Self =
            toml::from_str(text).map_err(|error| malformed(error.to_string().trim_end().to_owned()))?;
        study.base = path.parent().unwrap_or(Path::new("")).to_owned();
        study.check().map_err(malformed)?;
        Ok(study)
    }

    fn check(&self) -> Result<(), String> {
        if self.models.is_empty() {
            return Err("it names no model; add a section [[models]]".to_owned());
        }
        let diagnoses = &self.diagnose;
        if self.suites.is_empty() && *diagnoses == DiagnoseSection::default() {
            return Err("it asks for nothing; add [[suites]] or a section [diagnose...]".to_owned());
        }
        if let Some(cost) = self.max_cost
            && !(cost.is_finite() && cost >= 0.0)
        {
            return Err(format!("`max_cost = {cost}` must be a number of US dollars from 0 on"));
        }
        let mut names = BTreeSet::new();
        for model in &self.models {
            model.check()?;
            // Names become folders, on disks that may ignore case.
            if !names.insert(model.slug().to_lowercase()) {
                return Err(format!("two models are called `{}`", model.name.escape_debug()));
            }
        }
        let mut suites = BTreeSet::new();
        for section in &self.suites {
            known_suite(&section.suite)?;
            if !suites.insert(section.suite.as_str()) {
                return Err(format!("suite `{}` is listed twice", section.suite));
            }
            for name in &section.models {
                if !self.models.iter().any(|model| model.name == *name) {
                    return Err(format!(
                        "suite `{}` names an unknown model `{}`",
                        section.suite,
                        name.escape_debug()
                    ));
                }
            }
        }
        if let Some(architecture) = &diagnoses.architecture {
            let (n, has_probe) = (architecture.classes.len(), architecture.probe.is_some());
            if has_probe == (n > 0) || n == 1 {
                return Err(
                    "[diagnose.architecture] needs either `probe` or at least two `classes`".to_owned()
                );
            }
        }
        Ok(())
    }

    /// The folder of the file, from which relative paths start.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// A path of the file, from the working folder.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// A folder or pattern of the file, from the working folder.
    #[must_use]
    pub fn place(&self, place: &str) -> String {
        self.base.join(place).to_string_lossy().into_owned()
    }

    /// Where everything is written.
    #[must_use]
    pub fn out(&self) -> PathBuf {
        self.path(&self.folder)
    }
}

impl ModelSection {
    /// The name as a part of file names.
    #[must_use]
    pub fn slug(&self) -> String {
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' }
        };
        let slug: String = self.name.chars().map(plain).collect();
        slug.trim_matches(['-', '.']).to_owned()
    }

    fn check(&self) -> Result<(), String> {
        let shown = self.name.escape_debug();
        if self.slug().is_empty() || self.name.len() > MAX_NAME_BYTES || self.name.contains(['=', '\n']) {
            return Err(format!(
                "`{shown}` cannot name a model: it needs a letter or digit, no `=`, and at most {MAX_NAME_BYTES} bytes"
            ));
        }
        let has_source = self.model.is_some()
            || !self.images.is_empty()
            || !self.runs.is_empty()
            || !self.more_images.is_empty()
            || !self.sessions.is_empty();
        if !has_source {
            return Err(format!(
                "model `{shown}` needs `model`, `images`, `runs`, `more_images` or `sessions`"
            ));
        }
        for suite in self.images.keys().chain(self.runs.keys()) {
            known_suite(suite)?;
        }
        if let Some(name) = self.options.keys().find(|name| !MODEL_OPTIONS.contains(&name.as_str())) {
            return Err(format!(
                "model `{shown}` has an unknown option `{}`; options are {}",
                name.escape_debug(),
                MODEL_OPTIONS.join(", ")
            ));
        }
        Ok(())
    }
}

fn known_suite(id: &str) -> Result<(), String> {
    if registry::all().any(|suite| suite.id() == id) {
        return Ok(());
    }
    let known: Vec<&str> = registry::all().map(|suite| suite.id()).collect();
    Err(format!("unknown suite `{}`; suites are {}", id.escape_debug(), known.join(", ")))
}
