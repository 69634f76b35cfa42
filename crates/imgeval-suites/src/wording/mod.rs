//! Judges' wording, found by name in the files of those who made a suite.
//!
//! A suite says where its texts stand ([`Place`]: a constant, an attribute, an argument, a key) and how they are put
//! together ([`Compose`]: joined, formatted, chosen by a fact of the case). Nothing is executed. What cannot be read for
//! certain is a [`WordingError`] that names it and its line, and never another text. The files themselves are not
//! shipped; callers pin them by SHA-256.
//!
//! One thing cannot be seen: a list or dict that is changed through another name, or by a function that it is given to.
//! Texts cannot be changed so.

mod compose;
mod data;
mod error;
mod format;
mod python;
mod repr;
mod value;

pub(crate) use compose::field_of_hole;
pub use compose::{Compose, WordingFiles};
pub use error::WordingError;
pub use format::format_with_itself;
pub use python::{FoundMessages, FoundPart, PythonSource};
pub use repr::{repr_json, repr_text};
pub(crate) use value::Anchor;
pub use value::{Argument, Hole, Node, Piece, Place, Step, Text, Value};
