//! Requests whose answers are pulled later.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use crate::wires::Reply;

/// Clients ask for at most 68 minutes.
const KEPT_FOR: Duration = Duration::from_secs(2 * 3600);
/// More than any client has under way.
const MAX_JOBS: usize = 4096;

#[derive(Default)]
pub(super) struct Jobs(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    jobs: HashMap<String, Arc<Job>>,
    /// Oldest first.
    order: VecDeque<(Instant, String)>,
}

/// A request under way, or its answer.
#[derive(Default)]
pub(super) struct Job(OnceLock<Reply>);

impl Job {
    pub(super) fn end(&self, reply: Reply) {
        let _ = self.0.set(reply);
    }

    /// `None` while it is under way.
    pub(super) fn reply(&self) -> Option<&Reply> {
        self.0.get()
    }
}

impl Jobs {
    /// A new job, with a name that nobody can guess by counting.
    pub(super) fn begin(&self) -> (String, Arc<Job>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((begun, _)) = kept.order.front()
            && (begun.elapsed() > KEPT_FOR || kept.order.len() >= MAX_JOBS)
        {
            if let Some((_, uuid)) = kept.order.pop_front() {
                kept.jobs.remove(&uuid);
            }
        }
        let uuid = new_uuid();
        let job = Arc::new(Job::default());
        kept.jobs.insert(uuid.clone(), Arc::clone(&job));
        kept.order.push_back((Instant::now(), uuid.clone()));
        (uuid, job)
    }

    pub(super) fn find(&self, uuid: &str) -> Option<Arc<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).jobs.get(uuid).cloned()
    }
}

/// A random UUID (RFC 9562, version 4).
fn new_uuid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
