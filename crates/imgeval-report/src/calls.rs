//! What came of calls to providers, and what they cost.

/// What came of one stage of calls.
#[derive(Debug, Clone, PartialEq)]
pub struct CallsView {
    pub outcomes: Vec<OutcomeView>,
    /// By the code of a failure: the first few samples with its details.
    pub examples: Vec<(String, Vec<String>)>,
    pub spend: SpendView,
    /// Why not everything was asked for; `None` if it was.
    pub stopped: Option<String>,
}

/// How often something came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeView {
    pub code: &'static str,
    pub count: usize,
    pub meaning: &'static str,
}

/// What a run has cost over all calls ever made for it.
#[derive(Debug, Clone, PartialEq)]
pub struct SpendView {
    /// In words.
    pub line: String,
    /// `None` if no amount is known.
    pub usd: Option<f64>,
    /// What may have been billed besides; `None` if no amount is known.
    pub perhaps_more_usd: Option<f64>,
    pub calls: u64,
    pub calls_without_price: u64,
    pub requests: u64,
    pub requests_without_answer: u64,
}
