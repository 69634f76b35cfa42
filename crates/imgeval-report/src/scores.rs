//! The scores of one run by one evaluator, and the information that a command prints with them.

use crate::model::{CoverageLine, IntervalView, ProtocolView};

/// The score table of one evaluator with what must stand beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreView {
    pub suite: String,
    pub evaluator: EvaluatorView,
    /// Parts, then totals, the overall score last.
    pub lines: Vec<LineView>,
    /// Finer groups within the parts.
    pub groups: Vec<LineView>,
    /// Additional tables by name, with lines like those of the main one.
    pub slices: Vec<(String, Vec<LineView>)>,
    /// Names of the parts without a score, for which the overall score is withheld.
    pub without_score: Vec<String>,
    /// How many images each case is taken to have; `None` if that is not known.
    pub images_per_case: Option<usize>,
    pub protocol: ProtocolView,
    /// Why the scores are not comparable with published ones; empty if they are.
    pub note: String,
    /// Whether they may; `None` if nobody can know.
    pub is_comparable: Option<bool>,
    /// `None` where there is no run.
    pub coverage: Option<CoverageView>,
    /// Scores that only the official parser reads.
    pub n_official_only: usize,
    /// Repeats that could not be read of images that have a score by others.
    pub n_unread: usize,
}

/// Who gave the scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvaluatorView {
    /// Detections that were made elsewhere.
    Foreign,
    Detector {
        id: String,
        title: String,
    },
    Judge {
        id: String,
        title: String,
        model: String,
        provider: String,
        endpoint: String,
        protocol: String,
        is_human: bool,
        /// Since when its vendor does not offer it any more, and what is there instead, in words.
        retired: Option<String>,
    },
}

/// The score of a part or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct LineView {
    pub name: String,
    /// In [0, 1]; `None` if undefined or withheld.
    pub value: Option<f64>,
    pub interval: Option<IntervalView>,
    /// Images with the full score.
    pub n_correct: usize,
    pub n_scored: usize,
    pub n_missing: usize,
    pub n_prompts: usize,
    pub n_prompts_scored: usize,
    pub n_prompts_any_correct: usize,
    /// The score if all missing ones were 0, and if all were 1.
    pub bounds: (f64, f64),
    pub with_missing: Option<IntervalView>,
}

/// What a run covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageView {
    pub usable: usize,
    pub prompts: usize,
    pub prompts_with_image: usize,
    /// The prompts without one.
    pub missing: Vec<String>,
    pub lines: Vec<CoverageLine>,
}

/// Published scores with those of a run as the last row.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedView {
    pub source: String,
    /// Unknown facts about its rows.
    pub unknown: String,
    /// Of the values.
    pub columns: Vec<String>,
    /// By which JSON names the values.
    pub keys: Vec<String>,
    pub overall: usize,
    /// A value for each column.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
    /// Whether the last row is the run's own.
    pub has_own: bool,
    pub decimals: usize,
}

impl ScoreView {
    /// The overall score, if there is a line.
    #[must_use]
    pub fn overall(&self) -> Option<&LineView> {
        self.lines.last()
    }

    /// The same as scores of a judge of whom nothing is known.
    #[must_use]
    pub fn by_nobody(self) -> Self {
        let none = String::new;
        let evaluator = EvaluatorView::Judge {
            id: none(),
            title: none(),
            model: none(),
            provider: none(),
            endpoint: none(),
            protocol: none(),
            is_human: false,
            retired: None,
        };
        Self { evaluator, ..self }
    }

    /// Whether its images are right or wrong, with nothing between.
    #[must_use]
    pub fn has_verdicts(&self) -> bool {
        !matches!(self.evaluator, EvaluatorView::Judge { .. })
    }
}
