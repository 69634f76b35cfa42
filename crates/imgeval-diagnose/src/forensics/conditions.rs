//! Under which treatment each class is judged.

use std::collections::BTreeMap;

use imgeval_metrics::detection::ScoredImage;

use super::{
    input::{Class, DetectorScores, ScoreOutcome, StudyImage, Treatment},
    sweep::SweepStep,
};

/// To which class a degradation is applied; the other one stays as it was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppliedTo {
    Both,
    FakesOnly,
    RealsOnly,
}

impl AppliedTo {
    pub const ALL: [Self; 3] = [Self::Both, Self::FakesOnly, Self::RealsOnly];

    /// Stable name, as reports hold it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::FakesOnly => "fakes-only",
            Self::RealsOnly => "reals-only",
        }
    }
}

/// The treatment of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    AsDelivered,
    Matched,
    Swept { step: SweepStep, applied_to: AppliedTo },
}

impl Condition {
    /// What is done to the images of a class.
    #[must_use]
    pub fn treatment_of(self, class: Class) -> Treatment {
        match (self, class) {
            (Self::AsDelivered, _)
            | (Self::Swept { applied_to: AppliedTo::FakesOnly, .. }, Class::Real)
            | (Self::Swept { applied_to: AppliedTo::RealsOnly, .. }, Class::Fake) => Treatment::AsDelivered,
            (Self::Matched, _) => Treatment::Matched,
            (Self::Swept { step, .. }, _) => Treatment::Degraded(step),
        }
    }

    /// Stable name, as reports hold it, such as `jpeg-75/fakes-only`.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::AsDelivered => "as-delivered".to_owned(),
            Self::Matched => "matched".to_owned(),
            Self::Swept { step, applied_to } => format!("{}/{}", step.code(), applied_to.code()),
        }
    }

    /// For people, such as `JPEG quality 75, fakes only`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::AsDelivered => "as delivered".to_owned(),
            Self::Matched => "matched codec and size".to_owned(),
            Self::Swept { step, applied_to: AppliedTo::Both } => step.name(),
            Self::Swept { step, applied_to: AppliedTo::FakesOnly } => format!("{}, fakes only", step.name()),
            Self::Swept { step, applied_to: AppliedTo::RealsOnly } => format!("{}, reals only", step.name()),
        }
    }

    /// The conditions for which a detector has scores: as delivered, matched, and each step of its sweep on both classes, on fakes
    /// only and on reals only; where the study has one class, on all of its images.
    #[must_use]
    pub fn all_of(detector: &DetectorScores, has_both_classes: bool) -> Vec<Self> {
        let applications = if has_both_classes { &AppliedTo::ALL[..] } else { &[AppliedTo::Both] };
        let of = |treatment: &Treatment| match *treatment {
            Treatment::AsDelivered => vec![Self::AsDelivered],
            Treatment::Matched => vec![Self::Matched],
            Treatment::Degraded(step) => {
                applications.iter().map(|applied_to| Self::Swept { step, applied_to: *applied_to }).collect()
            }
        };
        detector.outcomes.keys().flat_map(of).collect()
    }
}

/// The scores of a detector under a condition, with what is missing.
#[derive(Debug, Clone, Default)]
pub(super) struct Assembled {
    /// For each image of the study, its score if it has one.
    pub(super) scores: Vec<Option<f64>>,
    pub(super) n_missing: usize,
    /// Reasons with the number of images.
    pub(super) failures: BTreeMap<String, usize>,
}

impl Assembled {
    pub(super) fn of(images: &[StudyImage], detector: &DetectorScores, condition: Condition) -> Self {
        let mut found = Self::default();
        for (place, image) in images.iter().enumerate() {
            let outcomes = detector.outcomes.get(&condition.treatment_of(image.class));
            let score = match outcomes.map_or(&ScoreOutcome::Missing, |outcomes| &outcomes[place]) {
                ScoreOutcome::Scored(score) => Some(*score),
                ScoreOutcome::Failed(reason) => {
                    *found.failures.entry(reason.clone()).or_default() += 1;
                    None
                }
                ScoreOutcome::Missing => {
                    found.n_missing += 1;
                    None
                }
            };
            found.scores.push(score);
        }
        found
    }

    /// The images that have a score. `clusters` numbers the clusters of all images.
    pub(super) fn scored(&self, images: &[StudyImage], clusters: &[usize]) -> Vec<ScoredImage> {
        scored_images(images, clusters, &self.scores)
    }
}

pub(super) fn scored_images(
    images: &[StudyImage],
    clusters: &[usize],
    scores: &[Option<f64>],
) -> Vec<ScoredImage> {
    let places = images.iter().zip(clusters).zip(scores);
    places
        .filter_map(|((image, cluster), score)| {
            Some(ScoredImage { score: (*score)?, is_fake: image.class == Class::Fake, cluster: *cluster })
        })
        .collect()
}

/// A number for each cluster. A prompt of fakes and a source of reals of the same name are one cluster: a fake made from a photograph's
/// caption is not independent of it.
pub(super) fn number_clusters(images: &[StudyImage]) -> Vec<usize> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    images
        .iter()
        .map(|image| {
            let next = numbers.len();
            *numbers.entry(image.cluster.as_str()).or_insert(next)
        })
        .collect()
}
