//! Where progress is shown: one line on a terminal, which other output never runs into, or a line now and then elsewhere.

use std::{
    io::{self, IsTerminal as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::environment;

/// How often progress is told where there is no terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(30);
/// How often the line is drawn at most, each second: more often flickers on slow terminals.
const DRAWS_PER_SECOND: u8 = 4;

/// The bar that is on the terminal now.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes something else while no bar is on the terminal.
pub(super) fn beside_the_bar<T>(write: impl FnOnce() -> T) -> T {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Whether the terminal cannot take away what it shows.
fn is_dumb() -> bool {
    environment::variable(environment::TERM).is_none_or(|term| term == "dumb")
}

/// Where the progress of a stage is shown.
#[derive(Debug)]
pub(super) enum Surface {
    Silent,
    Bar {
        bar: ProgressBar,
        /// When the line may change again.
        due: Instant,
    },
    Plain {
        /// When a line is due.
        due: Instant,
    },
}

impl Surface {
    pub(super) fn of_stderr(is_quiet: bool) -> Self {
        if is_quiet {
            Self::Silent
        } else if io::stderr().is_terminal() && !is_dumb() {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
            let bar = ProgressBar::with_draw_target(None, target);
            // A line that does not fit is cut, never wrapped: what was drawn could not be taken away again.
            if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:12}] {wide_msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            *shown() = Some(bar.clone());
            Self::Bar { bar, due: Instant::now() }
        } else {
            Self::Plain { due: Instant::now() + PLAIN_INTERVAL }
        }
    }

    /// The bar, if its line may change now: indicatif itself lets the first changes through as fast as they come.
    pub(super) fn bar_if_due(&mut self) -> Option<&ProgressBar> {
        match self {
            Self::Bar { bar, due } if Instant::now() >= *due => {
                *due = Instant::now() + Duration::from_secs(1) / u32::from(DRAWS_PER_SECOND);
                Some(bar)
            }
            _ => None,
        }
    }

    /// Whether a line is due where there is no terminal.
    pub(super) fn is_due(&mut self) -> bool {
        match self {
            Self::Silent | Self::Bar { .. } => false,
            Self::Plain { due } if Instant::now() < *due => false,
            Self::Plain { due } => {
                *due = Instant::now() + PLAIN_INTERVAL;
                true
            }
        }
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        if let Self::Bar { bar, .. } = self {
            shown().take();
            bar.finish_and_clear();
        }
    }
}
