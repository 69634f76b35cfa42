//! How much memory images may take in the whole process, whatever the number of threads.
//!
//! Who decodes an image reserves what its header asks for before allocating anything, and waits until that much is free. What
//! is left of it, the pixels, stays reserved until they are dropped ([`Pixels`](crate::Pixels) hold their reservation). The bytes
//! of files have a smaller budget of their own: they are read before the image's header is known, and whoever waits for pixels
//! must not wait for those who wait for bytes.
//!
//! Waiting always ends. A thread may hold one image while it waits for another, and two such threads could wait for each
//! other; the one that would close the circle gets an error instead. Only threads that hold something can be in a circle,
//! and only reservations that no waiting thread holds will be given back.

use std::{
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

/// For decoding and for pixels.
pub static PIXEL_MEMORY: MemoryBudget = MemoryBudget::new(u64::MAX);
/// For the bytes of image files.
static FILE_MEMORY: MemoryBudget = MemoryBudget::new(u64::MAX);

/// Of the whole, one part in so many is for the bytes of files.
const FILE_SHARE: u64 = 5;

/// Bounds what all images of the process may take together. Until it is called, they may take any amount.
pub fn set_max_memory(bytes: u64) {
    FILE_MEMORY.set_limit(bytes / FILE_SHARE);
    PIXEL_MEMORY.set_limit(bytes - bytes / FILE_SHARE);
}

/// Reserves memory for an image file before it is read; the reservation must live as long as the bytes. Waits for
/// others; returns `None` if waiting might never end because this thread holds pixels or bytes that others wait for.
/// A file larger than the budget gets all of it.
pub fn reserve_file(bytes: u64) -> Option<Reservation> {
    let waits_for_me = || PIXEL_MEMORY.lock().is_held_by(thread::current().id());
    let limit = FILE_MEMORY.lock().limit;
    if waits_for_me() { None } else { FILE_MEMORY.reserve(bytes.min(limit)).ok() }
}

/// The smallest `max_memory` under which an image that needs so much for its pixels is tried.
fn max_memory_for(needed: u64) -> u64 {
    needed.saturating_add(needed.div_ceil(FILE_SHARE - 1))
}

/// Why an image cannot be decoded now. With more memory it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotEnoughMemory {
    #[error("decoding it needs {}; a memory limit of {} or more is enough", Mib(*needed), Mib(max_memory_for(*needed)))]
    OverBudget { needed: u64 },
    #[error("decoding it needs {}, and images in use at the same time take up the rest of the memory limit", Mib(*needed))]
    HeldByOthers { needed: u64 },
    #[error("the system has no {} left; run again with fewer threads, a lower memory limit or more memory", Mib(*needed))]
    Refused { needed: u64 },
}

/// Rounded up, as `--max-memory` reads it.
struct Mib(u64);

impl fmt::Display for Mib {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}MiB", self.0.div_ceil(1 << 20))
    }
}

/// Bytes that are shared out.
#[derive(Debug)]
pub struct MemoryBudget {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    limit: u64,
    reserved: u64,
    /// One entry for each reservation; `None` for those that were handed over.
    holders: Vec<Option<ThreadId>>,
    /// With what each waits for.
    waiting: Vec<(ThreadId, u64)>,
}

impl MemoryBudget {
    #[must_use]
    pub const fn new(limit: u64) -> Self {
        let state = State { limit, reserved: 0, holders: Vec::new(), waiting: Vec::new() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn set_limit(&self, limit: u64) {
        self.lock().limit = limit;
        self.changed.notify_all();
    }

    /// Waits until this many bytes are free. A request larger than the budget fails at once.
    ///
    /// # Errors
    /// If the budget is too small, or would only be free after this thread returned what it holds.
    pub fn reserve(&'static self, bytes: u64) -> Result<Reservation, NotEnoughMemory> {
        let me = thread::current().id();
        let mut state = self.lock();
        loop {
            if bytes > state.limit {
                return Err(NotEnoughMemory::OverBudget { needed: bytes });
            }
            if state.fits(bytes) {
                state.reserved += bytes;
                state.holders.push(Some(me));
                return Ok(Reservation { budget: self, bytes, holder: Some(me) });
            }
            if state.is_circle(me) {
                return Err(NotEnoughMemory::HeldByOthers { needed: bytes });
            }
            state.waiting.push((me, bytes));
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting.retain(|(thread, _)| *thread != me);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fits(&self, bytes: u64) -> bool {
        self.reserved.checked_add(bytes).is_some_and(|sum| sum <= self.limit)
    }

    fn is_held_by(&self, thread: ThreadId) -> bool {
        self.holders.contains(&Some(thread))
    }

    /// Whether this thread holds something, and nobody who holds something can go on but by its giving it back.
    fn is_circle(&self, me: ThreadId) -> bool {
        let waits = |thread: ThreadId| {
            let of_thread = |(waiting, bytes): &(ThreadId, u64)| *waiting == thread && !self.fits(*bytes);
            thread == me || self.waiting.iter().any(of_thread)
        };
        self.is_held_by(me) && self.holders.iter().all(|holder| holder.is_some_and(waits))
    }
}

/// Bytes that are set aside until it is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: &'static MemoryBudget,
    bytes: u64,
    holder: Option<ThreadId>,
}

impl Reservation {
    /// Returns all but this many bytes.
    pub fn shrink_to(&mut self, bytes: u64) {
        let freed = self.bytes.saturating_sub(bytes);
        self.bytes -= freed;
        self.budget.lock().reserved -= freed;
        self.budget.changed.notify_all();
    }

    /// Says that another thread has it from now on, one that never waits for the budget.
    pub(crate) fn hand_over(&mut self) {
        let mut state = self.budget.lock();
        if let Some(place) = state.holders.iter().position(|holder| *holder == self.holder) {
            state.holders[place] = None;
            self.holder = None;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.reserved -= self.bytes;
        if let Some(place) = state.holders.iter().position(|holder| *holder == self.holder) {
            state.holders.swap_remove(place);
        }
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn waits(budget: &MemoryBudget, n_threads: usize) {
        while budget.lock().waiting.len() < n_threads {
            thread::yield_now();
        }
    }

    #[test]
    fn threads_never_hold_more_than_the_budget_together() {
        static BUDGET: MemoryBudget = MemoryBudget::new(100);
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for thread in 0..8 {
                let (held, most) = (&held, &most);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = 1 + (thread * 37 + round * 11) % 100;
                        let mut reserved = BUDGET.reserve(bytes).unwrap();
                        let now = held.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        held.fetch_sub(bytes, Ordering::SeqCst);
                        reserved.shrink_to(bytes / 2);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 100);
        assert_eq!(BUDGET.lock().reserved, 0);
        assert!(BUDGET.lock().holders.is_empty() && BUDGET.lock().waiting.is_empty());
    }

    #[test]
    fn what_alone_fits_gets_its_turn_and_what_does_not_ends_at_once() {
        static BUDGET: MemoryBudget = MemoryBudget::new(100);
        let small = BUDGET.reserve(1).unwrap();
        assert_eq!(BUDGET.reserve(101).unwrap_err(), NotEnoughMemory::OverBudget { needed: 101 });
        thread::scope(|scope| {
            let all = scope.spawn(|| BUDGET.reserve(100).map(|reserved| reserved.bytes));
            waits(&BUDGET, 1);
            drop(small);
            assert_eq!(all.join().unwrap(), Ok(100));
        });
    }

    #[test]
    fn a_thread_does_not_wait_for_itself() {
        static BUDGET: MemoryBudget = MemoryBudget::new(100);
        let mut first = BUDGET.reserve(60).unwrap();
        assert!(BUDGET.reserve(40).is_ok());
        assert_eq!(BUDGET.reserve(41).unwrap_err(), NotEnoughMemory::HeldByOthers { needed: 41 });
        // Another thread has the first one now, and will give it back.
        first.hand_over();
        thread::scope(|scope| {
            scope.spawn(|| {
                waits(&BUDGET, 1);
                drop(first);
            });
            assert!(BUDGET.reserve(41).is_ok());
        });
    }

    #[test]
    fn of_threads_that_would_wait_for_each_other_one_gives_up_and_the_other_goes_on() {
        static BUDGET: MemoryBudget = MemoryBudget::new(100);
        let first = BUDGET.reserve(50).unwrap();
        let other = thread::spawn(|| {
            let _held = BUDGET.reserve(50).unwrap();
            BUDGET.reserve(10).map(drop)
        });
        waits(&BUDGET, 1);
        assert_eq!(BUDGET.reserve(10).unwrap_err(), NotEnoughMemory::HeldByOthers { needed: 10 });
        drop(first);
        assert_eq!(other.join().unwrap(), Ok(()));
    }

    #[test]
    fn messages_say_what_would_be_enough() {
        let told = NotEnoughMemory::OverBudget { needed: 800 << 20 }.to_string();
        assert_eq!(told, "decoding it needs 800MiB; a memory limit of 1000MiB or more is enough");
        let enough = max_memory_for(800 << 20);
        assert!(enough - enough / FILE_SHARE >= 800 << 20);
    }
}
