//! What goes into a study.

use std::collections::BTreeMap;

use imgeval_metrics::BootstrapSettings;
use serde::{Deserialize, Serialize};

use super::sweep::SweepStep;
use crate::collect::Examined;

/// What an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Real,
    Fake,
}

impl Class {
    /// `real` or `fake`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Fake => "fake",
        }
    }
}

/// One image of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyImage {
    pub name: String,
    pub class: Class,
    /// The name of the generator or of the collection of real images.
    pub set: String,
    /// The prompt of a fake, the source of a real image: images of one cluster are not independent.
    pub cluster: String,
    pub examined: Examined,
}

/// What was done to an image before it was scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// The file as it is.
    AsDelivered,
    /// Through one codec and size, the same for both classes.
    Matched,
    /// Degraded from the image as it was delivered.
    Degraded(SweepStep),
}

/// What came of scoring one image under one treatment.
#[derive(Debug, Clone, PartialEq)]
pub enum ScoreOutcome {
    /// Higher for fake.
    Scored(f64),
    /// The detector could not score the image, for this reason.
    Failed(String),
    /// Not scored yet, or not at all under this treatment.
    Missing,
}

/// Whose detector it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A detector of others with its published weights and threshold.
    Published,
    /// Trained on the images of this study, each scored by a model that has not seen its cluster.
    Own,
    /// Made of the scores of the other detectors.
    Fused,
}

/// The scores of one detector.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorScores {
    /// The detector's id, unique within the study.
    pub id: String,
    /// What tables call it.
    pub name: String,
    pub origin: Origin,
    /// Images that score above this are called fake.
    pub threshold: f64,
    /// One outcome for each image of the study, in its order.
    pub outcomes: BTreeMap<Treatment, Vec<ScoreOutcome>>,
}

/// How a study is evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StudySettings {
    /// Of bootstrap and folds.
    pub bootstrap: BootstrapSettings,
    /// Maximum number of images listed on which detectors disagree most.
    pub n_disputed: usize,
}

impl Default for StudySettings {
    fn default() -> Self {
        Self { bootstrap: BootstrapSettings { seed: 0, replicates: 1_000 }, n_disputed: 12 }
    }
}

/// Why a study cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StudyError {
    #[error("the study has no image")]
    NoImages,
    #[error("the study has no detector")]
    NoDetectors,
    #[error("two detectors have the id `{id}`")]
    DuplicateDetector { id: String },
    #[error(
        "the detector `{id}` has {found} outcomes under one treatment, and the study has {expected} images"
    )]
    OutcomeCount { id: String, expected: usize, found: usize },
    #[error("the detector `{id}` gives `{image}` a score that is not a finite number")]
    NotFinite { id: String, image: String },
}

/// # Errors
/// If there is nothing to evaluate, or scores do not fit the images.
pub(super) fn check_input(images: &[StudyImage], detectors: &[DetectorScores]) -> Result<(), StudyError> {
    if images.is_empty() {
        return Err(StudyError::NoImages);
    }
    if detectors.is_empty() {
        return Err(StudyError::NoDetectors);
    }
    for (place, detector) in detectors.iter().enumerate() {
        let id = || detector.id.clone();
        if detectors[..place].iter().any(|other| other.id == detector.id) {
            return Err(StudyError::DuplicateDetector { id: id() });
        }
        for outcomes in detector.outcomes.values() {
            if outcomes.len() != images.len() {
                let (expected, found) = (images.len(), outcomes.len());
                return Err(StudyError::OutcomeCount { id: id(), expected, found });
            }
            let is_broken =
                |outcome: &ScoreOutcome| matches!(outcome, ScoreOutcome::Scored(score) if !score.is_finite());
            if let Some(broken) = outcomes.iter().position(is_broken) {
                return Err(StudyError::NotFinite { id: id(), image: images[broken].name.clone() });
            }
        }
    }
    Ok(())
}
