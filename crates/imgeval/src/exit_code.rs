//! The exit codes, documented in `--help` and the README.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Ok = 0,
    /// Something went wrong that no other code describes.
    Unexpected = 1,
    /// The command or its input is invalid.
    Usage = 2,
    /// The score is below `--fail-below`.
    GateFailed = 3,
    /// Finished, but some images could not be used.
    Partial = 4,
    /// Nothing to do, or nothing found.
    NothingFound = 5,
    /// The run was made for something else, or by a newer version.
    Mismatch = 6,
    /// `--max-cost` would have been exceeded.
    BudgetReached = 7,
    /// Interrupted by Ctrl-C; finished work is kept.
    Interrupted = 130,
}

pub(crate) const HELP_FOOTER: &str = "\
Start here:
  imgeval models pull preview
  imgeval run --suite geneval --images examples/geneval --run runs/demo
  imgeval generate --suite geneval --model openai:MODEL --dry-run

Exit codes:
  0 success                               4 finished, but some images could not be used
  1 unexpected failure                    5 nothing to do or nothing found
  2 invalid command or input              6 run of another suite or newer version
  3 score failed a gate                   7 cost limit reached
                                        130 interrupted by Ctrl-C";
