//! When calls may be sent, and what happens to the others.

use std::{
    future::pending,
    sync::Mutex,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use imgeval_core::{Failure, FailureKind, Outcome, Permit, ProviderDown, Usd, WorkKey};
use imgeval_store::{CallBegun, StoreError};
use tokio::sync::watch;

use super::{
    CallError, StopSignal, Stopped,
    budget::{Admission, Reserved, SharedBudget, lock},
    writer::{Entry, NotWritten, WriterHandle},
};

/// Why a stage ends early.
#[derive(Debug)]
pub(super) enum Halt {
    Stopped(Stopped),
    /// `None`: as the writer tells.
    Error(Option<CallError>),
}

/// The reason to end early, once there is one, which every call learns at once.
#[derive(Debug)]
pub(super) struct Halting {
    reason: Option<Halt>,
    told: watch::Sender<bool>,
}

impl Halting {
    pub(super) fn new(stop: watch::Receiver<StopSignal>) -> (Self, Brake) {
        let (told, halted) = watch::channel(false);
        (Self { reason: None, told }, Brake { stop, halted })
    }

    /// Records a reason to stop: the first one is reported, except that an error takes precedence.
    pub(super) fn halt(&mut self, halt: Halt) {
        if self.reason.is_none()
            || (matches!(halt, Halt::Error(_)) && !matches!(self.reason, Some(Halt::Error(_))))
        {
            self.reason = Some(halt);
        }
        self.told.send_replace(true);
    }

    pub(super) fn is_halted(&self) -> bool {
        self.reason.is_some()
    }

    /// What the writer says comes first: it is the cause.
    pub(super) fn into_result(self, of_writer: Option<StoreError>) -> Result<Option<Stopped>, CallError> {
        let lost_cause = || CallError::Broke { detail: "a result could not be recorded".to_owned() };
        match (self.reason, of_writer) {
            (_, Some(error)) => Err(error.into()),
            (None, None) => Ok(None),
            (Some(Halt::Stopped(stopped)), None) => Ok(Some(stopped)),
            (Some(Halt::Error(error)), None) => Err(error.unwrap_or_else(lost_cause)),
        }
    }

    /// Whether a call with this estimate may begin now, given that those behind it may cost `waiting`; a permanent
    /// obstacle ends the stage.
    pub(super) fn admit(
        &mut self,
        budget: &SharedBudget,
        estimate: Option<Usd>,
        waiting: Usd,
        what: &str,
    ) -> bool {
        match lock(budget).admit(estimate, waiting) {
            Admission::Go => return true,
            Admission::Wait => {}
            Admission::Exhausted(shortage) => self.halt(Halt::Stopped(Stopped::Budget(shortage))),
            Admission::PriceUnknown => {
                self.halt(Halt::Error(Some(CallError::PriceUnknown { what: what.to_owned() })));
            }
        }
        false
    }
}

/// Says whether anything may still be sent.
#[derive(Debug, Clone)]
pub(super) struct Brake {
    stop: watch::Receiver<StopSignal>,
    halted: watch::Receiver<bool>,
}

impl Brake {
    pub(super) fn is_on(&self) -> bool {
        *self.halted.borrow() || *self.stop.borrow() != StopSignal::GoOn
    }

    /// Returns when nothing may be sent any more, else never.
    async fn on(&self) {
        tokio::select! {
            () = reached(&self.stop, |signal| *signal != StopSignal::GoOn) => {}
            () = reached(&self.halted, |halted| *halted) => {}
        }
    }

    /// Returns when the calls under way are to be abandoned, else never.
    async fn abandoned(&self) {
        reached(&self.stop, |signal| *signal == StopSignal::Now).await;
    }
}

/// Returns when the value is such, never if nobody is left to change it.
async fn reached<T>(value: &watch::Receiver<T>, is_such: impl FnMut(&T) -> bool) {
    if value.clone().wait_for(is_such).await.is_err() {
        pending::<()>().await;
    }
}

/// Why a call that was admitted has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nothing was sent, nothing is on record.
    NotSent(Halt),
    /// It stays on record as under way.
    Lost(Halt),
}

/// The permit of one call. The call is on record as begun before the first sending, and not a moment earlier: one
/// that waits for its turn is not under way.
pub(super) struct CallPermit<'a> {
    brake: &'a Brake,
    budget: &'a SharedBudget,
    writer: &'a WriterHandle,
    call: CallBegun,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    began_ms: i64,
    clock: Instant,
    /// So many tries are reserved.
    tries: u32,
    /// So many of them are on record.
    recorded: u32,
    /// What replies that could not be used are known to have cost.
    wasted: Usd,
    /// So much of it is on record.
    recorded_waste: Usd,
    /// That nothing more may be sent because of it.
    exhausted: Option<Stopped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    /// Its beginning may be on record, and nothing is sent.
    Recording,
    Begun,
    NotRecorded,
}

impl<'a> CallPermit<'a> {
    /// For a call that is admitted; when it begins is filled in.
    pub(super) fn new(
        brake: &'a Brake,
        budget: &'a SharedBudget,
        writer: &'a WriterHandle,
        call: CallBegun,
    ) -> Self {
        let state = State {
            phase: Phase::Waiting,
            began_ms: now_ms(),
            clock: Instant::now(),
            tries: 1,
            recorded: 1,
            wasted: Usd::ZERO,
            recorded_waste: Usd::ZERO,
            exhausted: None,
        };
        Self { brake, budget, writer, call, state: Mutex::new(state) }
    }

    pub(super) fn work_key(&self) -> &WorkKey {
        &self.call.work_key
    }

    pub(super) fn reserved(&self) -> Reserved {
        let state = lock(&self.state);
        Reserved { estimate: self.call.estimate, tries: state.tries, wasted: state.wasted }
    }

    /// Records the outcome of the call.
    pub(super) async fn record(&self, entry: Entry) -> Result<(), NotWritten> {
        self.writer.record(entry).await
    }

    /// Why nothing more can be asked for after this call, if its unusable replies used up the budget.
    pub(super) fn halt(&self) -> Option<Halt> {
        lock(&self.state).exhausted.clone().map(Halt::Stopped)
    }

    /// Whether the budget allows another try after what unusable replies cost.
    fn can_afford_more(&self) -> bool {
        let mut state = lock(&self.state);
        if state.wasted == Usd::ZERO {
            return true;
        }
        match lock(self.budget).still_fits(self.call.estimate) {
            Admission::Go => true,
            Admission::Exhausted(shortage) => {
                state.exhausted = Some(Stopped::Budget(shortage));
                false
            }
            Admission::Wait | Admission::PriceUnknown => false,
        }
    }

    /// When the call began, since 1970, and how long that is ago; both in milliseconds.
    pub(super) fn times(&self) -> (i64, i64) {
        let state = lock(&self.state);
        (state.began_ms, i64::try_from(state.clock.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Waits for the answer, unless the call is abandoned.
    pub(super) async fn wait_for<T>(
        &self,
        asking: impl Future<Output = Result<T, ProviderDown>>,
        was_sent: impl Fn(&T) -> bool,
    ) -> Result<T, Unanswered> {
        let answer = tokio::select! {
            // An answer that is there is taken.
            biased;
            answer = asking => Some(answer),
            () = self.brake.abandoned() => None,
        };
        let interrupted = Halt::Stopped(Stopped::Interrupted);
        match answer {
            Some(Ok(answer)) if was_sent(&answer) => Ok(answer),
            Some(Ok(_)) => Err(self.withdraw(interrupted).await),
            Some(Err(down)) => Err(self.withdraw(Halt::Stopped(Stopped::Down(down))).await),
            None if lock(&self.state).phase == Phase::Begun => Err(Unanswered::Lost(interrupted)),
            None => Err(self.withdraw(interrupted).await),
        }
    }

    /// Takes the call off the record, where it is not billed.
    async fn withdraw(&self, halt: Halt) -> Unanswered {
        let phase = lock(&self.state).phase;
        match phase {
            Phase::Waiting => Unanswered::NotSent(halt),
            Phase::NotRecorded => Unanswered::NotSent(Halt::Error(None)),
            Phase::Recording | Phase::Begun => {
                match self.writer.record(Entry::Withdrawn(self.call.work_key.clone())).await {
                    Ok(()) => Unanswered::NotSent(halt),
                    Err(_) => Unanswered::Lost(Halt::Error(None)),
                }
            }
        }
    }

    /// Reserves tries beyond those that are lost; says whether the budget allows another one.
    fn reserve(&self, lost_tries: u32) -> bool {
        let mut state = lock(&self.state);
        while state.tries <= lost_tries {
            if !lock(self.budget).reserve_try(self.call.estimate) {
                return false;
            }
            state.tries += 1;
        }
        true
    }

    /// Records that the call begins, or that it is sent again.
    async fn record_sending(&self) -> bool {
        let work_key = self.call.work_key.clone();
        let more = {
            let mut state = lock(&self.state);
            match state.phase {
                Phase::NotRecorded => return false,
                Phase::Begun => {
                    let tries = u64::from(state.tries - state.recorded);
                    let more = self.call.estimate.unwrap_or_default().times(tries) + state.wasted
                        - state.recorded_waste;
                    let is_news = tries > 0 || more > Usd::ZERO;
                    (state.recorded, state.recorded_waste) = (state.tries, state.wasted);
                    Some(is_news.then_some(more))
                }
                Phase::Waiting | Phase::Recording => {
                    state.phase = Phase::Recording;
                    (state.began_ms, state.clock) = (now_ms(), Instant::now());
                    None
                }
            }
        };
        match more {
            Some(None) => true,
            Some(Some(amount)) => self.writer.record(Entry::SentAgain(work_key, amount)).await.is_ok(),
            None => {
                let began_ms = lock(&self.state).began_ms;
                let call = CallBegun { began_ms, ..self.call.clone() };
                let is_recorded = self.writer.record(Entry::Begun(call)).await.is_ok();
                lock(&self.state).phase = if is_recorded { Phase::Begun } else { Phase::NotRecorded };
                is_recorded
            }
        }
    }
}

#[async_trait]
impl Permit for CallPermit<'_> {
    async fn may_send(&self, lost_tries: u32) -> bool {
        // Looked at again after recording, which takes a moment.
        !self.brake.is_on()
            && self.can_afford_more()
            && self.reserve(lost_tries)
            && self.record_sending().await
            && !self.brake.is_on()
    }

    fn note_wasted(&self, amount: Usd) {
        let mut state = lock(&self.state);
        lock(self.budget).add_wasted(amount - state.wasted);
        state.wasted = amount;
    }

    async fn revoked(&self) {
        self.brake.on().await;
    }
}

/// Whether a call that ended like this was sent at all.
pub(super) fn was_sent<T>(outcome: &Outcome<T>, tries: u32) -> bool {
    tries > 0 || !matches!(outcome, Outcome::Failed(Failure { kind: FailureKind::Interrupted, .. }))
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
