//! Every file is opened here, because what lies under a path may not be what was expected.
//!
//! - **Reading** ([`open_regular`], [`read_regular`]): a pipe would wait for its other end, a device might never end. Both are
//!   refused before a byte is read, and a length is checked against its limit first.
//! - **Writing** ([`OwnFolder`]): a folder may come from somebody else, so below it no link is followed. Files are opened
//!   relative to a handle of their folder, and a file that appears under a name replaces what was there, never writes into it.
//!
//! - **Texts that people write by hand** ([`read_hand_written`]): as their editors left them, in UTF-8.
//!
//! - **Output** ([`OutputFile`], [`output_folder`]): where the user says, and careful if that is within a run.
//!
//! Errors are [`std::io::Error`]s, but for those of texts ([`TextError`]) and output ([`OutputError`]); [`Unsuitable`] is inside those that tell what a path
//! is instead of a file.

#![forbid(unsafe_code)]
// The one place where files are opened.
#![allow(clippy::disallowed_methods)]

mod facts;
mod hand_written;
mod new_file;
mod output_file;
mod own_folder;
#[cfg(not(unix))]
mod portable;
mod read;
mod sweep;
#[cfg(unix)]
mod unix;
mod unsuitable;

#[cfg(not(unix))]
use portable as platform;
#[cfg(unix)]
use unix as platform;

pub use hand_written::{EncodingProblem, MAX_SETTINGS_BYTES, TextError, read_hand_written};
pub use new_file::{NewFile, UNFINISHED};
pub use output_file::{OutputError, OutputFile, output_folder};
pub use own_folder::{Lock, OwnFolder, write_whole};
pub use platform::open_special_for_writing;
pub use read::{open_regular, read_regular, read_text};
pub use unsuitable::Unsuitable;

#[cfg(test)]
mod tests;
