//! A trained probe: model, calibration, distance from what it was trained on, and the card that says all about it.

use imgeval_core::Pixels;
use imgeval_metrics::{
    classification::{ClassDistance, Temperature},
    spectra::Fingerprint,
};

use super::card::ProbeCard;
use crate::architecture::{
    error::DiagnoseError,
    learn::{Extractor, Model, Output, linear_outputs, network_outputs},
    trust::{answer_of, similarities},
};

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
    /// What computes the features of a linear model.
    pub(crate) extractor: Option<Extractor>,
    pub(crate) temperature: Temperature,
    pub(crate) distance: ClassDistance,
    /// One fingerprint for each of the card's signatures.
    pub(crate) fingerprints: Vec<Fingerprint>,
}

impl Probe {
    /// Similarity of the generators' fingerprints to each other, in the order of the card's signatures.
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
        let answer = |output: Output| {
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
