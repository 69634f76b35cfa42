//! Images that show where a measured image is weak: overlays for each image of a run, and a figure for each group of cases.
//!
//! - [`changes_panel`], [`frame_panel`], [`region_panel`], [`blur_panels`], [`cast_panel`] and [`text_panel`] draw; they are pure.
//! - A [`Sheet`] puts panels beside each other with headings, one color scale and notes; at most [`WIDEST`] pixels wide.
//! - [`write_pictures`] does it for a run: `SAMPLE.change.png` and so on for each measured image, `figure-GROUP.png` for each group.

mod blocks;
mod blur;
mod cast;
mod changes;
mod color_map;
mod figure;
mod frame;
mod kinds;
mod notes;
mod ranking;
mod region;
mod run;
mod sheet;
mod subject;
#[cfg(test)]
mod tests;
mod text;
mod traces;

pub use blur::{BLUR_MAX, BlurMap, blur_panels};
pub use cast::cast_panel;
pub use changes::{CHANGE_MAX, changes_panel};
pub use color_map::heat;
pub use frame::frame_panel;
pub use kinds::PictureKind;
pub use region::region_panel;
pub use run::{PicturesError, PicturesSummary, WrittenPicture, draw_pictures, write_pictures};
pub use sheet::{Panel, Row, Scale, Sheet, WIDEST};
pub use text::{TextCounts, text_panel};
pub use traces::trace_image;
