//! How well the text in an image is the text that was asked for.
//!
//! A reader gives fragments: boxes with text. They are grouped into rows ([`layout`]), runs of fragments of a row are paired
//! with the target lines ([`pairing`]), and what is paired is aligned character by character ([`alignment`]).
//! [`measure_text`] does it all; docs/methods.md defines every number.
//!
//! Spaces are left out of every comparison of characters, because readers drop them and detectors split lines at them. No
//! mapping between traditional and simplified characters is made.

mod alignment;
mod layout;
mod marks;
mod measure;
mod normalize;
mod pairing;
#[cfg(test)]
mod tests;

pub use alignment::edit_distance;
pub use layout::{Fragment, group_rows};
pub use marks::{Mark, MarkedText, mark_characters};
pub use measure::{TextMeasures, TextNotMeasurable, measure_text};
pub use normalize::{WordSpaces, dictionary_coverage, normalize_text};
