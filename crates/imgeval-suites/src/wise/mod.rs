//! WISE (Niu et al. 2025, arXiv 2503.07265; PKU-YuanGroup/WISE): does the image show what a prompt means, where that
//! takes knowledge of the world? One thousand prompts, scored by a judge; the paper's protocol and WISE_Verified.
//!
//! Prompts and the judges' instructions are the benchmark authors' text: they are fetched at a pinned commit
//! and are no part of this program.

mod edition;

pub use edition::{Category, Edition, WiseScore, wi_score};
