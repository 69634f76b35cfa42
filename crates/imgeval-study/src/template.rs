//! Files of studies to start from.

/// A commented study of everything, with the parts that need something commented out.
pub const TEMPLATE: &str = include_str!("template.toml");

/// The study of the paper GPT-ImgEval (arXiv 2504.02782).
pub const PAPER: &str = include_str!("paper.toml");
