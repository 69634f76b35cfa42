//! Reason-Edit (Huang et al., SmartEdit, CVPR 2024, arXiv 2312.06739; TencentARC/SmartEdit): does an edit do what its
//! instruction says, and nothing else? Five folders test understanding, the sixth reasoning.
//!
//! The images are the benchmark's own and are found where the user has put them; see [`find_benchmark`].

mod edited;
mod folder;
mod layout;
mod published;
mod suite;

pub use edited::{EditedFiles, EditedImage, find_edited};
pub use folder::Folder;
pub use layout::{EditCase, LayoutError, find_benchmark};
pub use published::{PUBLISHED, PUBLISHED_SOURCE, PUBLISHED_UNKNOWN, PublishedRow};
pub(crate) use suite::ReasonEdit;
pub use suite::{SOURCE, scheme};

/// Names the interval rules and the denominator policy; raised when they change.
pub const SUMMARY_VERSION: u32 = 2;
