//! WISE (Niu et al. 2025, arXiv 2503.07265; PKU-YuanGroup/WISE): does the image show what a prompt means, where that
//! takes knowledge of the world? One thousand prompts, scored by a judge; the paper's protocol and WISE_Verified.
//!
//! Prompts and the judges' instructions are the benchmark authors' text: they are fetched at a pinned commit
//! ([`COMMIT`], [`DATA_FILES`]) and are no part of this program.

mod cases;
mod edition;
mod protocol;
mod published;
mod rows;
mod suite;

pub use cases::{
    ARCHIVE, COMMIT, CasesError, DATA_FILES, DataFile, FileKind, N_PROMPTS, REPOSITORY, WiseCase, case_id,
    parse_cases,
};
pub use edition::{Category, Edition, WiseScore, wi_score};
pub use protocol::{ScriptError, read_protocol};
pub use published::{
    PUBLISHED, PUBLISHED_SOURCE, PUBLISHED_UNKNOWN, PUBLISHED_VERIFIED, PUBLISHED_VERIFIED_SOURCE,
    PUBLISHED_VERIFIED_UNKNOWN, PublishedRow,
};
pub use rows::{
    FullRow, RowNote, RowsError, ScoreRow, ScoreRows, full_file_name, parse_score_rows, render_full_rows,
    render_score_rows, score_file_name,
};
pub(crate) use suite::{LEGACY, LEGACY_REWRITE, VERIFIED};
pub use suite::{SOURCE, scheme};

/// Names the interval rules and the denominator policy; raised when they change.
pub const SUMMARY_VERSION: u32 = 2;
