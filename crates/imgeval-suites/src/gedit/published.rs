//! Published overall scores on the full set, for comparison with a run.

/// Where the rows come from.
pub const PUBLISHED_SOURCE: &str =
    "Step1X-Edit, arXiv 2504.17761, and the reports of the models; full set, judge GPT-4.1";

/// Unknown facts about how published rows were made.
pub const PUBLISHED_UNKNOWN: &str = "scores by group, which version of the judge (it moved between April and June 2025), how often \
                                     the official script guessed a score at random, how many images were skipped, and any interval; \
                                     scored again, Step1X-Edit v1.1 gave 7.50 instead of 6.97";

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedRow {
    pub model: &'static str,
    /// In [0, 1]: a tenth of the printed value.
    pub overall: f64,
}

const fn row(model: &'static str, overall: f64) -> PublishedRow {
    PublishedRow { model, overall }
}

/// For English instructions.
pub const PUBLISHED_EN: [PublishedRow; 11] = [
    row("Gemini 2.0", 0.632),
    row("GPT-4o (GPT-Image-1)", 0.753),
    row("Step1X-Edit", 0.670),
    row("Step1X-Edit v1.1", 0.697),
    row("BAGEL", 0.652),
    row("FLUX.1-Kontext-dev", 0.600),
    row("Qwen-Image-Edit", 0.756),
    row("Qwen-Image-Edit-2511", 0.788),
    row("UniWorld-V2", 0.783),
    row("Seedream 4.5", 0.782),
    row("Nano-Banana-Pro", 0.774),
];

/// For Chinese instructions.
pub const PUBLISHED_CN: [PublishedRow; 2] = [row("Gemini 2.0", 0.536), row("GPT-4o (GPT-Image-1)", 0.730)];
