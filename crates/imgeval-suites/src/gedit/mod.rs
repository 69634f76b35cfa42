//! GEdit-Bench (Liu et al., Step1X-Edit, arXiv 2504.17761; stepfun-ai/Step1X-Edit): edits asked for in English and in
//! Chinese, in eleven groups. A judge gives two scores for what the edit does (SC) and two for how the image looks (PQ);
//! the smaller of each pair counts, and an image's score is the geometric mean of the two.
//!
//! The images are found where the user has put them; see [`find_benchmark`]. What the official script does differently
//! stands in docs/gedit.md.

mod edited;
mod language;
mod layout;
mod listing;
mod protocol;
mod published;
mod reply;
mod suite;
mod task_type;

pub use edited::{EditedFiles, EditedImage, find_edited};
pub use language::Language;
pub use layout::{EditCase, LayoutError, find_benchmark};
pub use listing::{ListedEdit, ListingError, parse_listing};
pub use protocol::{Question, ScriptError, read_protocol};
pub use published::{PUBLISHED_CN, PUBLISHED_EN, PUBLISHED_SOURCE, PUBLISHED_UNKNOWN, PublishedRow};
pub(crate) use suite::{CN, EN};
pub use suite::{SOURCE, scheme};
pub use task_type::TaskType;

/// Where the scripts are published.
pub const REPOSITORY: &str = "stepfun-ai/Step1X-Edit";
/// The commit that the script with the judge's instructions is taken from.
pub const COMMIT: &str = "570eba6";
/// The script with the judge's instructions, in the repository.
pub const SCRIPT_PATH: &str = "GEdit-Bench/viescore/vie_prompts.py";

/// Names the interval rules and the denominator policy; raised when they change.
pub const SUMMARY_VERSION: u32 = 1;
