//! How well the text in an image matches the requested text.
//!
//! A reader gives fragments: boxes with text. They are grouped into rows ([`layout`]), runs of fragments of a row are
//! paired with the target lines ([`pairing`]), and pairs are aligned character by character ([`alignment`]).
//! [`measure_text`] does it all; docs/methods.md defines every number.
//!
//! Spaces are ignored when comparing characters, because readers drop them and detectors split lines at them.
//! Traditional and simplified characters are not mapped to each other.

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
