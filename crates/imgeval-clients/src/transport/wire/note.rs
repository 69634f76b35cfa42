//! What a reply had that JSON has not, and why a reply cannot be read.

use std::fmt;

use super::{counted::MAX_VALUES, tolerant::MAX_DEPTH, unpack::MAX_UNPACKED_BYTES};

/// Something that was repaired while reading. Blanks, comments and the like around a reply are not worth one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// The reply was compressed though that was not asked for.
    Unpacked,
    /// The reply was a stream of events, or of several values, and was put together.
    Assembled,
    /// Bytes or escapes that are no Unicode text were replaced by U+FFFD.
    ReplacedText,
    /// `NaN` or an infinite number was read as null.
    NotFinite,
    /// A string held raw line ends or other control characters.
    ControlCharacters,
    /// A string held an escape that JSON lacks; it was kept as it is written.
    UnknownEscape,
    /// An event of the stream was no JSON and was left out.
    SkippedEvent,
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unpacked => "the reply was compressed, which was not requested",
            Self::Assembled => "the reply was a stream, which was not requested",
            Self::ReplacedText => "invalid Unicode in the reply was replaced by U+FFFD",
            Self::NotFinite => "a non-finite number in the reply was read as null",
            Self::ControlCharacters => "a string in the reply contained raw control characters",
            Self::UnknownEscape => "a string in the reply contained an unknown escape",
            Self::SkippedEvent => "an event in the reply's stream was not JSON and was skipped",
        })
    }
}

/// Why a reply cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the reply is empty")]
    Empty,
    #[error("could not decompress the reply: {reason}")]
    Packed { reason: String },
    #[error("the decompressed reply is larger than {} MiB", MAX_UNPACKED_BYTES >> 20)]
    TooLarge,
    #[error("the reply contains more than {MAX_VALUES} JSON values")]
    TooManyValues,
    #[error("the reply's JSON is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    #[error("the reply's JSON is cut off")]
    BrokenOff,
    #[error("the reply is not JSON (byte {at})")]
    NotJson { at: usize },
    #[error("the reply is an event stream of an unknown kind")]
    UnknownStream,
}
