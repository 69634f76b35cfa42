//! How much of replies is in memory at the same time, over all calls of a transport: at most 512 MiB of bodies.
//!
//! A reply of known length takes its length before it is read. One of unknown length takes a share that nearly all stay within;
//! beyond that, replies are read one after the other, so that no two of them wait for what the other one holds.
//!
//! A reply that a call has to keep while it waits for something else, such as a download, gives its share back; besides those of 256 KiB
//! or less, at most 128 MiB of such texts stay.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::attempt::MAX_BODY_BYTES;

const TOTAL_BYTES: usize = 512 << 20;

/// What a reply of unknown length takes.
pub(super) const SHARE: usize = 16 << 20;

/// Of replies that stay while their calls go on.
const LINGERING_BYTES: usize = 128 << 20;

/// Smaller amounts are not told apart.
const UNIT: usize = 4096;

pub(super) struct Budget {
    /// In units.
    shares: Arc<Semaphore>,
    /// One at a time grows beyond its share.
    growing: Arc<Semaphore>,
    /// In units.
    lingering: Arc<Semaphore>,
}

/// What is kept for one reply.
#[derive(Debug)]
pub(crate) struct Held {
    share: Option<OwnedSemaphorePermit>,
    growing: Option<OwnedSemaphorePermit>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(TOTAL_BYTES - MAX_BODY_BYTES)
    }
}

impl Budget {
    fn of(bytes: usize) -> Self {
        let semaphore = |n_units: usize| Arc::new(Semaphore::new(n_units));
        Self {
            shares: semaphore(bytes / UNIT),
            growing: semaphore(1),
            lingering: semaphore(LINGERING_BYTES / UNIT),
        }
    }

    /// Waits until a reply of this length can be taken in.
    pub(super) async fn take(&self, length: Option<u64>) -> Held {
        let bytes = length.map_or(SHARE, |length| usize::try_from(length).unwrap_or(usize::MAX));
        let units = bytes.min(MAX_BODY_BYTES).div_ceil(UNIT) as u32;
        // The semaphores are never closed.
        Held { share: self.shares.clone().acquire_many_owned(units).await.ok(), growing: None }
    }

    /// Reserves memory for a reply that stays while its call continues, if available; does not wait.
    pub(super) fn linger(&self, length: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(length.div_ceil(UNIT)).ok()?;
        self.lingering.clone().try_acquire_many_owned(units).ok()
    }

    /// Waits until a reply can grow to `length` bytes.
    pub(super) async fn grow(&self, held: &mut Held, length: usize) {
        let share = held.share.as_ref().map_or(0, |share| share.num_permits() * UNIT);
        if length > share && held.growing.is_none() {
            held.growing = self.growing.clone().acquire_owned().await.ok();
        }
    }
}

impl Held {
    /// The reply is all there: what it did not need is free again.
    pub(super) fn shrink(&mut self, length: usize) {
        if let Some(share) = &mut self.share {
            let surplus = share.num_permits().saturating_sub(length.div_ceil(UNIT));
            drop(share.split(surplus));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn would_wait(work: impl Future) -> bool {
        tokio::time::timeout(Duration::from_millis(20), work).await.is_err()
    }

    #[tokio::test]
    async fn replies_wait_until_there_is_room() {
        let budget = Budget::of(2 * SHARE);
        let first = budget.take(Some(SHARE as u64 + 1)).await;
        assert!(would_wait(budget.take(Some(SHARE as u64))).await);
        let mut second = budget.take(Some(SHARE as u64 / 2)).await;
        drop(first);
        second.shrink(1);
        let _third = budget.take(None).await;
        assert!(would_wait(budget.take(None)).await);
    }

    #[tokio::test]
    async fn of_replies_beyond_their_share_one_grows_at_a_time() {
        let budget = Budget::of(4 * SHARE);
        let (mut first, mut second) = (budget.take(None).await, budget.take(None).await);
        budget.grow(&mut first, SHARE).await;
        budget.grow(&mut second, SHARE).await;
        budget.grow(&mut first, SHARE + 1).await;
        budget.grow(&mut first, 2 * SHARE).await;
        assert!(would_wait(budget.grow(&mut second, SHARE + 1)).await);
        drop(first);
        budget.grow(&mut second, SHARE + 1).await;
    }
}
