//! Notices when nothing comes through any more.

use std::sync::Mutex;

use imgeval_core::{Failure, FailureKind, ProviderDown};

/// So many calls in a row without any answer, each tried several times, are no accident.
const MAX_FAILED_CALLS: u32 = 8;

#[derive(Default)]
pub(super) struct Breaker {
    state: Mutex<(u32, String)>,
}

impl Breaker {
    /// # Errors
    /// If the last calls have all failed.
    pub(super) fn check(&self, who: &str) -> Result<(), ProviderDown> {
        let Ok(state) = self.state.lock() else { return Ok(()) };
        let (failed, last) = &*state;
        if *failed < MAX_FAILED_CALLS {
            return Ok(());
        }
        Err(ProviderDown {
            message: format!("{who} failed {failed} calls in a row; last: {last}"),
            hint:
                "check the network and the provider's status page, then run the same command again to resume"
                    .to_owned(),
        })
    }

    pub(super) fn answered(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.0 = 0;
        }
    }

    /// Records the end of a call without a usable answer. A request to come back later is neither an answer nor a
    /// failure and must not be recorded.
    pub(super) fn note(&self, failure: &Failure) {
        if !matches!(failure.kind, FailureKind::Transport | FailureKind::TimedOut) {
            return self.answered();
        }
        if let Ok(mut state) = self.state.lock() {
            *state = (state.0.saturating_add(1), failure.detail.clone());
        }
    }
}
