//! What became of a piece of work. A sample that went wrong is data, not an error.

use std::{error::Error, io};

/// A result, or the typed reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<T> {
    Done(T),
    Failed(Failure),
}

impl<T> Outcome<T> {
    #[must_use]
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Failed(_) => None,
        }
    }
}

/// A failure with what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// One sentence fragment for people: what, where.
    pub detail: String,
}

impl Failure {
    /// Of a call that was not permitted to send anything.
    #[must_use]
    pub fn not_sent() -> Self {
        let detail = "stopped before anything was sent".to_owned();
        Self { kind: FailureKind::Interrupted, detail }
    }
}

macro_rules! failure_kinds {
    ($($(#[$doc:meta])* $name:ident => $code:literal, $meaning:literal;)*) => {
        /// Why there is no usable image. Each kind is counted and shown by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FailureKind {
            $($(#[$doc])* $name,)*
        }

        impl FailureKind {
            /// Kinds that are the provider's answer and perhaps paid for: never asked for again unless the user says so.
            pub const ANSWERS: &[Self] = &[
                Self::Refused,
                Self::Moderated,
                Self::EmptyReply,
                Self::NotAnImage,
                Self::WrongSize,
                Self::TooManyPixels,
            ];

            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Stable name, as stored and printed.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// What it means, and what repairs it where that takes no command.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }

            /// Of a file that could not be read, by the error and those behind it.
            #[must_use]
            pub fn of_unread(error: &(dyn Error + 'static)) -> Self {
                let mut next = Some(error);
                while let Some(cause) = next {
                    let read = cause.downcast_ref::<io::Error>();
                    if read.is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory) {
                        return Self::NotEnoughMemory;
                    }
                    next = cause.source();
                }
                Self::NotAccessible
            }

            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.code() == code)
            }
        }
    };
}

failure_kinds! {
    EmptyFile => "empty-file", "the file has no bytes or the image no pixels; generate it again";
    Unreadable => "unreadable", "cannot be decoded as an image (truncated or damaged); generate it again";
    UnsupportedFormat => "unsupported-format", "an image format that is not supported, such as AVIF, HEIC or JPEG XL; convert it to PNG";
    TooManyPixels => "too-many-pixels", "larger than the limit on pixels";
    NotEnoughMemory => "not-enough-memory", "decoding it needs more memory than the limit allows or the system has; it is tried again with more memory";
    WrongMetadata => "wrong-metadata", "the metadata in its folder do not belong to this suite";
    DuplicateSample => "duplicate-sample", "another file already has this prompt and sample number; rename one";
    UnknownPrompt => "unknown-prompt", "its prompt index is not in the suite";
    NotAccessible => "not-accessible", "a file could not be read or written; fix what the detail says and run the same command again";
    DetectorFailed => "detector-failed", "the detector could not process the image; see the detail";
    Refused => "refused", "refused by the provider; asked again only on request";
    Moderated => "moderated", "stopped by a content filter; asked again only on request";
    EmptyReply => "empty-reply", "the answer contains no image (or no text, if text was requested); asked again only on request";
    NotAnImage => "not-an-image", "the answer is not a readable image; asked again only on request";
    WrongSize => "wrong-size", "another size than requested; kept but not scored";
    TimedOut => "timed-out", "no answer in time; the command asks again when run again";
    Transport => "transport", "the connection or the server failed; the command asks again when run again";
    Interrupted => "interrupted", "the process stopped during the call, which may have been billed";
    RejectedRequest => "rejected-request", "the provider does not accept this request; see the detail";
    Unparsed => "unparsed", "the judge's reply contains no score that the protocol can read; the reply is kept";
    NotMeasurable => "not-measurable", "what the check needs cannot be measured on this image; see the detail";
    CommandFailed => "command-failed", "the local command failed; see the detail";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not read it")]
    struct Unread(#[source] io::Error);

    #[test]
    fn a_file_that_did_not_fit_in_memory_is_told_from_one_that_is_gone() {
        let of = |kind: io::ErrorKind| FailureKind::of_unread(&Unread(kind.into()));
        assert_eq!(of(io::ErrorKind::OutOfMemory), FailureKind::NotEnoughMemory);
        assert_eq!(of(io::ErrorKind::NotFound), FailureKind::NotAccessible);
    }
}
