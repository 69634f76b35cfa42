//! Named values in Python source, which is never run.
//!
//! A name has a value here only if every way to it gives the same one: a name that is assigned differently in two
//! branches, counted up, or bound by a loop, an import or a parameter is refused with the lines where that happens.

mod expression;
mod holes;
mod messages;
mod source;
mod statements;
mod text;
mod tokens;

pub use messages::{FoundMessages, FoundPart};
pub use source::PythonSource;
