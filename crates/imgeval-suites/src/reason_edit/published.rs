//! Published GPT scores, for comparison with a run.

/// Where the rows come from.
pub const PUBLISHED_SOURCE: &str =
    "GoT, arXiv 2503.10639, and GPT-ImgEval, arXiv 2504.02782; judge gpt-4o-2024-11-20, all six folders";

/// Unknown facts about how published rows were made.
pub const PUBLISHED_UNKNOWN: &str =
    "the judge's wording, scores by folder, how unreadable replies were counted, and any interval";

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedRow {
    pub model: &'static str,
    /// In [0, 1].
    pub gpt_score: f64,
}

const fn row(model: &'static str, gpt_score: f64) -> PublishedRow {
    PublishedRow { model, gpt_score }
}

pub const PUBLISHED: [PublishedRow; 8] = [
    row("IP2P", 0.286),
    row("MagicBrush", 0.334),
    row("MGIE", 0.264),
    row("SEED-X", 0.239),
    row("CosXL-Edit", 0.325),
    row("GoT", 0.561),
    row("SmartEdit", 0.572),
    row("GPT-4o", 0.929),
];
