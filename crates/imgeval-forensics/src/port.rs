//! What a detector of generated images is, and what it says of one.

use std::path::PathBuf;

use imgeval_core::memory::NotEnoughMemory;
use imgeval_vision::{ModelError, compute::ComputeOptions};
use serde::Serialize;

use crate::{source::SourceImage, trace::Trace, trunks::Trunks};

/// A loaded detector. Use it from several threads at once through `&self`.
pub trait Detector: Send + Sync {
    fn description(&self) -> &'static Description;

    /// The name of the pipeline that it was loaded with.
    fn pipeline(&self) -> &'static str;

    /// What it says of an image; `trace` is given the tensors between its layers.
    ///
    /// # Errors
    /// If the image cannot be prepared or the network fails.
    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError>;

    /// What it says of an image.
    ///
    /// # Errors
    /// As [`Self::judge_traced`], and if the network gives numbers that are not finite.
    fn judge(&self, image: &SourceImage) -> Result<Judgment, ForensicsError> {
        let judgment = self.judge_traced(image, &mut Trace::off())?;
        // A broken checkpoint must not be counted as a verdict.
        if judgment.score.is_finite() && judgment.logits.iter().all(|logit| logit.is_finite()) {
            return Ok(judgment);
        }
        Err(ModelError::NotFinite.into())
    }
}

/// What is known of a detector before its weights are there.
#[derive(Debug)]
pub struct Description {
    /// What the user calls it by, such as `npr`.
    pub id: &'static str,
    /// What tables call it, such as `NPR`.
    pub name: &'static str,
    /// Authors, venue and year, or arXiv number.
    pub paper: &'static str,
    pub license: WeightsLicense,
    /// The published ways of preparing images; the first is the default.
    pub pipelines: &'static [Pipeline],
    /// How the score becomes a verdict, in words.
    pub threshold: &'static str,
    /// What was published about it, as far as it can be compared.
    pub published: &'static [Published],
    /// Published outputs of the published weights on published images, which show that an installation is right.
    pub canaries: &'static [Canary],
    /// Side in pixels of the square crops that the network uses, if it takes them from the image without scaling;
    /// needed for a heat map of patches.
    pub native_crop: Option<u32>,
    pub load: fn(&LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError>,
}

/// A way of preparing images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pipeline {
    pub name: &'static str,
    /// In one line.
    pub what: &'static str,
}

/// Under which terms the weights may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightsLicense {
    /// Permissive, by its name.
    Free(&'static str),
    /// Not for commerce, by its name.
    NonCommercial(&'static str),
    /// Nothing is stated, so nothing is allowed but what the law allows.
    NotStated,
}

/// A published number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// On which images.
    pub set: &'static str,
    /// What was measured, such as `accuracy` or `AP`.
    pub measure: &'static str,
    /// In [0, 1].
    pub value: f64,
    pub source: &'static str,
}

/// What a detector with its published weights gives for an image that lies in its authors' repository.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Canary {
    /// The image's path in the repository.
    pub image: &'static str,
    /// The repository.
    pub from: &'static str,
    pub expected: CanaryValue,
}

/// The published number of a canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CanaryValue {
    /// A logit.
    Logit(f64),
    /// A score in [0, 1].
    Score(f64),
}

impl Canary {
    /// The published number and the one found.
    pub fn compare(&self, found: &Judgment) -> (f64, f64) {
        match self.expected {
            CanaryValue::Logit(expected) => {
                (expected, found.logits.first().map_or(f64::NAN, |logit| f64::from(*logit)))
            }
            CanaryValue::Score(expected) => (expected, found.score),
        }
    }

    /// Whether the found number agrees with the published one. Logits are published with all digits, but of another machine and version of
    /// PyTorch; scores with four decimals.
    pub fn holds(&self, found: &Judgment) -> bool {
        let (expected, found) = self.compare(found);
        let tolerance = match self.expected {
            CanaryValue::Logit(_) => 1e-2,
            CanaryValue::Score(_) => 1e-3,
        };
        (expected - found).abs() <= tolerance
    }
}

/// How to load a detector.
#[derive(Debug, Clone, Copy)]
pub struct LoadRequest<'a> {
    /// In any order.
    pub files: &'a [PathBuf],
    /// None for the default.
    pub pipeline: Option<&'a str>,
    pub compute: ComputeOptions,
    /// Where detectors that are loaded together find the networks that they share.
    pub trunks: &'a Trunks,
}

impl LoadRequest<'_> {
    /// The pipeline that was asked for.
    ///
    /// # Errors
    /// If the detector has none of that name.
    pub fn pipeline_of(&self, description: &'static Description) -> Result<&'static str, ForensicsError> {
        let wanted = self.pipeline.unwrap_or(description.pipelines[0].name);
        let found = description.pipelines.iter().find(|pipeline| pipeline.name == wanted);
        found.map(|pipeline| pipeline.name).ok_or_else(|| ForensicsError::NoPipeline {
            detector: description.id,
            wanted: wanted.to_owned(),
            known: description.pipelines.iter().map(|pipeline| pipeline.name).collect(),
        })
    }

    /// The only file.
    ///
    /// # Errors
    /// If there is none or more than one.
    pub fn only_file(&self, description: &'static Description) -> Result<&std::path::Path, ForensicsError> {
        match self.files {
            [file] => Ok(file),
            files => {
                Err(ForensicsError::FileCount { detector: description.id, needed: 1, found: files.len() })
            }
        }
    }
}

/// What a detector says of an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgment {
    /// What the network gave: one number, or one for real and one for fake.
    pub logits: Vec<f32>,
    /// In [0, 1], higher for fake.
    pub score: f64,
    pub is_fake: bool,
    /// SHA-256 of the crop's RGB bytes just before they became numbers; none where a detector has no single crop.
    pub crop_sha256: Option<String>,
}

impl Judgment {
    /// Of one logit: fake above one half of its sigmoid, which is above zero.
    #[must_use]
    pub fn of_logit(logit: f32, crop_sha256: Option<String>) -> Self {
        let score = 1.0 / (1.0 + (-f64::from(logit)).exp());
        Self { logits: vec![logit], score, is_fake: logit > 0.0, crop_sha256 }
    }

    /// Of the logits of real and fake: fake above one half of their softmax.
    #[must_use]
    pub fn of_pair([real, fake]: [f32; 2], crop_sha256: Option<String>) -> Self {
        let score = 1.0 / (1.0 + (f64::from(real) - f64::from(fake)).exp());
        Self { logits: vec![real, fake], score, is_fake: fake > real, crop_sha256 }
    }
}

/// Why a detector could not be loaded, or said nothing of an image.
#[derive(Debug, thiserror::Error)]
pub enum ForensicsError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Memory(#[from] NotEnoughMemory),
    #[error("the detector `{detector}` has no pipeline `{wanted}`; it has {}", known.join(", "))]
    NoPipeline { detector: &'static str, wanted: String, known: Vec<&'static str> },
    #[error("the detector `{detector}` needs {needed} file{} of weights, {found} given", if *needed == 1 { "" } else { "s" })]
    FileCount { detector: &'static str, needed: usize, found: usize },
    #[error("none of the files of `{detector}` contains the vision encoder of CLIP; {found}")]
    NoTrunk { detector: &'static str, found: String },
    #[error("both files of `{detector}` contain the vision encoder of CLIP, and neither contains its head")]
    NoHead { detector: &'static str },
    #[error("the detector `{detector}` does not analyze crops of native pixels, so it has no map")]
    NoNativeCrop { detector: &'static str },
    #[error("an image of {width}x{height} pixels is too small for `{detector}`, which needs {needed}")]
    TooSmall { detector: &'static str, width: u32, height: u32, needed: u32 },
}

impl From<candle_core::Error> for ForensicsError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
