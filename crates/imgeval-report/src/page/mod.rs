//! The page: one HTML file with its script and style inside, its data beside it, that opens from a disk without any
//! network.
//!
//! A report folder holds
//!
//! ```text
//! index.html            skeleton, style, script, and what the gallery needs of every sample
//! imgeval-report.json   marks the folder as ours, with the version of its layout
//! data/KIND-N-HASH.js   details of some samples each, loaded when somebody looks
//! images/HASH.EXT       originals, hard links where the disk allows it
//! thumbs/HASH.jpg       at most 320 pixels on the longer side
//! figures/NAME.svg
//! overlays/NAME.jpg     where something was measured in an image
//! ```
//!
//! Text of others never becomes part of markup or script: it is JSON within data blocks or within one string that a data
//! file hands over, and the page puts it into text nodes. The content security policy allows the script and the
//! style of the page by their hashes, scripts and pictures of the page's own place, and nothing else.

mod data;
mod error;
mod folder;
mod html;
mod images;
mod thumbnail;
mod writer;

pub use data::{DataFile, DataSink, DataWriter, Index};
pub use error::PageError;
pub use html::{LIVE_POLICY_EXTRA, Mode, content_security_policy, render_live_page};
pub use images::{FOLDER_SIDE as THUMBNAIL_SIDE, Originals, read_original};
pub use thumbnail::{PictureError, make_thumbnail};
pub use writer::{PageOptions, PageWriter, Written};
