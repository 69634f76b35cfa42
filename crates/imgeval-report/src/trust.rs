//! How far the judges of a run can be trusted.

use crate::model::IntervalView;

/// Everything that can be said about the judges of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustView {
    /// Every two judges, scale by scale.
    pub pairs: Vec<PairView>,
    /// How far each judge differs from itself.
    pub noise: Vec<NoiseView>,
    pub anchors: Vec<AnchorsView>,
    /// The images on which judges differ most, the worst first.
    pub disputed: Vec<DisputeView>,
}

/// A judge by its id and by what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeName {
    pub id: String,
    pub title: String,
}

/// How far two judges agree on one scale of theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct PairView {
    pub judges: [JudgeName; 2],
    pub scale: String,
    pub n_images: usize,
    pub exact: Option<f64>,
    pub within_one: Option<f64>,
    pub kappa: Option<f64>,
    pub linear_kappa: Option<f64>,
    pub quadratic_kappa: Option<f64>,
    pub spearman: Option<f64>,
    pub kendall: Option<f64>,
}

/// How far a judge differs from itself.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseView {
    pub judge: JudgeName,
    pub n_images: usize,
    pub standard_deviation: Option<f64>,
    /// Of the images whose repeats do not all agree.
    pub flip_share: Option<f64>,
}

/// What a judge said of its anchors, now and before.
#[derive(Debug, Clone, PartialEq)]
pub struct AnchorsView {
    pub judge: JudgeName,
    /// Anchors with a score now and then.
    pub n: usize,
    /// `None` if drift was not measured.
    pub drift: Option<DriftView>,
    /// Interval of the overall score if such a shift occurs between its sessions.
    pub widened: Option<IntervalView>,
}

/// How far anchors moved.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftView {
    /// Now minus before.
    pub difference: f64,
    pub interval: Option<(f64, f64)>,
    /// How far the judge's noise alone moves them; `None` if it was not measured.
    pub noise_limit: Option<f64>,
    /// `None` if it is not known.
    pub is_beyond_noise: Option<bool>,
}

/// An image with the values that judges gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct DisputeView {
    pub sample: String,
    /// The largest value less the smallest.
    pub spread: f64,
    pub values: Vec<(JudgeName, f64)>,
}
