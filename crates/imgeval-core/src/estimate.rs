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
