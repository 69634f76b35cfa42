//! Collections of images: where they are, what their files and an earlier compression reveal, which belong together,
//! and which are usable.

mod block_grid;
mod examine;
mod file_facts;
mod groups;
mod items;
mod perceptual_hash;
mod usable;

pub(crate) use examine::examine_image;
pub use examine::{Examined, ReadImage, examine, read_image};
pub use file_facts::{FileFacts, JpegFacts, parse_file_facts};
pub use items::{ImageItem, ItemsError, list_images};
pub use usable::{Unused, UnusedCount, UnusedReason, UsableImage, count_unused};
pub(crate) use usable::{examine_all, usable_images};
