//! The exit codes, documented in `--help` and the README.

use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Ok = 0,
    /// Something went wrong that no other code describes.
    Unexpected = 1,
    /// The command or its input cannot be used.
    Usage = 2,
    /// The score lies below `--fail-below`.
    GateFailed = 3,
    /// Finished, but some images could not be used.
    Partial = 4,
    /// Nothing to do, or nothing found.
    NothingFound = 5,
    /// The run was made for something else, or by a newer version.
    Mismatch = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

pub(crate) const EXIT_CODES_HELP: &str = "\
Exit codes: 0 fine, 1 unexpected failure, 2 command or input cannot be used, 3 score below --fail-below,
4 finished but some images could not be used, 5 nothing to do or nothing found, 6 the run does not fit";
