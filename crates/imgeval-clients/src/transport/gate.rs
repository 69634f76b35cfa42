//! Who may send now: concurrency, requests and tokens a minute, and pauses that a server asked for; nobody, once the provider
//! turned out to be down.

use std::{num::NonZeroU32, sync::Mutex as StdMutex};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use imgeval_core::{Permit, ProviderDown};
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::Limits;

pub(super) struct Gate {
    slots: Semaphore,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    /// Nobody sends before.
    paused_until: StdMutex<Option<Instant>>,
    closed: watch::Sender<Option<ProviderDown>>,
}

/// Why waiting came to its end before what was waited for.
pub(super) enum Stop {
    Revoked,
    Closed(ProviderDown),
}

/// Waits for something, unless the permission is revoked or the gate closed meanwhile or was before.
pub(super) async fn unless_stopped<T>(
    gate: &Gate,
    permit: &dyn Permit,
    wait: impl Future<Output = T>,
) -> Result<T, Stop> {
    tokio::select! {
        biased;
        down = gate.closed() => Err(Stop::Closed(down)),
        () = permit.revoked() => Err(Stop::Revoked),
        done = wait => Ok(done),
    }
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            slots: Semaphore::new(limits.concurrent.get().min(Semaphore::MAX_PERMITS)),
            requests: limits.requests_per_minute.map(Bucket::new),
            tokens: limits.tokens_per_minute.map(Bucket::new),
            paused_until: StdMutex::new(None),
            closed: watch::Sender::new(None),
        }
    }

    /// Waits for a turn; it lasts until the permit is dropped.
    pub(super) async fn enter(&self, tokens: u64) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        let permit = self.slots.acquire().await.ok();
        self.wait_for_pause().await;
        if let Some(bucket) = &self.tokens {
            bucket.take(tokens).await;
        }
        if let Some(bucket) = &self.requests {
            bucket.take(1).await;
        }
        // A pause may have begun meanwhile.
        self.wait_for_pause().await;
        permit
    }

    /// Lets nobody send before then.
    pub(super) fn pause_until(&self, instant: Instant) {
        if let Ok(mut paused) = self.paused_until.lock() {
            *paused = Some(paused.map_or(instant, |earlier| earlier.max(instant)));
        }
    }

    /// Admits no more calls; waiting calls get the reason.
    pub(super) fn close(&self, down: ProviderDown) {
        self.closed.send_if_modified(|closed| {
            let is_first = closed.is_none();
            closed.get_or_insert(down);
            is_first
        });
    }

    async fn closed(&self) -> ProviderDown {
        let mut closed = self.closed.subscribe();
        loop {
            let down = closed.borrow_and_update().clone();
            match down {
                Some(down) => return down,
                // The sender is a field of this gate.
                None if closed.changed().await.is_err() => std::future::pending().await,
                None => {}
            }
        }
    }

    async fn wait_for_pause(&self) {
        loop {
            let until = self.paused_until.lock().ok().and_then(|paused| *paused);
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }
}

/// Hands out units evenly; at most a second's worth at once, because servers watch intervals far below a minute.
struct Bucket {
    limiter: DefaultDirectRateLimiter,
    burst: NonZeroU32,
    /// First come, first served: without it, many large takers would all be served late.
    queue: Mutex<()>,
}

impl Bucket {
    fn new(per_minute: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(per_minute.get() / 60).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_minute(per_minute).allow_burst(burst));
        Self { limiter, burst, queue: Mutex::new(()) }
    }

    async fn take(&self, units: u64) {
        let _turn = self.queue.lock().await;
        let mut left = units;
        while let Some(part) = NonZeroU32::new(u32::try_from(left).unwrap_or(u32::MAX).min(self.burst.get()))
        {
            match self.limiter.check_n(part) {
                Ok(Ok(())) => left -= u64::from(part.get()),
                Ok(Err(not_yet)) => sleep(not_yet.wait_time_from(DefaultClock::default().now())).await,
                // Cannot be: no part is larger than the burst.
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_minutes_worth_is_not_handed_out_at_once() {
        let bucket = Bucket::new(NonZeroU32::new(30).unwrap());
        bucket.take(1).await;
        assert!(bucket.limiter.check().is_err());
        // A second's worth is there at once, and no more.
        let bucket = Bucket::new(NonZeroU32::new(600).unwrap());
        bucket.take(10).await;
        assert!(bucket.limiter.check_n(bucket.burst).unwrap().is_err());
    }

    #[tokio::test]
    async fn more_units_than_a_second_brings_are_waited_for() {
        let bucket = Bucket::new(NonZeroU32::new(60_000).unwrap());
        let start = std::time::Instant::now();
        bucket.take(1_050).await;
        assert!(start.elapsed() >= Duration::from_millis(50));
    }

    #[tokio::test]
    async fn nobody_enters_during_a_pause() {
        let limits = Limits { concurrent: NonZeroUsize::MIN, ..Limits::default() };
        let gate = Gate::new(&limits);
        let until = Instant::now() + Duration::from_millis(50);
        gate.pause_until(until);
        gate.pause_until(Instant::now());
        drop(gate.enter(1).await.unwrap());
        assert!(Instant::now() >= until, "a shorter pause does not end a longer one");
    }
}
