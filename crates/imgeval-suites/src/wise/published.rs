//! Published WISE scores, for comparison with a run: facts from the paper's table 2 and the authors' board.

/// Where the rows come from.
pub const PUBLISHED_SOURCE: &str =
    "GPT-ImgEval, arXiv 2504.02782, table 2, and the WISE authors' board; judge gpt-4o-2024-05-13";
/// Where the rows of WISE_Verified come from.
pub const PUBLISHED_VERIFIED_SOURCE: &str =
    "WISE_Verified, the authors' board of April 2026; judge Qwen3.5-35B-A3B";

/// Unknown facts about how published rows were made.
pub const PUBLISHED_UNKNOWN: &str = "how unreadable replies were counted, how much the judge varies from call to call, and any interval; the judge is retired, so no current run can repeat them";
/// The same of WISE_Verified.
pub const PUBLISHED_VERIFIED_UNKNOWN: &str = "how unreadable replies were counted, and any interval";

/// One published row; scores in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedRow {
    pub model: &'static str,
    pub overall: f64,
    /// In the order of [`super::Category::ALL`].
    pub categories: [f64; 6],
}

const fn row(model: &'static str, overall: f64, categories: [f64; 6]) -> PublishedRow {
    PublishedRow { model, overall, categories }
}

pub const PUBLISHED: [PublishedRow; 21] = [
    row("FLUX.1-dev", 0.5, [0.48, 0.58, 0.62, 0.42, 0.51, 0.35]),
    row("FLUX.1-schnell", 0.4, [0.39, 0.44, 0.5, 0.31, 0.44, 0.26]),
    row("PixArt-Alpha", 0.47, [0.45, 0.5, 0.48, 0.49, 0.56, 0.34]),
    row("playground-v2.5", 0.49, [0.49, 0.58, 0.55, 0.43, 0.48, 0.33]),
    row("SD-v1-5", 0.32, [0.34, 0.35, 0.32, 0.28, 0.29, 0.21]),
    row("SD-2-1", 0.32, [0.3, 0.38, 0.35, 0.33, 0.34, 0.21]),
    row("SD-XL-base-0.9", 0.43, [0.43, 0.48, 0.47, 0.44, 0.45, 0.27]),
    row("SD-3-medium", 0.42, [0.42, 0.44, 0.48, 0.39, 0.47, 0.29]),
    row("SD-3.5-medium", 0.45, [0.43, 0.5, 0.52, 0.41, 0.53, 0.33]),
    row("SD-3.5-large", 0.46, [0.44, 0.5, 0.58, 0.44, 0.52, 0.31]),
    row("Emu3", 0.39, [0.34, 0.45, 0.48, 0.41, 0.45, 0.27]),
    row("Janus-1.3B", 0.23, [0.16, 0.26, 0.35, 0.28, 0.3, 0.14]),
    row("JanusFlow-1.3B", 0.18, [0.13, 0.26, 0.28, 0.2, 0.19, 0.11]),
    row("Janus-Pro-1B", 0.26, [0.2, 0.28, 0.45, 0.24, 0.32, 0.16]),
    row("Janus-Pro-7B", 0.35, [0.3, 0.37, 0.49, 0.36, 0.42, 0.26]),
    row("Orthus-7B-base", 0.1, [0.07, 0.1, 0.12, 0.15, 0.15, 0.1]),
    row("Orthus-7B-instruct", 0.27, [0.23, 0.31, 0.38, 0.28, 0.31, 0.2]),
    row("show-o-demo", 0.3, [0.28, 0.36, 0.4, 0.23, 0.33, 0.22]),
    row("show-o-demo-512", 0.35, [0.28, 0.4, 0.48, 0.3, 0.46, 0.3]),
    row("vila-u-7b-256", 0.31, [0.26, 0.33, 0.37, 0.35, 0.39, 0.23]),
    row("GPT-4o", 0.8, [0.81, 0.71, 0.89, 0.83, 0.79, 0.74]),
];

pub const PUBLISHED_VERIFIED: [PublishedRow; 10] = [
    row("NanoBanana-Pro", 0.876, [0.8975, 0.8167, 0.9333, 0.8167, 0.8667, 0.875]),
    row("GPT-Image-1.5", 0.825, [0.89, 0.6917, 0.8833, 0.8, 0.7583, 0.775]),
    row("BAGEL with CoT", 0.628, [0.78, 0.6333, 0.5667, 0.375, 0.55, 0.5083]),
    row("DeepGen 1.0", 0.57, [0.65, 0.41, 0.72, 0.39, 0.59, 0.45]),
    row("FLUX.2-dev", 0.565, [0.665, 0.5667, 0.6583, 0.3667, 0.525, 0.375]),
    row("QwenImage", 0.51, [0.6275, 0.525, 0.5583, 0.3417, 0.4833, 0.25]),
    row("Z-Image", 0.453, [0.5475, 0.4667, 0.5083, 0.325, 0.475, 0.175]),
    row("HunyuanImage-3.0", 0.435, [0.525, 0.3917, 0.4833, 0.3083, 0.45, 0.2417]),
    row("FLUX.1-dev", 0.416, [0.5225, 0.4, 0.5333, 0.175, 0.375, 0.2417]),
    row("SD-3.5-large", 0.404, [0.49, 0.4083, 0.4417, 0.3, 0.375, 0.2083]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wise::{Category, Edition};

    fn check(rows: &[PublishedRow], edition: Edition, tolerance: f64) {
        for row in rows {
            let weighted = Category::ALL.iter().zip(row.categories);
            let overall: f64 = weighted.map(|(category, score)| category.weight(edition) * score).sum();
            assert!((overall - row.overall).abs() <= tolerance, "{}: {overall}", row.model);
        }
    }

    #[test]
    fn overall_is_the_weighted_mean_within_rounding() {
        check(&PUBLISHED, Edition::Legacy, 0.011);
        // DeepGen's row is given in hundredths.
        let (coarse, fine): (Vec<_>, Vec<_>) =
            PUBLISHED_VERIFIED.iter().copied().partition(|row| row.model == "DeepGen 1.0");
        check(&coarse, Edition::Verified, 0.005);
        check(&fine, Edition::Verified, 0.000_2);
    }
}
