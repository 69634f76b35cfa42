//! What every image of a run was given.

use imgeval_core::natural_order;

/// What is shown of each image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VerdictsView {
    pub verdicts: Vec<VerdictView>,
    pub judgments: Vec<JudgmentView>,
}

/// By a detector: right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictView {
    pub sample: String,
    pub file: String,
    pub tag: String,
    pub prompt: String,
    pub is_correct: bool,
    pub reasons: Vec<String>,
}

/// By a judge: what it said in words and numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgmentView {
    pub judge: String,
    pub title: String,
    pub sample: String,
    pub case: String,
    pub ordinal: u32,
    pub value: Option<f64>,
    /// What people read of each repeat, or of each check.
    pub scores: Vec<String>,
    /// Of each repeat that can be read.
    pub readings: Vec<ReadingView>,
    /// The code of what went wrong, and its details.
    pub failure: Option<(String, String)>,
}

/// One reply that can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingView {
    /// In the order of the judge's scale.
    pub scores: Vec<(String, f64)>,
    pub value: f64,
    pub notes: Vec<String>,
    pub reply: String,
}

impl VerdictsView {
    /// Adds what another evaluator said, in the order in which people count the samples.
    pub fn extend(&mut self, mut other: Self) {
        other.verdicts.sort_by(|a, b| natural_order(&a.sample, &b.sample));
        other.judgments.sort_by(|a, b| natural_order(&a.sample, &b.sample));
        self.verdicts.extend(other.verdicts);
        self.judgments.extend(other.judgments);
    }

    /// Of how many images something is shown, counting each judge's.
    #[must_use]
    pub fn len(&self) -> usize {
        self.verdicts.len() + self.judgments.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
