//! A trained probe: model, calibration, distance from what it was trained on, and the card that says all about it.

use imgeval_core::Pixels;
use imgeval_metrics::{
    classification::{ClassDistance, Temperature},
    spectra::Fingerprint,
};
use imgeval_vision::train::{EpochRecord, Framing, NetworkDescription};
use serde::{Deserialize, Serialize};

use super::{
    controls::Controls,
    dataset::UnusedCount,
    error::DiagnoseError,
    evaluation::{EvaluationRecord, answer_of},
    features::Extractor,
    harmonise::Plan,
    model::{Model, linear_outputs, network_outputs},
    profile::Profile,
    signatures::{SignatureRecord, similarities},
    split::Shares,
};

/// What a probe looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// Logistic regression on spectra.
    Spectrum,
    /// Logistic regression on embeddings of a frozen CLIP.
    ClipLinear,
    /// CLIP's vision tower fine-tuned end to end, as in the paper.
    Clip,
    /// A small network on noise residuals, from scratch.
    Residual,
}

impl ProbeKind {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Spectrum => "spectrum",
            Self::ClipLinear => "clip-linear",
            Self::Clip => "clip",
            Self::Residual => "residual",
        }
    }
}

/// Everything about a probe but its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeCard {
    pub kind: ProbeKind,
    /// Of imgeval, that trained it.
    pub tool_version: String,
    /// In the order of logits; confidence is shown for the first.
    pub classes: Vec<String>,
    pub plan: Plan,
    pub plan_notes: Vec<String>,
    pub seed: u64,
    pub shares: Shares,
    pub generators: Vec<GeneratorCard>,
    /// Images whose group (prompt, photograph) was known; groups of the others are of near duplicates.
    pub n_known_groups: usize,
    pub unused: Vec<UnusedCount>,
    pub profile: Profile,
    pub evaluation: EvaluationRecord,
    pub controls: Controls,
    /// Beyond this distance an image is unlike those trained on; `None` if there were too few validation images to say.
    pub outside_threshold: Option<f64>,
    pub signatures: Vec<SignatureRecord>,
    /// Of probes on embeddings.
    pub embedder: Option<EmbedderCard>,
    /// Of probes that are networks: what they are, and how their training went.
    pub network: Option<NetworkDescription>,
    pub epochs: Vec<EpochRecord>,
}

/// Which CLIP computes embeddings, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderCard {
    /// As [`imgeval_vision::train::ClipEmbedder::identity`] gives it.
    pub identity: String,
    pub framing: Framing,
}

/// One generator's images, by part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorCard {
    pub class: usize,
    pub name: String,
    pub n_images: usize,
    pub n_groups: usize,
    /// Stored without loss, with a grid of 8 pixels.
    pub n_hidden_grid: usize,
    pub n_training: usize,
    pub n_validation: usize,
    pub n_test: usize,
}

/// What a probe says of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Calibrated, one for each class.
    pub probabilities: Vec<f64>,
    /// The most probable class.
    pub class: usize,
    /// Squared distance from the nearest class, larger is further.
    pub distance: f64,
    /// `None` if the probe has no threshold.
    pub is_outside: Option<bool>,
}

pub struct Probe {
    pub card: ProbeCard,
    pub(crate) model: Model,
    /// Of linear models.
    pub(crate) extractor: Option<Extractor>,
    pub(crate) temperature: Temperature,
    pub(crate) distance: ClassDistance,
    /// Of each of the card's signatures.
    pub(crate) fingerprints: Vec<Fingerprint>,
}

impl Probe {
    /// How like the generators' fingerprints are to each other, in the order of the card's signatures.
    #[must_use]
    pub fn similarities(&self) -> Vec<Vec<f64>> {
        let all: Vec<&Fingerprint> = self.fingerprints.iter().collect();
        similarities(&all)
    }

    /// One answer for each square, which the caller has brought under the card's plan.
    ///
    /// # Errors
    /// If a square is too small.
    pub fn answer(&self, squares: &[Pixels]) -> Result<Vec<Answer>, DiagnoseError> {
        let answer = |output: super::model::Output| {
            let probabilities = self.temperature.apply(&output.logits);
            let distance = self.distance.score(&output.features)?;
            Ok(Answer {
                class: answer_of(&probabilities),
                probabilities,
                distance,
                is_outside: self.card.outside_threshold.map(|threshold| distance > threshold),
            })
        };
        let outputs = match (&self.model, &self.extractor) {
            (Model::Linear(model), Some(extractor)) => linear_outputs(model, extractor.rows(squares)?)?,
            (Model::Network { network, .. }, _) => network_outputs(network, squares)?,
            (Model::Linear(_), None) => return Err(DiagnoseError::NoClip),
        };
        outputs.into_iter().map(answer).collect()
    }
}
