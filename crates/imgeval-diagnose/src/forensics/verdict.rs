//! The rules that turn numbers into a verdict.

use serde::{Deserialize, Serialize};

use crate::Measured;

/// Fewer prompts or sources of a class than this show nothing.
pub(super) const MIN_CLUSTERS: usize = 10;
/// Minimum AUC at which a detector counts as separating the classes, so that a tiny difference in many images does
/// not.
pub(super) const MIN_AUC: f64 = 0.6;
/// Level of the tests over all detectors (Holm).
const LEVEL: f64 = 0.05;
/// Detectors whose AUC may still be this high have not shown that they cannot tell the classes apart.
pub(super) const UNDECIDED_AUC: f64 = 0.75;

/// Can the generator's images be told from the real ones?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A detector tells them apart under matched codecs and sizes.
    Detectable,
    /// The files' facts tell them apart, and no detector does under matched codecs and sizes.
    DetectableOnlyByFiles,
    /// No detector tells them apart under matched codecs and sizes, and neither do the files' facts.
    NotDetectable,
    /// There are too few images, or no scores under matched codecs and sizes, to say any of these.
    TooFew,
}

/// How far one detector separates the classes under one condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Separation {
    /// Area under the ROC curve; 0.5 is chance.
    pub auc: Measured,
    /// Of no difference between the mean scores of clusters of both classes (Mann and Whitney, two-sided), adjusted for all detectors
    /// under this condition (Holm 1979).
    pub p_value: f64,
}

impl Separation {
    /// Whether fakes score higher than reals: by more than chance over all detectors, and by more than a trifle.
    #[must_use]
    pub fn tells_apart(&self) -> bool {
        self.p_value < LEVEL && self.auc.low > 0.5 && self.auc.value >= MIN_AUC
    }

    /// Whether reals score higher than fakes by as much.
    #[must_use]
    pub fn is_inverted(&self) -> bool {
        self.p_value < LEVEL && self.auc.high < 0.5 && self.auc.value <= 1.0 - MIN_AUC
    }
}

/// What one detector contributes to the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorEvidence {
    pub name: String,
    /// `None` without scores of both classes.
    pub delivered: Option<Separation>,
    pub matched: Option<Separation>,
}

/// A fact of the files that tells the classes apart by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct SeparatingFact {
    pub name: String,
    /// Balanced accuracy of the best rule; chance is 0.5.
    pub accuracy: f64,
}

/// All that the verdict follows from. Fused scores are left out: they were made from the other detectors'.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub n_real: usize,
    pub n_fake: usize,
    pub n_real_clusters: usize,
    pub n_fake_clusters: usize,
    pub detectors: Vec<DetectorEvidence>,
    pub separating_facts: Vec<SeparatingFact>,
}

impl Evidence {
    pub(super) fn is_small(&self) -> bool {
        self.n_real_clusters.min(self.n_fake_clusters) < MIN_CLUSTERS
    }

    pub(super) fn matched(&self) -> impl Iterator<Item = (&str, Separation)> {
        self.detectors.iter().filter_map(|detector| Some((detector.name.as_str(), detector.matched?)))
    }

    pub(super) fn delivered(&self) -> impl Iterator<Item = (&str, Separation)> {
        self.detectors.iter().filter_map(|detector| Some((detector.name.as_str(), detector.delivered?)))
    }

    /// Whether some detector might still tell the classes apart well, for all that the images show.
    pub(super) fn is_undecided(&self) -> bool {
        self.matched().any(|(_, separation)| separation.auc.high >= UNDECIDED_AUC)
    }
}

/// The verdict. In this order:
///
/// 1. Too few, where a class has fewer than 10 prompts or sources, or no detector has scores under matched codecs and sizes.
/// 2. Detectable, where a detector tells the classes apart under matched codecs and sizes.
/// 3. Too few, where a detector's AUC there may still be 0.75 or more.
/// 4. Detectable only by its files, where a fact of the files tells them apart.
/// 5. Not detectable under matched codecs; where a detector tells them apart as delivered, what it sees does not survive the common codec
///    and size.
#[must_use]
pub fn judge_study(evidence: &Evidence) -> Verdict {
    if evidence.is_small() || evidence.matched().next().is_none() {
        return Verdict::TooFew;
    }
    if evidence.matched().any(|(_, separation)| separation.tells_apart()) {
        return Verdict::Detectable;
    }
    if evidence.is_undecided() {
        return Verdict::TooFew;
    }
    match evidence.separating_facts.is_empty() {
        true => Verdict::NotDetectable,
        false => Verdict::DetectableOnlyByFiles,
    }
}
