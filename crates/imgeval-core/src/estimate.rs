//! Reported numbers: never a bare float.

/// How an interval was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalMethod {
    /// Percentile bootstrap that resamples prompts.
    PromptBootstrap,
    /// Wilson's score interval over prompts, where a bootstrap is blind: few prompts, or all alike.
    WilsonOverPrompts,
    /// Intervals of the parts combined (method of variance estimates recovery), where a part needed Wilson's.
    CombinedParts,
    /// Wilson's score interval over as many prompts as the spread between prompts is worth, where few prompts differ from
    /// the others.
    EffectiveWilson,
    /// Student's t on the differences of prompts.
    PairedStudent,
    /// Differences of prompts with two invented ones added (Agresti and Min), where hardly any differs from the others.
    AdjustedPairs,
    /// From the lower bound with all that is missing counted as wrong to the upper one with all of it right.
    WorstCaseMissing,
    /// Newcombe's interval of an area under the ROC curve over prompts, where a bootstrap is blind.
    NewcombeOverPrompts,
}

impl IntervalMethod {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::PromptBootstrap => "prompt-bootstrap",
            Self::WilsonOverPrompts => "wilson-over-prompts",
            Self::CombinedParts => "combined-parts",
            Self::EffectiveWilson => "effective-wilson",
            Self::PairedStudent => "paired-student",
            Self::AdjustedPairs => "adjusted-pairs",
            Self::WorstCaseMissing => "worst-case-missing",
            Self::NewcombeOverPrompts => "newcombe-over-prompts",
        }
    }
}

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    pub method: IntervalMethod,
}

/// A value with what is needed to judge it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub interval: Interval,
    /// Independent units behind it (prompts).
    pub n_clusters: usize,
    /// Observations behind it (images).
    pub n: usize,
}
