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
    /// `--max-cost` would have been passed.
    BudgetReached = 7,
    /// Stopped by Ctrl-C; what was finished is kept.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

pub(crate) const HELP_FOOTER: &str = "\
Start here:
  imgeval models pull preview
  imgeval run --suite geneval --images examples/geneval --run runs/demo
  imgeval generate --suite geneval --model openai:MODEL --dry-run

Exit codes:
  0 fine                                  4 finished, but some images could not be used
  1 unexpected failure                    5 nothing to do or nothing found
  2 command or input cannot be used       6 the run is of another suite or newer
  3 score below --fail-below              7 --max-cost reached
                                        130 stopped by Ctrl-C";
