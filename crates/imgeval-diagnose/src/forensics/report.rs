//! The report model: what a page, tables and JSON show.

use serde::{Deserialize, Serialize};

use super::{
    input::{Class, Origin},
    numbers::{Metrics, Number},
    verdict::Verdict,
};

/// Everything that a study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyReport {
    pub seed: u64,
    pub replicates: usize,
    pub n_real: usize,
    pub n_fake: usize,
    /// Sources of the real images.
    pub n_real_clusters: usize,
    /// Prompts of the fake images.
    pub n_fake_clusters: usize,
    pub sets: Vec<SetRecord>,
    pub files: FilesRecord,
    /// In the order of the study; fused detectors come last.
    pub detectors: Vec<DetectorRecord>,
    /// Each pair of detectors that is not fused, as delivered and matched.
    pub agreement: Vec<PairRecord>,
    /// Images on which detectors disagree most as delivered, most different first.
    pub disputed: Vec<DisputedImage>,
    pub verdict: VerdictRecord,
    /// What a reader must know before any number, in sentences.
    pub warnings: Vec<String>,
}

/// One generator or collection of real images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRecord {
    pub class: Class,
    pub name: String,
    pub n_images: usize,
    pub n_clusters: usize,
}

/// What differs between the files of the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilesRecord {
    pub facts: Vec<FactRecord>,
    /// Classes all of whose files have one format.
    pub single_formats: Vec<(Class, String)>,
}

/// One fact of the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactRecord {
    /// Such as `format`.
    pub name: String,
    /// The most frequent values with their shares.
    pub of_reals: Vec<(String, f64)>,
    pub of_fakes: Vec<(String, f64)>,
    /// Balanced accuracy of the best rule on this fact alone, on clusters that it was not learned from; chance is 0.5.
    pub accuracy: Number,
    /// Whether it separates the classes.
    pub separates: bool,
}

/// One detector with all conditions under which it was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorRecord {
    pub id: String,
    pub name: String,
    pub origin: Origin,
    pub conditions: Vec<ConditionRecord>,
}

impl DetectorRecord {
    /// The record of a condition's code.
    #[must_use]
    pub fn condition(&self, code: &str) -> Option<&ConditionRecord> {
        self.conditions.iter().find(|condition| condition.code == code)
    }
}

/// How a detector does under one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionRecord {
    /// Stable, such as `as-delivered` or `jpeg-75/fakes-only`.
    pub code: String,
    /// For people.
    pub name: String,
    /// What the axis of its curve is called, and its place there; `None` outside the sweep.
    pub axis: Option<String>,
    pub strength: Option<f64>,
    /// Images without a score because the detector failed on them, by reason.
    pub failures: Vec<FailureCount>,
    /// Images that were not scored.
    pub n_missing: usize,
    /// `None` if no image has a score.
    pub metrics: Option<Metrics>,
    /// Scores of each class as delivered and matched, if they are in [0, 1].
    pub histogram: Option<Histogram>,
    /// As delivered and matched, the images on the wrong side of the threshold, furthest first: at most six of each class.
    pub most_wrong: Vec<WrongImage>,
}

/// An image that a detector calls what it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrongImage {
    pub image: String,
    pub class: Class,
    pub set: String,
    pub score: f64,
}

/// So many images failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCount {
    pub reason: String,
    pub n_images: usize,
}

/// Images of each class by score, in twenty bins of equal width over [0, 1].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub reals: Vec<usize>,
    pub fakes: Vec<usize>,
}

/// How far two detectors agree, over the images that both have scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairRecord {
    pub first: String,
    pub second: String,
    /// The condition's code.
    pub condition: String,
    pub n_images: usize,
    /// Share of images with the same verdict.
    pub same_verdict: Number,
    /// Cohen's kappa of the verdicts.
    pub kappa: Number,
    /// Spearman's correlation of the scores.
    pub spearman: Number,
}

/// An image on which detectors differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DisputedImage {
    pub image: String,
    pub class: Class,
    pub set: String,
    /// Distance of its highest and lowest rank among the detectors, in [0, 1].
    pub spread: f64,
    /// Each detector's id, score, and the image's rank among all by that score, in [0, 1].
    pub scores: Vec<(String, f64, f64)>,
}

/// The verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRecord {
    pub verdict: Verdict,
    /// The verdict in words.
    pub title: String,
    /// Plain sentences with the numbers, most important first.
    pub sentences: Vec<String>,
}
