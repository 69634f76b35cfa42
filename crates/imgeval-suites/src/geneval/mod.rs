//! GenEval (Ghosh, Hajishirzi and Schmidt, NeurIPS 2023, arXiv 2310.11513; djghosh13/geneval): does the image show the
//! objects, counts, colors and positions that its prompt names?
//!
//! [`generate_cases`] draws a suite from a seed; with [`SuiteConfig::default`] it is the published one, byte for byte.
//! Every case is a [`Metadata`], which is also one line of the official `evaluation_metadata.jsonl` and the whole of
//! an image folder's `metadata.jsonl`.

mod detections;
mod grammar;
mod layout;
mod metadata;
mod name_template;
mod prompts;
mod published;
mod results;
mod reward;
mod scored_lines;
mod suite;
mod verdict;

pub use detections::{DetectionsError, DetectionsLine, parse_any_detections_line, parse_detections_line};
pub use grammar::PromptProblem;
pub use layout::{FolderMetadata, FoundExtra, FoundFiles, FoundImage, Layout, LayoutError, find_images};
pub use metadata::{Exclude, Include, Metadata, MetadataError, Position, Relation, Tag, Tolerance};
pub use name_template::{NameTemplate, TemplateError};
pub use prompts::{
    MAX_PER_TASK, OFFICIAL_METADATA_SHA256, OFFICIAL_PROMPTS_SHA256, PromptsError, SuiteConfig,
    generate_cases, render_metadata_jsonl, render_prompts_txt, suite_cases,
};

pub use crate::numpy_random::DrawError;
pub use published::{PUBLISHED, PUBLISHED_SOURCE, PUBLISHED_UNKNOWN, PublishedGroup, PublishedRow};
pub use results::ResultRow;
pub use reward::{Reward, Semantics, compute_reward};
pub use scored_lines::{
    LineError, LinesError, MAX_LINE_BYTES, RewardedRow, ScoredLine, ScoredLines, score_detections_line,
};
pub(crate) use suite::{Geneval, find_by_number};
pub use suite::{parameters_of, scheme};
pub use verdict::{
    DetectedObject, KeptObjects, Reason, SeenColor, Verdict, VerdictError, VerdictOptions, compute_verdict,
    keep_objects,
};

/// Names the interval rules and the denominator policy; raised when they change.
pub const SUMMARY_VERSION: u32 = 2;
