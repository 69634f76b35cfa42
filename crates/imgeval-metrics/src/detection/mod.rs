//! How well a detector of generated images does: everything that follows from a score and the truth of each image.
//!
//! Scores are higher for fake. An image is called fake where its score is above the threshold, strictly: a score of exactly 0.5 is
//! called real at a threshold of 0.5. Numbers are those of scikit-learn where it has them, with one difference: what scikit-learn
//! replaces by 0 because it is 0 / 0 is [`Undefined`] here, with the reason.
//!
//! - [`Confusion`]: counts at a threshold and what follows from them.
//! - [`Cuts`]: everything that looks at all thresholds: ROC, AUC, average precision, equal error rates, best accuracies.
//! - [`calibration`], [`balanced_cllr`], [`brier_score_of_fake`]: what a score is worth as a probability.
//! - [`measure_detection`]: all of them with intervals that resample clusters, for a report.

mod confusion;
mod cuts;
mod precision;
mod probabilities;
mod report;
#[cfg(test)]
mod tests;

pub use confusion::Confusion;
pub use cuts::{BestCut, Cuts, RocPoint, univfd_threshold};
pub use probabilities::{Calibration, ReliabilityBin, balanced_cllr, brier_score_of_fake, calibration};
pub use report::{Detection, MIN_REALS_AT_1_PERCENT, MIN_REALS_AT_5_PERCENT, ShareOfFake, measure_detection};

/// The threshold of scores that are probabilities.
pub const PROBABILITY_THRESHOLD: f64 = 0.5;

/// What a detector says of an image whose truth is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredImage {
    /// Higher for fake; a finite number.
    pub score: f64,
    pub is_fake: bool,
    /// The prompt of a fake or the source of a real image. Numbers mean nothing but being equal: images of one cluster are resampled
    /// together.
    pub cluster: usize,
}

/// Why scores cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DetectionError {
    #[error("there are no scores to evaluate")]
    Empty,
    #[error("score {place} is not a finite number")]
    NotFinite { place: usize },
}

/// Why a number is not defined. It is never replaced by 0 or 0.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Undefined {
    #[error("there is no real image")]
    NoReals,
    #[error("there is no fake image")]
    NoFakes,
    #[error("no image is called fake")]
    NothingCalledFake,
    #[error("all images have the same verdict")]
    AllCalledTheSame,
    #[error("{found} real images are fewer than the {needed} that this false positive rate needs")]
    FewReals { found: usize, needed: usize },
    #[error("the scores are not probabilities")]
    NotProbabilities,
    #[error("an image has probability 0 for its own class")]
    CertainAndWrong,
    #[error("the rule needs as many real as fake images")]
    UnequalHalves,
}

/// A number, or why it is not defined.
pub type Defined<T> = Result<T, Undefined>;

/// Both classes must be there.
fn check_both(n_real: usize, n_fake: usize) -> Defined<()> {
    match (n_real, n_fake) {
        (0, _) => Err(Undefined::NoReals),
        (_, 0) => Err(Undefined::NoFakes),
        _ => Ok(()),
    }
}

/// At least one score, all of them finite.
fn check_scores(images: &[ScoredImage]) -> Result<(), DetectionError> {
    match images.iter().position(|image| !image.score.is_finite()) {
        Some(place) => Err(DetectionError::NotFinite { place }),
        None if images.is_empty() => Err(DetectionError::Empty),
        None => Ok(()),
    }
}
